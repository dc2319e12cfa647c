"""`/oauth/authorize` on apps as they come: with Flask-Login, without a SECRET_KEY, without OAUTH_ISSUER."""

from pathlib import Path
from typing import Any

import flask_login
import pytest
from werkzeug.test import TestResponse

from tests.support.app import MakeApp
from tests.support.site import (
    ISSUER,
    READ,
    MakeSite,
    Page,
    answer,
    error_page,
    granted,
    location,
    query,
    refused,
    split,
)


class Member(flask_login.UserMixin):  # type: ignore[misc]
    def __init__(self, subject: str) -> None:
        self.id = subject
        self.username = subject.upper()


@pytest.fixture
def members(make_app: MakeApp, tmp_path: Path) -> Any:
    """A site that leaves people to Flask-Login, and has not one of the gateway's hooks."""
    from tests.support.site import GRANT_TYPES, Site

    app = make_app(OAUTH_GRANT_TYPES=GRANT_TYPES)
    manager = flask_login.LoginManager(app)
    known = {name: Member(name) for name in ("alice", "bob")}
    manager.user_loader(known.get)
    manager.login_view = "sign_in"
    app.add_url_rule("/sign-in", "sign_in", lambda: "")
    app.add_url_rule("/sign-in-as/<name>", "as", lambda name: str(flask_login.login_user(known[name])))
    site = Site(app)
    hooks = site.gateway.hooks
    hooks.current_user = hooks.load_user = None
    site.people = known
    return site


def test_flask_login_is_found_by_itself(members: Any) -> None:
    client = members.register()
    path, parameters = split(members.ask(client).headers["Location"])
    assert (path, parameters["next"].partition("?")[0]) == ("/sign-in", "/oauth/authorize")
    refused(location(members.ask(client, prompt="none")), "login_required")
    members.browser.get("/sign-in-as/alice")
    page = Page(members.browser.get(parameters["next"]))
    assert "ALICE" in page.text
    tokens = granted(members.redeem(client, answer(location(members.send(page)))["code"]))
    members.people["alice"].name = "Alice"
    assert (members.me(tokens["access_token"])["subject"], members.me(tokens["access_token"])["user"]) == (
        "alice",
        "Alice",
    )
    code = members.code(client)
    del members.people["alice"]
    for response in (members.refresh(client, tokens["refresh_token"]), members.redeem(client, code)):
        assert (response.status_code, response.get_json()["error"]) == (400, "invalid_grant")


def test_an_app_without_any_way_to_know_its_user_says_so(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    site = make_site()
    site.gateway.hooks.current_user = None
    error_page(site.ask(site.register()), "server_error", 503)
    assert "OAUTH_LOGIN_URL" in caplog.text


@pytest.mark.parametrize("parameters", [{}, {"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "1"}])
def test_without_a_secret_key_the_pages_say_so_and_the_log_says_what_to_do(
    make_site: MakeSite, parameters: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(SECRET_KEY=None, OAUTH_LOGIN_URL="/login")
    client = site.register()
    error_page(site.ask(client, **parameters), "server_error", 503)
    assert "SECRET_KEY" in caplog.text
    form = {"decision": "allow", "form_token": "x", "scope": READ}
    error_page(site.browser.post("/oauth/authorize", query_string=query(client), data=form), "server_error", 503)
    for path in ("/oauth/device", "/oauth/applications"):
        error_page(site.browser.get(path), "server_error", 503)
    site.person = None
    assert site.ask(client, **parameters).headers["Location"].startswith("/login?")
    site.person = "alice"
    site.gateway.clients.update(client.client_id, skip_consent=True)
    assert "code" in answer(location(site.ask(client)))  # needs no form


@pytest.fixture
def serious(make_site: MakeSite) -> Any:
    """A site as in production: neither debug nor testing."""

    def serious(**config: Any) -> Any:
        return make_site(TESTING=False, **config)

    return serious


@pytest.mark.parametrize(
    "host", ["auth.example", "auth.example:5000", "localhost.evil.example", "evillocalhost", "192.168.1.5:5000",
     "127.0.0.1.evil.example", "x@localhost", "[::2]", ""]
)  # fmt: skip
def test_beyond_loopback_a_server_without_a_name_says_so_and_sends_nobody_anywhere(serious: Any, host: str) -> None:
    site = serious()
    client = site.register()
    for parameters in ({}, {"prompt": "none"}, {"scope": "nope"}, {"redirect_uri": "https://evil.example"}):
        response = site.browser.get(
            "/oauth/authorize", query_string=query(client, **parameters), headers={"Host": host}
        )
        text = error_page(response, "server_error", 503)
        assert "OAUTH_ISSUER" in text
        assert "OAUTH_ALLOW_HTTP" in text  # whoever sets an http URL next isn't told about it one start later
        assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "app.localhost:5000", "127.0.0.1:8000", "127.0.0.1", "[::1]:5000", "[::1]"]
)
def test_on_loopback_the_address_that_is_asked_is_its_name(serious: Any, host: str) -> None:
    site = serious()
    client = site.register(skip_consent=True)
    response = site.browser.get("/oauth/authorize", query_string=query(client), headers={"Host": host})
    assert answer(location(response))["iss"] == f"http://{host}"


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1:1", "[::", "a b"])
def test_a_name_that_is_set_is_never_the_host_header_s_to_change(serious: Any, host: str) -> None:
    site = serious(OAUTH_ISSUER="https://auth.example/people")
    client = site.register(skip_consent=True, grant_types=["authorization_code", "device_code"])
    for parameters in ({}, {"scope": "nope"}):
        response = site.browser.get(
            "/oauth/authorize", query_string=query(client, **parameters), headers={"Host": host}
        )
        assert answer(location(response))["iss"] == "https://auth.example/people"
    device = site.app.test_client().post(
        "/oauth/device_authorization",
        data={"client_id": client.client_id, "client_secret": client.client_secret},
        headers={"Host": host},
    )
    assert granted_device(device)["verification_uri"] == "https://auth.example/oauth/device"


def granted_device(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def test_in_testing_and_in_debug_the_request_says_who_the_server_is(make_site: MakeSite) -> None:
    for config in ({"TESTING": True}, {"TESTING": False, "DEBUG": True}):
        site = make_site(**config)
        client = site.register(skip_consent=True)
        assert answer(location(site.ask(client)))["iss"] == ISSUER
        there = site.browser.get("/oauth/authorize", query_string=query(client), headers={"Host": "staging.example"})
        assert answer(location(there))["iss"] == "http://staging.example"


def test_an_endpoint_whose_grants_are_off_is_not_there(make_app: MakeApp) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["client_credentials"])
    for path in ("authorize", "device", "device_authorization", "applications"):
        assert app.test_client().get(f"/oauth/{path}").status_code == 404
