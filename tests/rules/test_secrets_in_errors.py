"""A secret that is given where it does not belong is in no error, no log and no line of a command; none is endless."""

import logging
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.config import PREFIX, Settings
from flask_oauth_gateway.errors import shown, without_secrets
from flask_oauth_gateway.stores.registered_client import REGISTERED
from tests.support.app import bare_app, basic, build_app, close_app, gateway_of, register


def looks_like_a_path(line: str) -> bool:
    return line.startswith("/") and (line.count("/") > 4 or not re.search("[A-Z].*[0-9]|[0-9].*[A-Z]", line))


def private_key() -> str:
    """A key of which no line looks like the path of a file."""
    while True:
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        if not any(map(looks_like_a_path, pem.splitlines())):
            return pem


PEM = private_key()
LINES = PEM.splitlines()[1:-1]
BODY = "".join(LINES)
PASSWORD = "hunter2sesame"
#: Secrets as they are given by mistake.
GIVEN: dict[str, Any] = {
    "a key": PEM,
    "a key in bytes": PEM.encode(),
    "a key of one line": BODY,
    "a key that is cut off": PEM[:600],
    "a key for OpenSSH": PEM.replace("PRIVATE", "OPENSSH PRIVATE"),
    "a private JWK": {"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": LINES[1], "p": LINES[2]},
    "a private JWK as text": f'{{"kty":"RSA","d":"{LINES[1]}"}}',
    "a URL": f"https://user:{PASSWORD}@host.example/path",
    "a URL with an @ in its password": f"https://user:pa@ss{PASSWORD}@host.example/path",
    "a URL with a slash in its password": f"postgresql://user:pa/{PASSWORD}@host.example/path",
    "a URL with a parameter": f"redis://host.example/0?password={PASSWORD}",
}
SECRETS = [*LINES, BODY[:48], PASSWORD]


def wrapped(secret: Any) -> list[Any]:
    """A secret as each of the shapes that settings have."""
    found = [secret, [secret], (secret,), {"name": secret}, {"name": {"key": secret}}, [{"path": secret}]]
    if isinstance(secret, str):
        found += [
            [{secret: 1}],
            [{"path": "/x", secret: 1}],
            {"name": {secret: 1}},
            {secret: {}},
            {secret: secret},
            {"https://idp.example": {secret: secret}},
        ]
    for name in ("key", "jwks", "jwks_uri", "introspection", "certificates", "metadata", "decryption_key", "audience"):
        found.append({"https://idp.example": {name: secret, "client_id": "c", "client_secret": "s", "audience": "a"}})
        found.append({"https://idp.example": {name: [secret], "client_id": "c"}})
    return found


def assert_no_secret(text: str, where: object) -> None:
    for secret in SECRETS:
        assert secret not in text, where


def assert_fine(error: Exception, where: object) -> None:
    """An error with all that stands in its traceback, beside the lines of code, and the errors that it came from."""
    assert_no_secret("".join(traceback.format_exception(error, limit=0)), where)
    assert len(str(error)) < 1000, where


class Apps:
    """Apps with one setting that may be wrong; one whose settings were refused is as it was, and is used for the next."""

    def __init__(self, **config: Any) -> None:
        self._config = {"TESTING": True, "OAUTH_DATABASE_URI": "sqlite://"} | config
        self._app: Flask | None = None

    def start(self, key: str, given: Any) -> None:
        app = self._app or bare_app("secretive", **self._config)
        app.config[key] = given
        self._app = app
        read = Settings.from_config

        def from_config(*config: Any, **how: Any) -> Settings:
            settings = read(*config, **how)
            self._app = None  # from here on it changes the app
            return settings

        with mock.patch.object(Settings, "from_config", from_config):
            OAuthGateway(app)
        close_app(app)


