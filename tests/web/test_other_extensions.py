"""Other extensions of the app, each by itself: what they would do to the gateway's endpoints, and don't."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Flask, abort, session
from flask_limiter import Limiter
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.models import fsqla_v3
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from flask_oauth_gateway import OAuthGateway
from tests.support.app import add_weather, ask, basic, close_app, gateway_of, refusal, register
from tests.support.site import Page, Person, query

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Makes apps whose parts are added in the order in which they are given."""
    apps: list[Flask] = []

    def make(*parts: Callable[[Flask], Any], flask: type[Flask] = Flask, **config: Any) -> Flask:
        app = flask("app", instance_path=str(tmp_path / f"instance{len(apps)}"))
        defaults = {
            "TESTING": True,
            "SECRET_KEY": "only for tests",
            "OAUTH_SCOPES": {"weather:read": "", "weather:write": ""},
            "OAUTH_GRANT_TYPES": ["authorization_code", "client_credentials", "device_code"],
            "OAUTH_FORWARD_AUTH": True,
        }
        app.config.update(defaults | config)
        for part in parts:
            part(app)
        if "oauth_gateway" in app.extensions:
            gateway = gateway_of(app)
            gateway.current_user(lambda: Person("alice") if session.get("user") else None)
        apps.append(app)
        return app

    yield make
    for app in apps:
        close_app(app)


def sign_in(app: Flask) -> Any:
    http = app.test_client()
    with http.session_transaction() as session:
        session["user"] = "alice"
    return http


@pytest.mark.parametrize("parts", [(CSRFProtect, OAuthGateway), (OAuthGateway, CSRFProtect)], ids=["before", "after"])
def test_csrf_protect_leaves_the_endpoints_out_by_itself(make: Callable[..., Flask], parts: Any) -> None:
    app = make(*parts)
    app.add_url_rule("/own", "own", lambda: "", methods=["POST"])
    client, http = register(app), sign_in(app)
    first = ask(http, client)  # the very first request too
    assert first.status_code == 200, first.text
    for path in ("/oauth/introspect", "/oauth/revoke"):
        data = {"token": first.get_json()["access_token"]}
        assert http.post(path, data=data, headers=basic(client.client_id, client.client_secret)).status_code == 200
    assert http.post("/oauth/verify").status_code == 401
    page = Page(http.get("/oauth/device"))
    sent = http.post("/oauth/device", data={**dict(page.fields), "user_code": "BBBB-CCCC"})
    assert "This code is not known" in sent.text
    assert "out of date" in http.post("/oauth/device", data={"user_code": "BBBB-CCCC"}).text  # the page's own token
    assert http.post("/own").status_code == 400  # the app's own views are protected as before


def test_another_extension_of_that_name_is_left_alone(make: Callable[..., Flask]) -> None:
    app = make(lambda app: app.extensions.update(csrf=object()), OAuthGateway)
    assert ask(app.test_client(), register(app)).status_code == 200


@pytest.mark.parametrize("talisman_first", [True, False])
def test_talisman_leaves_the_pages_their_policy_and_sets_its_other_headers(
    make: Callable[..., Flask], *, talisman_first: bool
) -> None:
    def talisman(app: Flask) -> None:
        Talisman(app, strict_transport_security=True)

    app = make(*((talisman, OAuthGateway) if talisman_first else (OAuthGateway, talisman)))
    add_weather(app)
    http = app.test_client()
    secure = {"base_url": "https://localhost"}
    page = http.get("/oauth/authorize?client_id=nobody", **secure)
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    view = http.get("/weather", **secure)
    assert view.headers["Content-Security-Policy"] == "default-src 'self'; object-src 'none'"
    for response in (page, view):
        assert "max-age=31556926" in response.headers["Strict-Transport-Security"]
        assert response.headers["Permissions-Policy"]


def limit(app: Flask) -> None:
    Limiter(lambda: "everybody", app=app, default_limits=["2 per hour"], storage_uri="memory://")


