"""`flask oauth doctor`: what of the configuration is weak, by its key, and a status for CI."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_oauth_gateway.doctor import CHECKS
from tests.saml.idp import Idp
from tests.support import sqlite_only

SOUND = {"OAUTH_ISSUER": "https://auth.example.com"}
WEAK: list[tuple[str, dict[str, Any]]] = [
    ("OAUTH_ISSUER", {"OAUTH_ISSUER": None}),
    ("OAUTH_ALLOW_HTTP", {"OAUTH_ALLOW_HTTP": True}),
    ("OAUTH_REQUIRE_PKCE", {"OAUTH_REQUIRE_PKCE": "public"}),
    ("OAUTH_PKCE_METHODS", {"OAUTH_PKCE_METHODS": ["S256", "plain"]}),
    ("OAUTH_GRANT_TYPES", {"OAUTH_GRANT_TYPES": ["authorization_code", "implicit"]}),
    ("OAUTH_GRANT_TYPES", {"OAUTH_GRANT_TYPES": ["password"]}),
    ("OAUTH_REFRESH_TOKENS", {"OAUTH_REFRESH_TOKENS": "preserve"}),
    ("OAUTH_BEARER_METHODS", {"OAUTH_BEARER_METHODS": ["header", "query"]}),
    ("OAUTH_ACCESS_TOKEN_LIFETIME", {"OAUTH_ACCESS_TOKEN_LIFETIME": {"client_credentials": 30 * 86400}}),
    ("OAUTH_AUTHORIZATION_CODE_LIFETIME", {"OAUTH_AUTHORIZATION_CODE_LIFETIME": 3600}),
    ("OAUTH_RATE_LIMITS", {"OAUTH_RATE_LIMITS": None}),
    ("OAUTH_CORS_ORIGINS", {"OAUTH_CORS_ORIGINS": "*"}),
]


def doctor(app: Flask, *options: str) -> Result:
    result: Result = app.test_cli_runner().invoke(args=["oauth", "doctor", *options])
    return result


@sqlite_only
def test_of_a_sound_configuration_it_says_nothing_ill(make_app: Callable[..., Flask]) -> None:
    result = doctor(make_app(**SOUND))
    assert result.exit_code == 0, result.output
    assert result.output == "Nothing weak was found.\n"


@sqlite_only
@pytest.mark.parametrize(("key", "config"), WEAK)
def test_a_weakness_is_named_by_its_key(make_app: Callable[..., Flask], key: str, config: dict[str, Any]) -> None:
    app = make_app(**SOUND | config)
    result = doctor(app)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{key}: ")
    assert result.stderr == "Error: 1 of the settings are weak.\n"
    (weakness,) = json.loads(doctor(app, "--json").stdout)
    assert weakness["key"] == key
    assert weakness["why"]
    assert weakness["fix"]


def test_every_check_is_tried_here() -> None:
    assert len(WEAK) == len(CHECKS)
    assert {key for key, _ in WEAK} == {check.weakness.key for check in CHECKS}


@sqlite_only
def test_it_complains_of_an_issuer_that_signs_with_sha1(make_app: Callable[..., Flask]) -> None:
    idp = Idp()
    entry = {**idp.entry, "allow_sha1": True}
    app = make_app(**SOUND, OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS={"https://idp.example": entry})
    result = doctor(app)
    assert result.exit_code == 1
    assert result.stdout.startswith("OAUTH_SAML_ISSUERS['https://idp.example']['allow_sha1']: ")
    sound = {"https://idp.example": idp.entry}
    assert doctor(make_app(**SOUND, OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS=sound)).exit_code == 0


@sqlite_only
def test_it_complains_of_a_missing_secret_key(make_app: Callable[..., Flask]) -> None:
    result = doctor(make_app(**SOUND, SECRET_KEY=None))
    assert result.exit_code == 1
    assert result.stdout.startswith("SECRET_KEY: ")
