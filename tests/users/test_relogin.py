"""An app that clears its session at sign-in, as it should, is asked to sign in once where a client wants that, not for ever."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, redirect, request, session

from tests.support.app import MakeApp, register

REDIRECT_URI = "https://app.example/callback"


class User:
    id = "alice"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app: Flask = make_app(OAUTH_LOGIN_URL="/login", OAUTH_REQUIRE_PKCE=False)
    gateway = app.extensions["oauth_gateway"]
    gateway.current_user(lambda: User() if "signed_in_at" in session else None)

    @app.get("/login")
    def login() -> Any:
        """Signs in at once; `?stay` is a user who doesn't."""
        if "stay" not in request.args:
            session.clear()
            session["signed_in_at"] = int(time.time())
        return redirect(request.args["next"])

    return app


def start(app: Flask, **parameters: str) -> str:
    client = register(app, grant_types=["authorization_code"], redirect_uris=[REDIRECT_URI], skip_consent=True)
    pairs = {"response_type": "code", "client_id": client.client_id, "redirect_uri": REDIRECT_URI, **parameters}
    return "/oauth/authorize?" + "&".join(f"{name}={value}" for name, value in pairs.items())


@pytest.mark.parametrize("wanted", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_one_sign_in_is_enough(app: Flask, wanted: dict[str, str], is_signed_in: bool) -> None:
    browser, url = app.test_client(), start(app, **wanted)
    if is_signed_in:
        browser.get("/login?next=/")
    for _ in range(2):  # each request wants one of its own
        to_login = browser.get(url)
        assert to_login.location.startswith("/login?next=")
        back = browser.get(to_login.location)
        answer = browser.get(back.location)
        assert "code" in parse_qs(urlsplit(answer.location).query)


def test_a_user_who_does_not_sign_in_again_is_an_error_to_the_client(app: Flask) -> None:
    app.extensions["oauth_gateway"].login_details(lambda _: {"auth_time": session["signed_in_at"]})
    browser, url = app.test_client(), start(app, prompt="login")
    browser.get("/login?next=/")
    with browser.session_transaction() as kept:
        kept["signed_in_at"] -= 100
    to_login = browser.get(url)
    answer = browser.get(browser.get(to_login.location + "&stay=1").location)
    assert parse_qs(urlsplit(answer.location).query)["error"] == ["login_required"]


def test_the_cookie_is_for_this_endpoint_and_for_no_script(app: Flask) -> None:
    cookie = app.test_client().get(start(app, prompt="login")).headers["Set-Cookie"]
    assert cookie.startswith("oauth_relogin=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/oauth/authorize"} <= set(cookie.split("; "))


@pytest.mark.parametrize("value", ["", "forged", "WyJ4IiwxXQ.aaaa.bbbb", "%C3%A9"])
def test_a_forged_cookie_spares_nobody_the_sign_in(app: Flask, value: str) -> None:
    browser, url = app.test_client(), start(app, prompt="login")
    browser.get("/login?next=/")
    browser.set_cookie("oauth_relogin", value, path="/oauth/authorize")
    answer = browser.get(url)
    assert answer.location.startswith("/login?next=")


def test_the_sign_in_for_one_request_spares_nobody_that_for_another(app: Flask) -> None:
    browser, one, other = app.test_client(), start(app, prompt="login"), start(app, prompt="login", state="other")
    browser.get(browser.get(one).location)
    assert browser.get(other).location.startswith("/login?next=")
