"""The kinds of clients: what each is registered with, and which of them a server can have."""

from typing import Any

import pytest

from flask_oauth_gateway import ClientMetadataError
from flask_oauth_gateway.clients.kinds import KINDS, fields_of, has_secret, kinds_of, registration_of, why_not
from flask_oauth_gateway.config import Settings
from flask_oauth_gateway.features.grants import DEVICE_CODE
from tests.support.app import MakeApp, gateway_of, server_of
from tests.support.databases import sqlite_only

pytestmark = sqlite_only

EVERY_GRANT = ("authorization_code", "client_credentials", "refresh_token", "device_code")


def settings_of(make_app: MakeApp, **config: Any) -> Settings:
    return server_of(make_app(**config)).settings


@pytest.mark.parametrize("oidc", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_says_and_its_fields_register_a_client(make_app: MakeApp, kind: str, oidc: bool) -> None:
    app = make_app(OAUTH_GRANT_TYPES=EVERY_GRANT, OAUTH_OIDC=oidc, OAUTH_ISSUER="https://id.example")
    settings = server_of(app).settings
    filled = {"client_name": "Notes", "redirect_uris": [KINDS[kind].example], "scope": "weather:read"}
    filled = {name: value for name, value in filled.items() if name in fields_of(kind, settings)}
    with app.app_context():
        made = gateway_of(app).clients.create(**registration_of(kind, settings) | filled)
    assert (made.client_secret is not None) is has_secret(kind, settings) is (kind in ("web", "machine"))
    assert made.is_public is (kind in ("browser", "native", "device"))
    assert ("refresh_token" in made.grant_types) is (kind != "machine")
    assert made.scope == "weather:read"


def test_a_kind_proposes_the_scopes_of_signing_in_where_users_sign_in(make_app: MakeApp) -> None:
    settings = settings_of(make_app, OAUTH_OIDC=True, OAUTH_ISSUER="https://id.example")
    assert registration_of("web", settings)["scope"] == "openid profile email"
    assert "scope" not in registration_of("machine", settings)
    assert "post_logout_redirect_uris" in fields_of("web", settings)
    assert "scope" not in registration_of("web", settings_of(make_app))


def test_a_kind_whose_grant_is_off_is_left_out_and_says_which_setting_turns_it_on(make_app: MakeApp) -> None:
    settings = settings_of(make_app, OAUTH_GRANT_TYPES=["authorization_code"])
    assert [*kinds_of(settings)] == ["web", "browser", "native"]
    assert why_not("web", settings) is None
    for kind, grant in (("device", "device_code"), ("machine", "client_credentials")):
        with pytest.raises(ClientMetadataError, match=f"add '{grant}' to OAUTH_GRANT_TYPES"):
            registration_of(kind, settings)
    assert registration_of("web", settings)["grant_types"] == ["authorization_code"]  # no refresh_token either


def test_a_kind_without_a_secret_needs_a_server_that_takes_such_clients(make_app: MakeApp) -> None:
    settings = settings_of(make_app, OAUTH_CLIENT_AUTH_METHODS=["client_secret_post"])
    assert [*kinds_of(settings)] == ["web", "machine"]
    assert registration_of("machine", settings)["token_endpoint_auth_method"] == "client_secret_post"
    with pytest.raises(ClientMetadataError, match="'none', as it has no secret, in OAUTH_CLIENT_AUTH_METHODS"):
        registration_of("browser", settings)


def test_where_no_secrets_are_taken_a_kind_asks_for_keys(make_app: MakeApp) -> None:
    settings = settings_of(make_app, OAUTH_PROFILE="fapi2", OAUTH_ISSUER="https://id.example")
    assert [*kinds_of(settings)] == ["web", "machine"]
    assert registration_of("web", settings)["token_endpoint_auth_method"] == "private_key_jwt"
    assert not has_secret("web", settings)
    assert fields_of("web", settings) == ("client_name", "redirect_uris", "scope", "jwks_uri", "jwks")


def test_a_kind_that_there_is_not_is_named_with_those_that_there_are(make_app: MakeApp) -> None:
    with pytest.raises(ClientMetadataError, match="no kind 'spa' of clients; there are web, browser, native, machine"):
        registration_of("spa", settings_of(make_app))


def test_a_device_uses_the_device_grant_by_its_whole_name(make_app: MakeApp) -> None:
    settings = settings_of(make_app, OAUTH_GRANT_TYPES=EVERY_GRANT)
    assert registration_of("device", settings)["grant_types"] == [DEVICE_CODE, "refresh_token"]
