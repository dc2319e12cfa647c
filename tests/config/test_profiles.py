"""`OAUTH_PROFILE`: what it sets where the app says nothing, what the app may set otherwise, and what it may not."""

import re
from typing import Any

import pytest

from flask_oauth_gateway import ConfigurationError, Settings
from flask_oauth_gateway.config.hardening.profiles import PROFILES

IMPLICIT = ["authorization_code", "implicit"]
PASSWORD = ["password", "refresh_token"]
#: What both profiles forbid, and what only the second does.
FORBIDDEN: list[tuple[str, Any]] = [
    ("OAUTH_REQUIRE_PKCE", False),
    ("OAUTH_REQUIRE_PKCE", "public"),
    ("OAUTH_REQUIRE_PKCE", "nonce"),
    ("OAUTH_PKCE_METHODS", ("S256", "plain")),
    ("OAUTH_GRANT_TYPES", IMPLICIT),
    ("OAUTH_GRANT_TYPES", PASSWORD),
    ("OAUTH_BEARER_METHODS", ("header", "query")),
    ("OAUTH_REFRESH_TOKENS", "preserve"),
]
FORBIDDEN_BY_MCP: list[tuple[str, Any]] = [
    ("OAUTH_BEARER_METHODS", ("header", "body")),
    ("OAUTH_COMPATIBILITY", "apigee"),
    (
        "OAUTH_TRUSTED_TOKEN_ISSUERS",
        {"https://idp.example": {"introspection": "https://idp.example", "client_secret": "s3cret", "audience": ()}},
    ),
]
#: What both FAPI profiles forbid, and what only the second does.
FORBIDDEN_BY_FAPI: list[tuple[str, Any]] = [
    ("OAUTH_PAR", True),
    ("OAUTH_PAR", False),
    ("OAUTH_PAR_LIFETIME", 600),
    ("OAUTH_REQUIRE_PKCE", False),
    ("OAUTH_REQUIRE_PKCE", "public"),
    ("OAUTH_REQUIRE_PKCE", "nonce"),
    ("OAUTH_PKCE_METHODS", ("S256", "plain")),
    ("OAUTH_CLIENT_AUTH_METHODS", ("private_key_jwt", "none")),
    ("OAUTH_CLIENT_AUTH_METHODS", ("client_secret_basic",)),
    ("OAUTH_CLIENT_AUTH_METHODS", ("private_key_jwt", "client_secret_jwt")),
    ("OAUTH_CLIENT_ASSERTION_AUDIENCE", "any"),
    ("OAUTH_GRANT_TYPES", IMPLICIT),
    ("OAUTH_GRANT_TYPES", PASSWORD),
    ("OAUTH_PERSONAL_TOKENS", True),
    ("OAUTH_DPOP", True),
    ("OAUTH_DPOP", False),
    ("OAUTH_DPOP_ALGORITHMS", ("ES256", "RS256")),
    ("OAUTH_DPOP_ALGORITHMS", ("ES384",)),
    ("OAUTH_SIGNING_ALGORITHM", "RS256"),
    ("OAUTH_AUTHORIZATION_CODE_LIFETIME", 61),
    ("OAUTH_REFRESH_TOKENS", "rotate"),
    ("OAUTH_REFRESH_TOKENS", "once"),
    ("OAUTH_CLOCK_SKEW", 9),
    ("OAUTH_CLOCK_SKEW", 61),
    ("OAUTH_BEARER_METHODS", ("header", "body")),
    ("OAUTH_BEARER_METHODS", ("header", "query")),
    ("OAUTH_COMPATIBILITY", "apigee"),
    ("OAUTH_ALLOW_HTTP", True),
]
FORBIDDEN_BY_MESSAGE_SIGNING: list[tuple[str, Any]] = [
    ("OAUTH_JAR", True),
    ("OAUTH_JAR", False),
    ("OAUTH_JARM", True),
    ("OAUTH_JARM", False),
]


def settings(**config: Any) -> Settings:
    return Settings.from_config(config, relaxed=True)


@pytest.mark.parametrize("profile", ["oauth2.1", "mcp"])
def test_a_setting_that_a_profile_forbids_is_an_error_that_names_both(profile: str) -> None:
    for key, value in [*FORBIDDEN, *(FORBIDDEN_BY_MCP if profile == "mcp" else [])]:
        with pytest.raises(
            ConfigurationError, match=rf"^{key} is .*where OAUTH_PROFILE is '{re.escape(profile)}'"
        ) as why:
            settings(OAUTH_PROFILE=profile, **{key: value})
        assert "s3cret" not in str(why.value)
        assert settings(**{key: value}).profile is None


def test_oauth_2_1_lets_a_token_come_in_the_body() -> None:
    assert settings(OAUTH_PROFILE="oauth2.1", OAUTH_BEARER_METHODS=("header", "body")).bearer_methods[1] == "body"


def test_mcp_sets_what_the_app_does_not() -> None:
    found = settings(OAUTH_PROFILE="mcp")
    assert (found.refresh_token_grace, found.access_token_lifetime, found.require_pkce) == (30, 3600, True)
    assert (found.client_id_metadata, found.registration) == (True, None)
    assert (found.oidc, found.grant_types) == (Settings().oidc, Settings().grant_types)
    assert settings(OAUTH_PROFILE="oauth2.1").refresh_token_grace == 0


def test_what_the_app_sets_counts() -> None:
    found = settings(OAUTH_PROFILE="mcp", OAUTH_REFRESH_TOKEN_GRACE=0, OAUTH_CLIENT_ID_METADATA=False)
    assert (found.refresh_token_grace, found.client_id_metadata) == (0, False)


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing"])
def test_a_setting_that_contradicts_fapi_is_an_error_that_names_both(profile: str) -> None:
    further = FORBIDDEN_BY_MESSAGE_SIGNING if profile == "fapi2-message-signing" else []
    for key, value in [*FORBIDDEN_BY_FAPI, *further]:
        with pytest.raises(ConfigurationError, match=rf"^{key} is .*where OAUTH_PROFILE is '{profile}'"):
            settings(OAUTH_PROFILE=profile, **{key: value})
    rules = {f"OAUTH_{rule.setting.upper()}" for rule in PROFILES[profile].rules}
    assert rules == {key for key, _ in [*FORBIDDEN_BY_FAPI, *further]}


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing"])
def test_fapi_is_one_switch(profile: str) -> None:
    found = settings(OAUTH_PROFILE=profile)
    assert (found.par, found.dpop, found.client_auth_methods) == ("required", "required", ("private_key_jwt",))
    assert (found.client_assertion_audience, found.refresh_tokens) == ("issuer", "preserve")
    assert (found.require_pkce, found.pkce_methods, found.authorization_code_lifetime) == (True, ("S256",), 60)
    assert set(found.dpop_algorithms) == {"PS256", "ES256", "Ed25519"}
    assert (found.jar, found.jarm) == (("required", "required") if "signing" in profile else (False, False))
    assert found.id_token_algorithm == found.signing_algorithm == "ES256"
    assert settings(OAUTH_PROFILE=profile, OAUTH_SIGNING_ALGORITHM="PS256", OAUTH_PAR_LIFETIME=599).par_lifetime == 599
    assert settings(OAUTH_PROFILE=profile, OAUTH_AUTHORIZATION_CODE_LIFETIME=30, OAUTH_CLOCK_SKEW=10).clock_skew == 10


def test_the_first_fapi_profile_asks_for_no_signed_requests() -> None:
    for jar in (False, True, "required"):
        assert settings(OAUTH_PROFILE="fapi2", OAUTH_JAR=jar).jar == jar
