"""Resources that code adds: `gateway.resource(…)`, and the audience that a view or an entry of OAUTH_PROTECT asks for."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_oauth_gateway import ConfigurationError, OAuthGateway, require_token
from tests.support.app import ask, bare_app, bearer, close_app, gateway_of, refusal, register, token_for
from tests.support.site import BOTH, ISSUER, READ, WRITE

WELL_KNOWN = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
AUTH = "https://auth.example"
MCP = f"{AUTH}/mcp"


def hello() -> str:
    return "hello"


def greet(number: int) -> str:
    return f"hello {number}"


def test_a_resource_in_code_is_one_of_the_settings(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_ISSUER=AUTH)
    gateway_of(app).resource("/mcp/", scopes=(name for name in [READ]), name="Files", documentation=f"{AUTH}/docs")
    app.add_url_rule("/mcp", "mcp", require_token(READ)(hello), methods=["GET", "POST"])
    http, client = app.test_client(), register(app)
    challenge = http.post("/mcp").headers["WWW-Authenticate"]
    assert challenge == f'Bearer realm="oauth", scope="{READ}", resource_metadata="{AUTH}{WELL_KNOWN}/mcp"'
    assert http.get(f"{WELL_KNOWN}/mcp").get_json() == {
        "resource": MCP,
        "authorization_servers": [AUTH],
        "scopes_supported": [READ],
        "bearer_methods_supported": ["header"],
        "resource_name": "Files",
        "resource_documentation": f"{AUTH}/docs",
    }
    assert http.get(SERVER).get_json()["protected_resources"] == [AUTH, MCP]
    for resource, scope, mcp, rest in ((MCP, READ, 200, 401), (AUTH, BOTH, 401, 200), ("", BOTH, 200, 200)):
        token = token_for(http, client, resource=resource)
        assert token["scope"] == scope
        headers = bearer(token["access_token"])
        assert (http.post("/mcp", headers=headers).status_code, http.get("/weather", headers=headers).status_code) == (
            mcp,
            rest,
        )


def test_a_factory_may_say_it_before_the_app_is_there_and_each_app_has_it() -> None:
    gateway = OAuthGateway()
    gateway.resource("/mcp", scopes=[READ])
    apps = [bare_app(f"app{number}", TESTING=True, OAUTH_DATABASE_URI="sqlite://") for number in range(2)]
    for app in apps:
        gateway.init_app(app)
    with apps[0].app_context():
        gateway.resource("/more", identifier="urn:more")
    for app, names in zip(apps, ([ISSUER, f"{ISSUER}/mcp", "urn:more"], [ISSUER, f"{ISSUER}/mcp"]), strict=True):
        assert app.test_client().get(SERVER).get_json()["protected_resources"] == names
        close_app(app)


def test_what_comes_too_late_or_contradicts_is_said_at_once(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_RESOURCES={"/api": "urn:api"})
    gateway = gateway_of(app)
    for arguments, words in (
        ({"path": "mcp"}, "a path such as '/mcp'"),
        ({"path": "/api"}, "a path that is no resource yet"),
        ({"path": "/mcp", "scopes": ["weather:rain"]}, "'weather:rain' is not one"),
        ({"path": "/mcp", "identifier": "urn:api", "name": "Another"}, "described in one way"),
        ({"path": "/mcp", "scope": READ}, "Did you mean 'scopes'?"),
    ):
        with pytest.raises(ConfigurationError, match=r"gateway[.]resource") as error:
            gateway.resource(**arguments)
        assert words in str(error.value)
    app.test_client().get("/weather")
    with pytest.raises(RuntimeError, match=r"gateway.resource\('/mcp'\) comes too late"):
        gateway.resource("/mcp")


def test_the_audience_of_a_view_a_blueprint_or_a_path_can_be_asked_for(make_app: Callable[..., Flask]) -> None:
    named = {
        "view": f"{AUTH}/one",
        "blueprint": "urn:two",
        "path": "https://three.example",
        "class": "https://four.example/x",
    }
    app = make_app(OAUTH_ISSUER=AUTH, OAUTH_PROTECT=[{"path": "/path/*", "audience": named["path"], "scopes": [WRITE]}])
    app.add_url_rule("/view/<int:number>", "view", require_token(READ, audience=named["view"])(greet))
    app.add_url_rule("/path/x", "path", hello)
    blueprint = Blueprint("two", __name__, url_prefix="/blueprint")
    gateway_of(app).protect(blueprint, audience=named["blueprint"])
    blueprint.add_url_rule("/x", "x", hello)
    app.register_blueprint(blueprint)
    app.add_url_rule("/plain", "plain", require_token(audience="no-uri")(hello))
    http, client = app.test_client(), register(app)
    assert http.get(SERVER).get_json()["protected_resources"] == [
        AUTH,
        named["view"],
        named["blueprint"],
        named["path"],
    ]
    places = {"view": ("/view/5", "/one"), "blueprint": ("/blueprint/x", "/blueprint/x"), "path": ("/path/x", "/path")}
    for which, (path, place) in places.items():
        token = token_for(http, client, resource=named[which])["access_token"]
        for other, (elsewhere, _) in places.items():
            assert http.get(elsewhere, headers=bearer(token)).status_code == (200 if other == which else 401)
        without = token_for(http, client)["access_token"]
        refused = http.get(path, headers=bearer(without))
        refusal(refused, 401, "invalid_token")
        assert f'resource_metadata="{AUTH}{WELL_KNOWN}{place}"' in refused.headers["WWW-Authenticate"]
        assert http.get(WELL_KNOWN + place).get_json()["resource"] == named[which]
    refusal(ask(http, client, resource="no-uri"), 400, "invalid_target")


def test_the_audience_of_a_view_is_not_what_a_token_is_for_by_itself(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_RESOURCES={"/api": "urn:api"}, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    app.add_url_rule("/vault", "vault", require_token(audience="urn:vault")(hello))
    app.add_url_rule("/same", "same", require_token(audience="urn:api")(hello))
    http, client = app.test_client(), register(app)
    token = bearer(token_for(http, client)["access_token"])
    assert http.get("/oauth/tokeninfo", headers=token).get_json()["audience"] == f"{ISSUER} urn:api"
    assert [http.get(path, headers=token).status_code for path in ("/vault", "/same")] == [401, 200]
    challenge: Any = http.get("/same").headers["WWW-Authenticate"]
    assert challenge.endswith(f'resource_metadata="{ISSUER}{WELL_KNOWN}/api"'), "that resource has a document already"


def test_below_a_mount_point_the_path_is_the_whole_one(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_ISSUER=f"{AUTH}/one", APPLICATION_ROOT="/one")
    gateway_of(app).resource("/mcp")
    app.add_url_rule("/mcp", "mcp", require_token(hello))
    http, client = app.test_client(), register(app)
    base = f"{AUTH}/one"
    assert http.get("/mcp", base_url=base).headers["WWW-Authenticate"].endswith(f'"{base}{WELL_KNOWN}/mcp"')
    for path in (f"{WELL_KNOWN}/one/mcp", f"/one{WELL_KNOWN}/mcp"):
        where = {"base_url": base} if path.startswith("/one/") else {"base_url": AUTH}
        found = http.get(path.removeprefix("/one"), **where)
        assert found.get_json()["resource"] == f"{base}/mcp"
    token = token_for(http, client, resource=f"{base}/mcp")["access_token"]
    assert http.get("/mcp", base_url=base, headers=bearer(token)).data == b"hello"
