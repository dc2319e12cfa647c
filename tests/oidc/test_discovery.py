"""`/.well-known/openid-configuration`: what programs that configure themselves read (OpenID Connect Discovery)."""

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.support.relying_party import MakeParty, RelyingParty

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


def test_it_is_valid_and_agrees_with_the_metadata_of_oauth(make_party: MakeParty) -> None:
    party = make_party(OAUTH_ISSUER="https://site.example")
    browser = party.site.app.test_client()
    document, oauth = browser.get(OPENID).get_json(), browser.get(OAUTH).get_json()
    OpenIDProviderMetadata(document).validate()
    assert {name: document[name] for name in oauth} == oauth
    assert document["userinfo_endpoint"] == "https://site.example/oauth/userinfo"
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert {"openid", "profile", "email", "address", "phone"} <= set(document["scopes_supported"])
    assert document["request_parameter_supported"] is document["request_uri_parameter_supported"] is False
    assert document["claims_parameter_supported"] is True
    assert {"sub", "email", "auth_time", "sid"} <= set(document["claims_supported"])


@pytest.mark.parametrize("place", [f"/sites/a{OPENID}", f"{OPENID}/sites/a", f"{OAUTH}/sites/a"])
def test_an_issuer_with_a_path_is_found_wherever_clients_look(make_party: MakeParty, place: str) -> None:
    party = make_party(OAUTH_ISSUER="https://site.example/sites/a")
    answer = party.site.app.test_client().get(place)
    assert answer.get_json()["issuer"] == "https://site.example/sites/a"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    etag = answer.headers["ETag"]
    assert party.site.app.test_client().get(place, headers={"If-None-Match": etag}).status_code == 304


def test_the_key_set_has_a_key_that_every_program_can_use_from_the_start(party: RelyingParty) -> None:
    keys = party.site.app.test_client().get("/oauth/jwks").get_json()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}
    assert all(key["use"] == "sig" and "d" not in key for key in keys)


def test_the_key_set_has_the_key_that_a_client_wants_before_it_is_used(party: RelyingParty) -> None:
    """Programs keep the set, and some read it again for no unknown key."""

    def algorithms() -> set[str]:
        return {key["alg"] for key in party.site.app.test_client().get("/oauth/jwks").get_json()["keys"]}

    client = party.site.register(id_token_signed_response_alg="PS256")
    assert algorithms() == {"RS256", "ES256", "PS256"}
    party.site.gateway.clients.update(client.client_id, userinfo_signed_response_alg="EdDSA")
    assert algorithms() == {"RS256", "ES256", "PS256", "EdDSA"}
    party.site.gateway.clients.delete(client.client_id)


def test_a_mounted_app_answers_behind_its_mount_point(make_party: MakeParty) -> None:
    party = make_party(OAUTH_ISSUER="https://site.example/one")
    mounted = Client(DispatcherMiddleware(NotFound(), {"/one": party.site.app}))
    document = mounted.get(f"/one{OPENID}").get_json()
    assert document["issuer"] == "https://site.example/one"
    assert document["token_endpoint"] == "https://site.example/one/oauth/token"
    assert party.site.app.test_client().get(OPENID).status_code == 404, "this would be another issuer's"
