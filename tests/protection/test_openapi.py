"""OpenAPI documents that know which tokens each operation takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import openapi_spec_validator
import pytest
from apiflask import APIFlask
from apispec import APISpec
from flask import Blueprint, Flask
from flask.views import MethodView, View

from flask_oauth_gateway import OAuthGateway, require_token

READ, WRITE, ADMIN = "weather:read", "weather:write", "weather:admin"
SCOPES = {READ: "Read the weather", WRITE: "Change the weather", ADMIN: "Make the weather"}


@pytest.fixture
def gateway(tmp_path: Path) -> OAuthGateway:
    return OAuthGateway(make_app(tmp_path))


def make_app(tmp_path: Path, kind: type[Flask] = Flask, **config: Any) -> Flask:
    app = kind("documented", instance_path=str(tmp_path))
    app.config.update(TESTING=True, OAUTH_SCOPES=SCOPES, **config)
    return app


def app_of(gateway: OAuthGateway) -> Flask:
    return gateway._servers[0].app


def nothing(**_: Any) -> str:
    return ""


def test_the_flows_that_are_on_are_there_with_their_urls_and_scopes(tmp_path: Path) -> None:
    grants = ["authorization_code", "client_credentials", "password", "implicit", "refresh_token", "device_code"]
    gateway = OAuthGateway(
        make_app(
            tmp_path, OAUTH_ISSUER="https://auth.example/tenant", OAUTH_URL_PREFIX="/auth", OAUTH_GRANT_TYPES=grants
        )
    )
    authorize, token = "https://auth.example/auth/authorize", "https://auth.example/auth/token"
    assert gateway.openapi_security_schemes() == {
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": authorize, "tokenUrl": token, "refreshUrl": token, "scopes": SCOPES,
                },
                "clientCredentials": {"tokenUrl": token, "scopes": SCOPES},
                "password": {"tokenUrl": token, "refreshUrl": token, "scopes": SCOPES},
                "implicit": {"authorizationUrl": authorize, "scopes": SCOPES},
            },
        }
    }  # fmt: skip


def test_a_scope_with_limits_is_a_plain_text(tmp_path: Path) -> None:
    """A document in YAML can hold nothing else."""
    app = make_app(tmp_path)
    app.config["OAUTH_SCOPES"] = {READ: {"description": "Read the weather", "not": "Change it"}}
    flow = OAuthGateway(app).openapi_security_schemes()["oauth2"]["flows"]["clientCredentials"]
    assert flow["scopes"] == {READ: "Read the weather"}
    assert type(flow["scopes"][READ]) is str


def test_without_a_flow_that_openapi_has_a_name_for_it_is_a_bearer_token(tmp_path: Path) -> None:
    gateway = OAuthGateway(make_app(tmp_path, OAUTH_GRANT_TYPES=["device_code"]))
    app_of(gateway).add_url_rule("/x", "x", require_token(READ)(nothing))
    assert gateway.openapi_security_schemes() == {"bearer": {"type": "http", "scheme": "bearer"}}
    assert gateway.openapi_security("x") == [{"bearer": [READ]}]


def test_below_another_root_the_urls_are_there_too(gateway: OAuthGateway) -> None:
    app = app_of(gateway)
    with app.test_request_context("/", base_url="https://api.example/sub"):
        flow = gateway.openapi_security_schemes()["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "https://api.example/sub/oauth/token"
    app.testing = False
    flow = gateway.openapi_security_schemes()["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"


@pytest.mark.parametrize(
    ("protection", "security"),
    [
        (require_token, [{"oauth2": []}]),
        (require_token(WRITE, READ), [{"oauth2": [READ, WRITE]}]),
        (require_token(any_of=(WRITE, READ)), [{"oauth2": [READ]}, {"oauth2": [WRITE]}]),
        (require_token(READ, any_of=(WRITE, ADMIN)), [{"oauth2": [ADMIN, READ]}, {"oauth2": [READ, WRITE]}]),
        (require_token(optional=True), [{}, {"oauth2": []}]),
        (lambda view: require_token(READ)(require_token(WRITE)(view)), [{"oauth2": [READ, WRITE]}]),
        (lambda view: require_token(READ)(require_token(optional=True)(view)), [{"oauth2": [READ]}]),
        (lambda view: view, []),
    ],
)
def test_a_view_says_what_it_takes(
    gateway: OAuthGateway, protection: Callable[..., Any], security: list[dict[str, list[str]]]
) -> None:
    view = protection(nothing)
    app_of(gateway).add_url_rule("/x", "x", view)
    assert gateway.openapi_security(view) == gateway.openapi_security("x", "HEAD") == security


def test_class_views_and_blueprints_say_it_too(gateway: OAuthGateway) -> None:
    app = app_of(gateway)

    class Station(MethodView):
        decorators: ClassVar = [require_token(READ)]

        def get(self) -> str:
            return ""

        @require_token(WRITE)
        def put(self) -> str:
            return ""

    class Plain(View):
        @require_token(ADMIN)
        def dispatch_request(self) -> str:
            return ""

    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    gateway.protect(outer, READ)
    gateway.protect(inner, any_of=(WRITE, ADMIN))
    inner.add_url_rule("/x", "x", nothing)
    outer.register_blueprint(inner)
    outer.add_url_rule("/y", "y", nothing)
    app.register_blueprint(outer)
    app.add_url_rule("/station", view_func=Station.as_view("station"))
    app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
    assert gateway.openapi_security("station") == gateway.openapi_security("station", "HEAD") == [{"oauth2": [READ]}]
    assert gateway.openapi_security(Station, "PUT") == [{"oauth2": [READ, WRITE]}]
    assert gateway.openapi_security("plain", "POST") == [{"oauth2": [ADMIN]}]
    assert gateway.openapi_security("outer.y") == [{"oauth2": [READ]}]
    assert gateway.openapi_security("outer.inner.x") == [{"oauth2": [ADMIN, READ]}, {"oauth2": [READ, WRITE]}]


def test_paths_that_are_protected_from_configuration_say_it_too(tmp_path: Path) -> None:
    rules = [
        {"path": "/api/open/*", "scopes": None},
        {"path": "/api/*", "methods": "PUT", "scopes": WRITE},
        {"path": "/api/*", "scopes": READ},
    ]
    gateway = OAuthGateway(make_app(tmp_path, OAUTH_PROTECT=rules))
    app = app_of(gateway)
    app.add_url_rule("/api/stations/<int:number>", "station", nothing, methods=["GET", "PUT"])
    app.add_url_rule("/api/open/<path:rest>", "open", nothing)
    app.add_url_rule("/api/forecast", "forecast", require_token(any_of=(WRITE, ADMIN))(nothing))
    assert gateway.openapi_security("station") == [{"oauth2": [READ]}]
    assert gateway.openapi_security("station", "PUT") == [{"oauth2": [WRITE]}]
    assert gateway.openapi_security("open") == []
    everything = OAuthGateway(make_app(tmp_path, OAUTH_PROTECT=[{"path": "/*"}]))
    assert everything.openapi_security("oauth.token", "POST") == []  # the gateway's own are not behind it
    assert gateway.openapi_security("forecast") == [{"oauth2": [ADMIN, READ]}, {"oauth2": [READ, WRITE]}]
    document = {"paths": {"/api/stations/{number}": {"put": {}}, "/api/open/{rest}": {"get": {}}}}
    paths = gateway.add_openapi_security(document)["paths"]
    assert paths == {
        "/api/stations/{number}": {"put": {"security": [{"oauth2": [WRITE]}]}},
        "/api/open/{rest}": {"get": {}},
    }


@pytest.mark.parametrize("view", ["nowhere", nothing])
def test_what_is_no_view_is_refused(gateway: OAuthGateway, view: Any) -> None:
    with pytest.raises(ValueError, match="neither a view of this app nor"):
        gateway.openapi_security(view)


def test_a_document_gets_what_it_lacks_and_is_valid(gateway: OAuthGateway) -> None:
    app = app_of(gateway)
    app.add_url_rule("/stations/<int:number>/<name>", "station", require_token(READ)(nothing), methods=["GET", "PUT"])
    app.add_url_rule("/open", "open", nothing)
    spec = APISpec("Weather", "1", "3.1.0")
    answer = {"responses": {"200": {"description": "Fine"}}}
    given = [{"name": name, "in": "path", "required": True, "schema": {}} for name in ("number", "name")]
    own = {**answer, "security": [{"oauth2": [ADMIN]}]}
    spec.path("/stations/{number}/{name}", operations={"get": dict(answer), "put": own}, parameters=given)
    spec.path("/open", operations={"get": dict(answer)})
    spec.path("/elsewhere", operations={"get": dict(answer)})
    document = gateway.add_openapi_security(spec.to_dict())
    station = document["paths"]["/stations/{number}/{name}"]
    assert station["get"]["security"] == [{"oauth2": [READ]}]
    assert station["put"]["security"] == [{"oauth2": [ADMIN]}]
    assert "security" not in document["paths"]["/open"]["get"]
    openapi_spec_validator.validate(document)


def test_apiflask_serves_a_valid_document_that_says_it(tmp_path: Path) -> None:
    app = make_app(tmp_path, APIFlask, OPENAPI_VERSION="3.1.0")
    assert isinstance(app, APIFlask)
    gateway = OAuthGateway(app)
    app.get("/weather/<int:day>")(require_token(READ)(lambda day: {"sky": day}))
    app.spec_processor(gateway.add_openapi_security)
    document = app.test_client().get("/openapi.json").get_json()
    operation = document["paths"]["/weather/{day}"]["get"]
    assert operation["security"] == [{"oauth2": [READ]}]
    flows = document["components"]["securitySchemes"]["oauth2"]["flows"]
    assert flows["authorizationCode"]["authorizationUrl"] == "http://localhost/oauth/authorize"
    openapi_spec_validator.validate(document)


def test_a_view_that_takes_bound_tokens_alone_says_by_what(tmp_path: Path) -> None:
    app = make_app(tmp_path, OAUTH_DPOP=True, OAUTH_MTLS=True, OAUTH_MTLS_CERTIFICATE="nginx")
    gateway = OAuthGateway(app)
    for name, bound in (("any", True), ("dpop", "dpop"), ("mtls", "mtls"), ("plain", False)):
        app.add_url_rule(f"/{name}", name, require_token(READ, bound=bound)(nothing))
    schemes = gateway.openapi_security_schemes()
    assert schemes["dpop"] == {"type": "http", "scheme": "DPoP"}
    assert schemes["mutualTLS"] == {"type": "mutualTLS"}
    by_dpop, by_certificate = {"oauth2": [READ], "dpop": []}, {"oauth2": [READ], "mutualTLS": []}
    assert {name: gateway.openapi_security(name) for name in ("any", "dpop", "mtls", "plain")} == {
        "any": [by_dpop, by_certificate],
        "dpop": [by_dpop],
        "mtls": [by_certificate],
        "plain": [{"oauth2": [READ]}],
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Weather", "version": "1"},
        "paths": {f"/{name}": {"get": {"responses": {"200": {"description": "fine"}}}} for name in ("any", "dpop")},
    }
    openapi_spec_validator.validate(gateway.add_openapi_security(document))


def test_where_nothing_binds_tokens_such_a_view_still_asks_for_one(gateway: OAuthGateway) -> None:
    app_of(gateway).add_url_rule("/any", "any", require_token(READ, bound=True)(nothing))
    assert gateway.openapi_security("any") == [{"oauth2": [READ]}]