@pytest.mark.parametrize("item", [item.name for item in fields(Settings)])
def test_no_setting_repeats_a_secret(item: str, caplog: pytest.LogCaptureFixture) -> None:
    apps = Apps(**({} if item == "grant_types" else {"OAUTH_GRANT_TYPES": ["jwt_bearer", "saml2_bearer"]}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in chain.from_iterable(map(wrapped, GIVEN.values())):
            try:
                apps.start(PREFIX + item.upper(), given)
            except ValueError as error:
                assert_fine(error, given)
    assert_no_secret(caplog.text, item)


@pytest.mark.parametrize("member", [*REGISTERED, "owner", "client_id", "client_secret", "application"])
def test_no_registration_repeats_a_secret(app: Flask, member: str) -> None:
    for secret in GIVEN.values():
        for given in (secret, [secret], {"x": secret}):
            try:
                registered = register(app, **{member: given})
            except (ValueError, TypeError) as error:
                assert_fine(error, given)
            else:
                gateway_of(app).clients.delete(registered.client_id)  # each is the first of its name


@pytest.mark.parametrize("what", [name for name, given in GIVEN.items() if isinstance(given, str)])
def test_no_command_repeats_a_secret(make_app: Callable[..., Flask], what: str, tmp_path: Path) -> None:
    app = make_app()
    register(app, client_id="one")
    given = GIVEN[what]
    for command in (
        ["client", "show", given],
        ["client", "create", given, "--grant", "client_credentials", "--certificate", given],
        ["client", "create", "One", "--grant", "client_credentials", "--jwks", given],
        ["client", "create", "One", "--grant", "client_credentials", "--scope", given],
        ["client", "create", "One", "--grant", "client_credentials", "--auth-method", given],
        ["client", "create", "One", "--grant", "client_credentials", "--access-token-lifetime", given],
        ["client", "update", "one", "--redirect-uri", given],
        ["client", "update", "one", "--grant", given],
        ["client", "import", given],
        ["application", "show", given],
        ["key", "retire", given],
        ["token", "list", "--limit", given],
        ["token", "list", "--after", given],
        ["explain", given],
        [given],
    ):
        result = app.test_cli_runner().invoke(args=["oauth", *command])
        assert_no_secret(result.output, command)
        assert len(result.output) < 1500, command


def test_a_database_and_a_redis_that_are_away_are_logged_without_their_passwords(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    app = build_app(
        OAUTH_DATABASE_URI=f"postgresql+psycopg://user:{PASSWORD}@127.0.0.1:9/nothing",
        OAUTH_REDIS_URL=f"redis://user:{PASSWORD}@127.0.0.1:9/0",
    )
    answer = app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("x", "y"))
    assert answer.status_code == 503
    for command in (["doctor"], ["client", "list"]):
        result = app.test_cli_runner().invoke(args=["oauth", *command])
        assert result.exit_code == 1
        assert_no_secret(result.output, command)
    assert "did not answer" in caplog.text
    assert_no_secret(caplog.text + answer.text, "the log")
    close_app(app)


def test_what_is_no_secret_is_still_shown() -> None:
    for plain in (
        "weather:read",
        "https://idp.example/realms/one",
        "/etc/ssl/certs/a-rather-long-name-of-one.pem",
        "a" * 40,
    ):
        assert shown(plain) == repr(plain)
    assert without_secrets("connection to 127.0.0.1 failed: a@b") == "connection to 127.0.0.1 failed: a@b"
    assert len(shown(" ab" * 500)) == 203


def test_a_setting_s_long_names_are_not_repeated_whole() -> None:
    for config in (
        {"OAUTH_TRUSTED_TOKEN_ISSUERS": {"x y" * 5000: {"key": "z y" * 5000, "audience": "a"}}},
        {"OAUTH_SCOPES": {"x y" * 5000: "z"}},
        {"OAUTH_RESOURCES": {"/x y" * 5000: "z"}},
        {"OAUTH_RATE_LIMITS": {"x y" * 5000: "z"}},
        {"OAUTH_PLANS": {"x y" * 5000: {}}},
        {"OAUTH_DEFAULT_SCOPES": ["x" * 5000]},
    ):
        with pytest.raises(ValueError, match="OAUTH_") as error:
            build_app(OAUTH_DATABASE_URI="sqlite://", **config)
        assert len(str(error.value)) < 1000


def test_a_line_of_a_key_that_begins_like_a_path_is_not_repeated_and_a_path_is() -> None:
    line = "/P+gVLRR0MFaCOkLPyiMZrgirYnJNLStxfU/PydSW+VvimmyWswhDuAnDjwTwe3Z"
    assert line not in without_secrets(f"it is {line}, which is nothing")
    path = "/srv/www/the-app/configuration/certificates/of/partners/weather-station"
    assert path in without_secrets(f"no such file: {path}.pem")
