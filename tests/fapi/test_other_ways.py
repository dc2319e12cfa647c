"""FAPI 2.0: ways to a token that the conformance suite doesn't try, and what is older than the profile."""

import json
from typing import Any

import pytest

from flask_oauth_gateway.config.checks import ConfigurationError
from tests.support.app import bearer
from tests.support.clock import Clock
from tests.support.fapi import FIRST, FIRST_KEY, FapiClient, SigningClient, error_of, fapi_site
from tests.support.signing import Signer, claims_of, rsa_key, unb64
from tests.support.site import ISSUER, MakeSite, Site, granted
from tests.support.trading import GRANT, IDP

CODE = "authorization_code"
OLD_ALGORITHMS = {
    "id_token_signed_response_alg": "RS256",
    "userinfo_signed_response_alg": "RS256",
    "token_endpoint_auth_method": "private_key_jwt",
}


class OldGrant:
    """A grant of the app's own that brings back what the profile forbids."""

    GRANT_TYPE = "password"

    def validate_token_request(self) -> None:
        raise NotImplementedError


class NamingGrant:
    """A grant of the app's own for which a client's name is enough."""

    GRANT_TYPE = "urn:example:naming"

    def __init__(self, request: Any, server: Any) -> None:
        self.request, self.server = request, server

    def validate_token_request(self) -> None:
        self.client = self.server.query_client(self.request.form["client_id"])

    def create_token_response(self) -> tuple[int, dict[str, Any], list[Any]]:
        return 200, self.server.generate_token(self.GRANT_TYPE, self.client, scope="weather:read"), []


def algorithm_in(token: str) -> str:
    return str(json.loads(unb64(token.split(".", maxsplit=1)[0]))["alg"])


