"""`OAUTH_PROFILE`: what it sets where the app says nothing, what the app may set otherwise, and what it may not."""

import re
from typing import Any

import pytest

from flask_oauth_gateway import ConfigurationError, Settings

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