@pytest.mark.parametrize("parts", [(limit, OAuthGateway), (OAuthGateway, limit)], ids=["before", "after"])
def test_a_limit_of_flask_limiter_is_said_in_the_shape_of_the_protocol(make: Callable[..., Flask], parts: Any) -> None:
    app = make(*parts)
    app.register_error_handler(429, lambda _: ("the app's own page", 429))
    client, http = register(app), sign_in(app)
    assert [ask(http, client).status_code for _ in range(2)] == [200, 200]
    refused = ask(http, client)
    assert refusal(refused, 429, "temporarily_unavailable") == "Too many attempts. Please wait a while."
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    documents = [http.get("/.well-known/oauth-authorization-server") for _ in range(3)]
    refusal(documents[-1], 429, "temporarily_unavailable")
    pages = [http.get("/oauth/authorize", query_string=query(client), headers=BROWSER) for _ in range(3)]
    assert (pages[-1].status_code, pages[-1].mimetype) == (429, "text/html")
    assert "Too many attempts" in pages[-1].text
    assert "frame-ancestors 'none'" in pages[-1].headers["Content-Security-Policy"]
    assert 3500 < int(pages[-1].headers["Retry-After"]) <= 3600


def test_an_app_that_says_429_itself_is_quoted_with_its_seconds(make: Callable[..., Flask]) -> None:
    from werkzeug.exceptions import TooManyRequests

    def busy(app: Flask) -> None:
        def refuse() -> None:
            raise TooManyRequests(retry_after=7) if app.config["SAYS_WHEN"] else TooManyRequests()

        app.before_request(refuse)

    app = make(busy, OAuthGateway, SAYS_WHEN=True)
    for says_when, seconds in ((True, "7"), (False, "60")):
        app.config["SAYS_WHEN"] = says_when
        refused = app.test_client().post("/oauth/token")
        refusal(refused, 429, "temporarily_unavailable")
        assert refused.headers["Retry-After"] == seconds


@pytest.mark.parametrize("code", [400, 403, 418, 500, 503])
def test_error_pages_of_the_app_s_own_are_no_answers_of_the_endpoints(make: Callable[..., Flask], code: int) -> None:
    app = make(OAuthGateway, TESTING=False, OAUTH_ISSUER="https://auth.example")
    app.register_error_handler(code, lambda _: ("the app's own page", code))
    app.before_request(lambda: abort(code))
    answer = app.test_client().post("/oauth/token")
    assert (answer.status_code, answer.mimetype) == (code, "application/json")
    assert {*answer.get_json()} == {"error", "error_description"}
    if code == 503:
        assert (answer.get_json()["error"], answer.headers["Retry-After"]) == ("temporarily_unavailable", "2")
    for path in ("/elsewhere", "/oauth/authorize"):  # people see it
        assert app.test_client().get(path, headers=BROWSER).text == "the app's own page"


def test_the_sign_in_page_of_flask_security_is_found_by_itself(make: Callable[..., Flask]) -> None:
    def security(app: Flask) -> None:
        db = SQLAlchemy(app)
        fsqla_v3.FsModels.set_db_info(db)
        base = fsqla_v3
        role = type("Role", (db.Model, base.FsRoleMixin), {})
        user = type("User", (db.Model, base.FsUserMixin), {})
        Security(app, SQLAlchemyUserDatastore(db, user, role))
        with app.app_context():
            db.create_all()

    config = {
        "SQLALCHEMY_DATABASE_URI": "sqlite://",
        "SECURITY_PASSWORD_SALT": "salt",
        "SECURITY_BLUEPRINT_NAME": "people",
        "SECURITY_LOGIN_URL": "/sign-in-here",
    }
    app = make(security, OAuthGateway, **config)
    gateway_of(app).hooks.current_user = None
    answer = app.test_client().get("/oauth/applications")
    assert answer.location == "/sign-in-here?next=%2Foauth%2Fapplications"


def test_the_routes_stay_out_of_the_documents_of_the_app_s_own_api(make: Callable[..., Flask]) -> None:
    app = make(OAuthGateway, flask=APIFlask, OAUTH_ADMIN=True)
    app.add_url_rule("/pets", "pets", lambda: "")
    assert [*app.test_client().get("/openapi.json").get_json()["paths"]] == ["/pets"]

    def smorest(app: Flask) -> None:
        app.config.update(API_TITLE="Pets", API_VERSION="1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/")
        Api(app)

    other = make(smorest, OAuthGateway, OAUTH_ADMIN=True)
    assert other.test_client().get("/openapi.json").get_json()["paths"] == {}
