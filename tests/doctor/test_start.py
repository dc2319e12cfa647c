"""What would only show when somebody needs it: the doctor says it, and so does the app's log at the first request."""

import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask_login import LoginManager

from flask_oauth_gateway import OAuthGateway, require_token
from tests.support.app import MakeApp, bare_app, close_app, gateway_of
from tests.support.idp import Idp
from tests.support.signing import Signer

SOUND = {
    "OAUTH_ISSUER": "https://auth.example.com",
    "SECRET_KEY": "a key that is only for tests, and long",
    "SESSION_COOKIE_SECURE": True,
    "TESTING": False,
}
IDP = "https://idp.example"


def doctor(app: Flask) -> dict[str, str]:
    """What the doctor finds, by its key."""
    found = json.loads(app.test_cli_runner().invoke(args=["oauth", "doctor", "--json"]).stdout)
    return {each["key"]: f"{each['why']}. Better: {each['fix']}." for each in found}


def said_at_start(app: Flask, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """What the log says at the first request, which nothing is added to at the second."""
    caplog.clear()
    client = app.test_client()
    with caplog.at_level(logging.WARNING):
        client.get("/nowhere")
        said = [record.getMessage() for record in caplog.records]
        client.get("/nowhere")
    assert len(caplog.records) == len(said)
    return dict(line.split(": ", 1) for line in said)


def sign_in_hooks(app: Flask, *without: str) -> None:
    gateway = gateway_of(app)
    for name, hook in (
        ("current_user", lambda: None),
        ("load_user", lambda subject: subject),
        ("login", lambda wanted: wanted.return_to),
        ("check_password", lambda username, _password: username),
    ):
        if name not in without:
            getattr(gateway, name)(hook)


@pytest.mark.parametrize("grant", ["authorization_code", "implicit", "device_code"])
def test_a_grant_for_which_nobody_can_sign_in(make_app: MakeApp, caplog: pytest.LogCaptureFixture, grant: str) -> None:
    for missing, config in (("gateway.current_user", {"OAUTH_LOGIN_URL": "/login"}), ("OAUTH_LOGIN_URL", {})):
        app = make_app(**SOUND, **config, OAUTH_GRANT_TYPES=[grant])
        sign_in_hooks(app, "login", *(["current_user"] if config else []))
        found, said = doctor(app), said_at_start(app, caplog)
        assert "nobody can sign in, which " in found[missing]
        assert said == {missing: found[missing]}


@pytest.mark.parametrize(
    ("without", "config", "better"),
    [
        (["login"], {}, "set OAUTH_LOGIN_URL or register gateway.login"),
        (["current_user"], {}, "register gateway.current_user (or use Flask-Login)"),
        (
            ["current_user", "login"],
            {},
            "register gateway.current_user (or use Flask-Login) and set OAUTH_LOGIN_URL or register gateway.login",
        ),
    ],
)
def test_it_names_only_what_lacks(make_app: MakeApp, without: list[str], config: dict[str, Any], better: str) -> None:
    app = make_app(**SOUND, **config)
    sign_in_hooks(app, *without)
    (said,) = doctor(app).values()
    assert f". Better: {better}; where no user takes part" in said


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("sign_inn", "'sign_inn' is no endpoint of this app"),
        (".sign_in", "'.sign_in' is no endpoint of this app"),
        ("sign_out", "'sign_out' takes no GET"),
        ("tenant", "'tenant' has an address with variables"),
        ("sign_in", None),
        ("with_default", None),
        ("sign-in/", None),
    ],
)
def test_a_sign_in_page_that_there_is_not(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, endpoint: str, why: str | None
) -> None:
    for setting in ("OAUTH_LOGIN_URL", "login_manager.login_view"):
        app = make_app(**SOUND, **({"OAUTH_LOGIN_URL": endpoint} if setting == "OAUTH_LOGIN_URL" else {}))
        members = LoginManager(app)
        members.user_loader(lambda subject: subject)
        members.login_view = endpoint
        app.add_url_rule("/sign-in", "sign_in", lambda: "")
        app.add_url_rule("/sign-out", "sign_out", lambda: "", methods=["POST"])
        app.add_url_rule("/<tenant>/sign-in", "tenant", lambda tenant: tenant)
        app.add_url_rule("/of/<tenant>", "with_default", str)
        app.add_url_rule("/of", "with_default", str, defaults={"tenant": "all"})
        found, said = doctor(app), said_at_start(app, caplog)
        assert said == found
        assert list(found) == ([setting] if why else [])
        assert all(f"nobody can sign in: {why}. Better: name an endpoint" in each for each in found.values())