@pytest.mark.parametrize("profile", ["fapi2", "oauth2.1"])
def test_a_grant_of_the_app_s_own_brings_no_password_back(make_site: MakeSite, profile: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^OAUTH_GRANT_TYPES is .*'password'.*where OAUTH_PROFILE is"):
        make_site(OAUTH_PROFILE=profile, OAUTH_ISSUER=ISSUER, OAUTH_GRANT_TYPES=[CODE, f"{__name__}:OldGrant"])
    assert make_site(OAUTH_GRANT_TYPES=[CODE, f"{__name__}:OldGrant"])


def test_a_grant_of_the_app_s_own_gives_bound_tokens_however_it_finds_its_client(make_site: MakeSite) -> None:
    site = fapi_site(make_site, OAUTH_GRANT_TYPES=[CODE, f"{__name__}:NamingGrant"])
    client = FapiClient(site, grant_types=[CODE, NamingGrant.GRANT_TYPE])
    post, data = site.app.test_client().post, {"grant_type": NamingGrant.GRANT_TYPE, "client_id": "first"}
    assert error_of(post("/oauth/token", data=data)) == "invalid_dpop_proof"
    tokens = granted(post("/oauth/token", data=data, headers=FIRST_KEY.headers()))
    assert tokens["token_type"] == "DPoP"
    assert client.call(tokens["access_token"]).status_code == 200


def trading(make_site: MakeSite, **entry: Any) -> FapiClient:
    site = fapi_site(make_site, OAUTH_GRANT_TYPES=[CODE, "jwt_bearer"], OAUTH_JWT_ISSUERS={IDP: entry})
    return FapiClient(site, grant_types=[CODE, "jwt_bearer"])


def test_an_assertion_about_a_user_is_no_way_around_client_authentication(make_site: MakeSite) -> None:
    """Elsewhere, where the issuer's entry names a client, that client gets the token without credentials."""
    idp = Signer("PS256")
    client = trading(make_site, jwks=idp.jwks(), client_id="first")
    post = client.site.app.test_client().post

    def sent() -> dict[str, str]:
        return {"grant_type": GRANT, "assertion": idp.sign(claims_of(IDP, ISSUER, sub="alice"))}

    for who in ({}, {"client_id": "first"}):
        assert error_of(post("/oauth/token", data={**sent(), **who}, headers=client.proof()), 401) == "invalid_client"
    tokens = granted(client.post("/oauth/token", {**sent(), **client.who()}, client.proof()))
    assert client.call(tokens["access_token"]).get_json()["subject"] == "alice"


def test_assertions_of_others_are_signed_as_the_profile_asks_too(make_site: MakeSite) -> None:
    old, new = Signer("RS256", key=rsa_key()), Signer("PS256", key=rsa_key())
    client = trading(make_site, jwks={"keys": [old.jwk()]})
    for signer, status in ((old, 400), (new, 200)):
        sent = {"grant_type": GRANT, "assertion": signer.sign(claims_of(IDP, ISSUER, sub="alice"))}
        response = client.post("/oauth/token", {**sent, **client.who()}, client.proof())
        assert response.status_code == status, response.text
    for setting in ("OAUTH_JWT_ISSUERS", "OAUTH_TRUSTED_TOKEN_ISSUERS"):
        entry = {"jwks": old.jwks(), "algorithms": ["RS256"], "audience": [ISSUER]}
        with pytest.raises(ConfigurationError, match=r"RS256.*PS256, ES256, Ed25519, by OAUTH_PROFILE"):
            fapi_site(make_site, OAUTH_GRANT_TYPES=[CODE, "jwt_bearer"], **{setting: {IDP: entry}})


def test_a_token_of_another_server_is_signed_as_the_profile_asks(make_site: MakeSite) -> None:
    for algorithm, status in (("RS256", 401), ("PS256", 200)):
        theirs = Signer(algorithm, key=rsa_key())
        jwks = {"keys": [Signer("PS256", key=rsa_key()).jwk(alg=None)]}
        site = fapi_site(make_site, OAUTH_TRUSTED_TOKEN_ISSUERS={IDP: {"jwks": jwks, "audience": ISSUER}})
        said = claims_of(IDP, ISSUER, sub="x", client_id="c", scope="weather:read", cnf={"jkt": FIRST_KEY.thumbprint})
        token = theirs.sign(said, typ="at+jwt")
        headers = FIRST_KEY.with_token(token, "GET", f"{ISSUER}/accounts")
        assert site.app.test_client().get("/accounts", headers=headers).status_code == status


@pytest.mark.parametrize("oidc", [True, False])
def test_the_key_from_before_the_profile_signs_nothing_more(make_site: MakeSite, oidc: bool) -> None:
    config = {"OAUTH_OIDC": oidc, "OAUTH_ISSUER": ISSUER, "OAUTH_ACCESS_TOKEN_FORMAT": "jwt"}
    if not oidc:
        config["OAUTH_SCOPES"] = dict.fromkeys(("openid", "profile", "weather:read", "weather:write"), "")
    before = make_site(**config, OAUTH_SIGNING_ALGORITHM="RS256")
    before.register(client_id="old")
    assert algorithm_in(before.gateway.tokens.issue("old", scope="weather:read")["access_token"]) == "RS256"
    now = fapi_site(make_site, "fapi2-message-signing", **config)
    client = SigningClient(now)
    tokens = client.tokens(scope="openid weather:read" if oidc else "weather:read")
    assert algorithm_in(tokens["access_token"]) == "ES256"
    told = client.post("/oauth/introspect", {"token": tokens["access_token"], **client.who()})
    assert algorithm_in(told.text) == "ES256"
    assert {key["alg"] for key in now.browser.get("/oauth/jwks").get_json()["keys"]} == {"ES256"}


def test_a_client_from_before_the_profile_is_signed_for_as_the_profile_asks(make_site: MakeSite) -> None:
    before = make_site(OAUTH_OIDC=True, OAUTH_ISSUER=ISSUER)
    old = FapiClient(before, "old", FIRST, **OLD_ALGORITHMS)
    now = fapi_site(make_site)
    old.site = now
    tokens = old.tokens(scope="openid weather:read")
    headers = FIRST_KEY.with_token(tokens["access_token"], "GET", f"{ISSUER}/oauth/userinfo")
    said = now.app.test_client().get("/oauth/userinfo", headers=headers)
    assert (algorithm_in(tokens["id_token"]), algorithm_in(said.text)) == ("ES256", "ES256")


def test_a_bound_token_by_an_old_algorithm_is_taken_nowhere(make_site: MakeSite) -> None:
    config = {"OAUTH_OIDC": True, "OAUTH_ISSUER": ISSUER, "OAUTH_ACCESS_TOKEN_FORMAT": "jwt"}
    before = make_site(**config, OAUTH_SIGNING_ALGORITHM="RS256", OAUTH_DPOP=True, OAUTH_PAR=True)
    old = FapiClient(before, "old", FIRST)
    token = old.tokens(scope="weather:read")["access_token"]
    assert algorithm_in(token) == "RS256"
    now = fapi_site(make_site, **config)
    old.site = now
    assert old.call(token).status_code == 401
    assert old.post("/oauth/introspect", {"token": token, **old.who()}).get_json() == {"active": False}


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_resource_servers_hear_that_an_unbound_token_is_not_active(make_site: MakeSite, token_format: str) -> None:
    site: Site = fapi_site(make_site, OAUTH_ACCESS_TOKEN_FORMAT=token_format, OAUTH_FORWARD_AUTH=True)
    client = FapiClient(site)
    token = site.gateway.tokens.issue("first", subject="alice", scope="weather:read")["access_token"]
    assert client.post("/oauth/introspect", {"token": token, **client.who()}).get_json() == {"active": False}
    for path in ("/accounts", "/oauth/verify", "/oauth/userinfo"):
        assert site.app.test_client().get(path, headers=bearer(token)).status_code == 401
    bound = client.tokens()
    for value in (bound["access_token"], bound["refresh_token"]):
        told = client.post("/oauth/introspect", {"token": value, **client.who()}).get_json()
        assert told["active"] is True


def test_codes_from_before_the_profile_are_held_to_it(make_site: MakeSite, clock: Clock) -> None:
    config = {
        "OAUTH_REQUIRE_PKCE": False,
        "OAUTH_PKCE_METHODS": ("S256", "plain"),
        "OAUTH_AUTHORIZATION_CODE_LIFETIME": 600,
    }
    before = make_site(OAUTH_ISSUER=ISSUER, OAUTH_OIDC=True, **config)
    client = FapiClient(before)
    old, good = (before.code(client.client, scope="weather:read") for _ in range(2))
    plain = before.code(client.client, scope="weather:read", code_challenge="x" * 43, code_challenge_method="plain")
    without = before.code(client.client, scope="weather:read", code_challenge=None, code_challenge_method=None)
    client.site = fapi_site(make_site)
    assert error_of(client.redeem(without, code_verifier=None)) == "invalid_grant"
    assert error_of(client.redeem(plain, code_verifier="x" * 43)) == "invalid_grant"
    assert client.redeem(good).status_code == 200
    clock.advance(61)
    assert error_of(client.redeem(old)) == "invalid_grant"
