"""Signing out of an app that uses Flask-Login, and of one that is mounted below a path, or has the endpoints elsewhere."""

from typing import Any

import pytest
from flask_login import LoginManager, UserMixin, current_user, login_user
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as HttpClient

from flask_oauth_gateway.signals import session_ended
from tests.support.app import MakeApp, basic, gateway_of, recorded
from tests.support.logout import AFTER, AFTERS, LOGOUT, arrival
from tests.support.site import REDIRECT_URI, VERIFIER, Page, location, query


class Account(UserMixin):
    def __init__(self, subject: str) -> None:
        self.id = subject


@pytest.fixture
def app(make_app: MakeApp) -> Any:
    """An app whose users sign in by Flask-Login, and stay signed in for a year."""
    app = make_app(OAUTH_OIDC=True, OAUTH_LOGIN_URL="/login")
    LoginManager(app).user_loader(Account)

    @app.get("/login")
    def login() -> str:
        login_user(Account("alice"), remember=True)
        return ""

    @app.get("/who")
    def who() -> str:
        return str(getattr(current_user, "id", "nobody"))

    return app


def hint_of(app: Any, browser: Any, root: str = "") -> tuple[str, str]:
    """An ID token and the `client_id` of its client."""
    client = gateway_of(app).clients.create(
        grant_types=["authorization_code"],
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=AFTERS,
        scope="openid",
        skip_consent=True,
    )
    back = location(browser.get(f"{root}/oauth/authorize", query_string=query(client, scope="openid")))
    code = back.split("code=")[1].split("&")[0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    answer = browser.post(f"{root}/oauth/token", data=form, headers=basic(client.client_id, client.client_secret))
    return str(answer.get_json()["id_token"]), client.client_id


def test_flask_login_signs_out_by_itself_and_forgets_the_browser(app: Any) -> None:
    browser = app.test_client()
    browser.get("/login")
    hint, _ = hint_of(app, browser)
    with recorded(session_ended, app) as ended:
        asked = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER}
        assert arrival(browser.get(LOGOUT, query_string=asked)) == {}
    assert len(ended) == 1, "once, though Flask-Login says it too"
    assert browser.get_cookie("remember_token") is None
    assert browser.get("/who").text == "nobody"


def test_flask_logins_user_is_asked(app: Any) -> None:
    browser = app.test_client()
    browser.get("/login")
    _, client_id = hint_of(app, browser)
    page = browser.get(LOGOUT, query_string={"client_id": client_id, "post_logout_redirect_uri": AFTER})
    assert browser.get("/who").text == "alice"
    assert arrival(browser.post(LOGOUT, data=dict(Page(page).fields))) == {}
    assert browser.get("/who").text == "nobody"


def test_the_app_stands_below_a_path(app: Any) -> None:
    outside = HttpClient(DispatcherMiddleware(NotFound(), {"/one": app}))
    outside.get("/one/login")
    hint, client_id = hint_of(app, outside, "/one")
    asked = {"client_id": client_id, "post_logout_redirect_uri": AFTER}
    page = Page(outside.get("/one/oauth/logout", query_string=asked))
    assert page.actions == ["/one/oauth/logout"]
    again = Page(HttpClient(DispatcherMiddleware(NotFound(), {"/one": app})).post("/one/oauth/logout", data=asked))
    assert again.actions == ["/one/oauth/logout"]
    told = outside.get("/one/.well-known/openid-configuration").get_json()
    assert told["end_session_endpoint"] == "http://localhost/one/oauth/logout"
    back = outside.get("/one/oauth/logout", query_string={"id_token_hint": hint, **asked})
    assert arrival(back) == {}
    assert outside.get("/one/who").text == "nobody"


def test_the_endpoints_stand_elsewhere(make_app: MakeApp) -> None:
    app = make_app(OAUTH_OIDC=True, OAUTH_URL_PREFIX="/connect")
    gateway_of(app).current_user(lambda: Account("alice"))
    gateway_of(app).logout(lambda: None)
    page = Page(app.test_client().get("/connect/logout"))
    assert page.actions == ["/connect/logout"]
    assert app.test_client().get(LOGOUT).status_code == 404