def test_passwords_that_nobody_checks(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(**SOUND, OAUTH_GRANT_TYPES=["password"])
    sign_in_hooks(app, "check_password")
    assert "every password is refused" in doctor(app)["gateway.check_password"]
    assert list(said_at_start(app, caplog)) == ["gateway.check_password"]


def test_an_app_whose_users_sign_in_or_that_has_none_starts_in_silence(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    machines = make_app(**SOUND, OAUTH_GRANT_TYPES=["client_credentials", "jwt_bearer"])
    by_hooks = make_app(**SOUND)
    sign_in_hooks(by_hooks)
    by_address = make_app(**SOUND, OAUTH_LOGIN_URL="/login")
    sign_in_hooks(by_address, "login")
    by_flask_login = make_app(**SOUND)
    members = LoginManager(by_flask_login)
    members.user_loader(lambda subject: subject)
    assert list(doctor(by_flask_login)) == ["OAUTH_LOGIN_URL"]
    members.login_view = "sign_in"
    by_flask_login.add_url_rule("/sign-in", "sign_in", lambda: "")
    for app in (machines, by_hooks, by_address, by_flask_login):
        assert said_at_start(app, caplog) == {}
        assert doctor(app) == {}


def test_an_extension_called_security_needs_not_be_flask_security(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(**SOUND)
    LoginManager(app)
    app.extensions["security"] = "of the app's own"
    assert list(said_at_start(app, caplog)) == ["OAUTH_LOGIN_URL"]
    assert app.test_client().get("/weather").status_code == 401


def test_tests_of_an_app_are_told_nothing(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    assert said_at_start(make_app(TESTING=True), caplog) == {}


def test_a_view_that_is_open_by_mistake(tmp_path: Any) -> None:
    app = bare_app("careless", instance_path=str(tmp_path), **SOUND, OAUTH_GRANT_TYPES=["client_credentials"])
    OAuthGateway(app)

    @require_token("weather:read")
    @app.get("/weather")
    def weather() -> str:
        return "clear"

    found = doctor(app)
    assert list(found) == ["view 'weather'"]
    assert "@require_token stands above the route" in found["view 'weather'"]
    close_app(app)


def entries(days: int) -> dict[str, dict[str, Any]]:
    """For each setting that names issuers, one whose certificate ends in so many days."""
    idp, certificate = Idp(), Signer("RS256").certificate(since=-9, until=days)
    return {
        "OAUTH_JWT_ISSUERS": {IDP: {"key": certificate}},
        "OAUTH_TRUSTED_TOKEN_ISSUERS": {IDP: {"key": certificate, "audience": "api"}},
        "OAUTH_SAML_ISSUERS": {IDP: {**idp.entry, "certificates": [certificate]}},
    }


@pytest.mark.parametrize("setting", ["OAUTH_JWT_ISSUERS", "OAUTH_TRUSTED_TOKEN_ISSUERS", "OAUTH_SAML_ISSUERS"])
def test_certificates_that_end(make_app: MakeApp, caplog: pytest.LogCaptureFixture, setting: str) -> None:
    for days in (-3, 5, 30):
        app = make_app(**SOUND, OAUTH_GRANT_TYPES=["jwt_bearer", "saml2_bearer"], **{setting: entries(days)[setting]})
        found, said = doctor(app), said_at_start(app, caplog)
        assert said == found
        assert list(found) == ([] if days == 30 else [f"{setting}['{IDP}']"])
        said_now = f"certificate {'ended' if days < 0 else 'ends'} on "
        assert all(said_now in why and ("from then on" in why) == (days > 0) for why in found.values())
