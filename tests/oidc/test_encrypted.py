"""ID tokens and userinfo that only the program can read: signed, then encrypted to a key of its own (OIDC Core section 10.2).

They are opened by jwcrypto, which had no part in making them.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jwcrypto import jwe, jwk

from flask_oauth_gateway import signals
from flask_oauth_gateway.oidc.backchannel_logout import Delivered
from tests.support.app import recorded
from tests.support.clock import Clock
from tests.support.key_server import KeyServer, key_server
from tests.support.logout_receivers import Receivers
from tests.support.relying_party import CLAIMS, MakeParty, RelyingParty
from tests.support.signing import Signer
from tests.support.site import answer
from tests.support.told_of_logouts import Provider

RSA = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa", use="enc")
EC = jwk.JWK.generate(kty="EC", crv="P-256", kid="ec", use="enc")
OKP = jwk.JWK.generate(kty="OKP", crv="X25519", kid="okp")
SIGNING = Signer("ES256", kid="signing")
KEYS = {
    "RSA-OAEP": RSA,
    "RSA-OAEP-256": RSA,
    "ECDH-ES": EC,
    "ECDH-ES+A128KW": OKP,
    "ECDH-ES+A192KW": EC,
    "ECDH-ES+A256KW": jwk.JWK.generate(kty="EC", crv="P-521", kid="large"),
}
METHODS = ["A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"]


def public(*keys: jwk.JWK, **more: Any) -> dict[str, Any]:
    return {"keys": [{**key.export_public(as_dict=True), **more} for key in keys]}


def opened(text: str, key: jwk.JWK) -> tuple[dict[str, Any], str]:
    """The header of a JWE, and what is in it."""
    found = jwe.JWE(algs=[*KEYS, *METHODS])
    found.deserialize(text, key)
    return json.loads(found.objects["protected"]), found.payload.decode()


def encrypting(algorithm: str, key: jwk.JWK, **more: Any) -> dict[str, Any]:
    return {"id_token_encrypted_response_alg": algorithm, "jwks": public(key), **more}


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def trade(party: RelyingParty, code: str) -> Any:
    return party.site.redeem(party.client, code)


@pytest.mark.parametrize("algorithm", KEYS)
def test_it_is_signed_and_then_encrypted(make_party: MakeParty, algorithm: str) -> None:
    key = KEYS[algorithm]
    party = make_party(encrypting(algorithm, key, id_token_signed_response_alg="ES256"))
    party.tokens = trade(party, party.site.code(party.client, scope="openid", nonce="n")).get_json()
    header, inside = opened(party.tokens["id_token"], key)
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == (
        algorithm,
        "A128CBC-HS256",
        "JWT",
        key["kid"],
    )
    assert party.decode(inside).header["alg"] == "ES256"
    claims = party.read(inside)
    assert (claims["sub"], claims["nonce"]) == ("alice", "n")
    assert "at_hash" in claims
    again = party.refresh()
    assert party.read(opened(again["id_token"], key)[1])["sub"] == "alice"


@pytest.mark.parametrize("method", METHODS)
def test_the_text_is_encrypted_as_the_client_registered(make_party: MakeParty, method: str) -> None:
    party = make_party(encrypting("RSA-OAEP", RSA, id_token_encrypted_response_enc=method))
    tokens = trade(party, party.site.code(party.client, scope="openid")).get_json()
    header, inside = opened(tokens["id_token"], RSA)
    assert header["enc"] == method
    assert party.read(inside)["sub"] == "alice"


def test_one_of_the_authorize_endpoint_is_encrypted_too(make_party: MakeParty) -> None:
    metadata = encrypting("ECDH-ES", EC, grant_types=["authorization_code", "implicit"])
    party = make_party(metadata)
    place = party.site.approve(party.client, scope="openid email", nonce="n", response_type="code id_token")
    claims = party.read(opened(dict(parse_qsl(urlsplit(place).fragment))["id_token"], EC)[1])
    assert claims["nonce"] == "n"
    assert "c_hash" in claims


def test_the_key_that_is_for_it_is_taken(make_party: MakeParty) -> None:
    other, plain = jwk.JWK.generate(kty="EC", crv="P-256", kid="other"), jwk.JWK.generate(kty="EC", crv="P-256")
    listed = [
        *public(other, use="sig")["keys"],
        *public(other, kid="ops", key_ops=["verify"])["keys"],
        *public(other, kid="alg", alg="ECDH-ES+A128KW")["keys"],
        *public(plain)["keys"],
        *public(EC, key_ops=["deriveBits"])["keys"],
        SIGNING.jwk(),
    ]
    party = make_party({"id_token_encrypted_response_alg": "ECDH-ES", "jwks": {"keys": listed}})
    tokens = trade(party, party.site.code(party.client, scope="openid")).get_json()
    assert opened(tokens["id_token"], EC)[0]["kid"] == "ec"


def test_a_hint_is_what_was_in_it(make_party: MakeParty) -> None:
    party = make_party(encrypting("RSA-OAEP", RSA))
    token = trade(party, party.site.code(party.client, scope="openid")).get_json()["id_token"]
    refused = answer(party.site.approve(party.client, scope="openid", prompt="none", id_token_hint=token))
    assert refused["error"] == "invalid_request"
    assert "encrypted" in refused["error_description"]
    hint = opened(token, RSA)[1]
    assert "code" in answer(party.site.approve(party.client, scope="openid", prompt="none", id_token_hint=hint))


# Keys at a URL


def test_the_keys_may_be_at_a_url_and_change_there(make_party: MakeParty, keys: KeyServer, clock: Clock) -> None:
    keys.says = public(RSA)
    keys.headers = {"Cache-Control": "max-age=600"}
    party = make_party({"id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks_uri": keys.url})
    token = trade(party, party.site.code(party.client, scope="openid")).get_json()["id_token"]
    assert opened(token, RSA)[0]["kid"] == "rsa"
    new = jwk.JWK.generate(kty="RSA", size=2048, kid="new", use="enc")
    keys.says = public(new)
    clock.advance(601)
    token = trade(party, party.site.code(party.client, scope="openid")).get_json()["id_token"]
    assert party.read(opened(token, new)[1])["sub"] == "alice"
    assert len(keys.requests) == 2
    keys.how = "down"
    clock.advance(601)
    token = trade(party, party.site.code(party.client, scope="openid")).get_json()["id_token"]
    assert opened(token, new)[0]["kid"] == "new", "what is known goes on while the server is down"


def test_nothing_is_encrypted_to_a_key_that_was_taken_out_of_the_set(
    make_party: MakeParty, keys: KeyServer, clock: Clock
) -> None:
    keys.says = public(RSA)
    party = make_party({"id_token_encrypted_response_alg": "RSA-OAEP", "jwks_uri": keys.url})
    assert trade(party, party.site.code(party.client, scope="openid")).status_code == 200
    keys.says = {"keys": [SIGNING.jwk(use="sig")]}
    clock.advance(3601)
    refused = trade(party, party.site.code(party.client, scope="openid"))
    assert (refused.status_code, refused.get_json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("says", "how"),
    [
        (public(RSA), "down"), ({"keys": []}, "well"), (public(EC), "well"), (public(RSA, use="sig"), "well"), (b"junk", "well"),
        (public(RSA, n="AQAB"), "well"), (public(RSA, alg="RSA1_5"), "well"),
        ({"keys": [{"kty": "RSA", "key_ops": [{}]}]}, "well"),
    ],
)  # fmt: skip
def test_without_a_key_nothing_goes_out_and_the_code_is_good_later(
    make_party: MakeParty, keys: KeyServer, clock: Clock, says: Any, how: str
) -> None:
    party = make_party(
        {"id_token_encrypted_response_alg": "RSA-OAEP", "jwks_uri": keys.url}, OAUTH_AUTHORIZATION_CODE_LIFETIME=600
    )
    keys.says, keys.how = says, how
    code = party.site.code(party.client, scope="openid")
    refused = trade(party, code)
    assert (refused.status_code, refused.get_json()["error"]) == (503, "temporarily_unavailable")
    assert "RSA-OAEP" in refused.get_json()["error_description"]
    assert int(refused.headers["Retry-After"]) >= 1
    assert not party.site.gateway.tokens.find().tokens, "nothing was stored"
    keys.says, keys.how = public(RSA), "well"
    clock.advance(61)
    tokens = trade(party, code)
    assert tokens.status_code == 200, tokens.text
    assert party.read(opened(tokens.get_json()["id_token"], RSA)[1])["sub"] == "alice"


def test_at_the_authorize_endpoint_the_program_is_told(make_party: MakeParty, keys: KeyServer) -> None:
    keys.how = "down"
    metadata = {"id_token_encrypted_response_alg": "RSA-OAEP", "jwks_uri": keys.url, "grant_types": ["implicit"]}
    party = make_party(metadata)
    place = party.site.approve(party.client, scope="openid", nonce="n", response_type="id_token")
    found = dict(parse_qsl(urlsplit(place).fragment))
    assert found["error"] == "temporarily_unavailable"
    assert "id_token" not in found


def test_a_point_with_which_no_secret_can_be_agreed_on_is_no_key(make_party: MakeParty) -> None:
    bad = {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "use": "enc"}
    with pytest.raises(ValueError, match="encrypted"):
        make_party({"id_token_encrypted_response_alg": "ECDH-ES", "jwks": {"keys": [bad]}})


# Userinfo


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "EdDSA"])
def test_userinfo_is_signed_as_the_client_registered(make_party: MakeParty, algorithm: str) -> None:
    party = make_party({"userinfo_signed_response_alg": algorithm})
    sub = party.sign_in(scope="openid email")["sub"]
    found = party.userinfo()
    assert found.status_code == 200
    assert found.mimetype == "application/jwt"
    assert found.headers["Cache-Control"] == "no-store"
    token = party.decode(found.text)
    assert token.header["alg"] == algorithm
    assert token.claims["iss"] == "http://localhost"
    assert token.claims["aud"] == party.client.client_id
    assert (token.claims["sub"], token.claims["email"]) == (sub, CLAIMS["email"])
    assert "exp" not in token.claims
    hinted = answer(party.site.approve(party.client, scope="openid", id_token_hint=found.text))
    assert hinted["error"] == "invalid_request", "it is no ID token"


@pytest.mark.parametrize("signed", [None, "ES256"])
@pytest.mark.parametrize("method", [None, "A256GCM"])
def test_userinfo_is_encrypted_as_the_client_registered(
    make_party: MakeParty, signed: str | None, method: str | None
) -> None:
    metadata = {"userinfo_encrypted_response_alg": "ECDH-ES+A256KW", "jwks": public(EC)}
    more = {"userinfo_signed_response_alg": signed, "userinfo_encrypted_response_enc": method}
    party = make_party(metadata | more)
    party.sign_in(scope="openid email")
    found = party.userinfo()
    assert found.mimetype == "application/jwt"
    header, inside = opened(found.text, EC)
    assert header["enc"] == (method or "A128CBC-HS256")
    assert header.get("cty") == (None if signed is None else "JWT")
    claims = json.loads(inside) if signed is None else party.decode(inside).claims
    assert (claims["sub"], claims["email"]) == ("alice", CLAIMS["email"])


def test_userinfo_is_never_sent_plain_for_want_of_a_key(make_party: MakeParty, keys: KeyServer) -> None:
    keys.how = "down"
    party = make_party({"userinfo_encrypted_response_alg": "RSA-OAEP", "jwks_uri": keys.url})
    party.sign_in(scope="openid email")
    found = party.userinfo()
    assert (found.status_code, found.get_json()["error"]) == (503, "temporarily_unavailable")


def test_another_client_has_its_json(make_party: MakeParty) -> None:
    party = make_party({"userinfo_signed_response_alg": "RS256"})
    other = RelyingParty(party.site)
    other.sign_in()
    assert other.userinfo().get_json()["sub"] == "alice"


# Registration


@pytest.mark.parametrize("kind", ["id_token", "userinfo"])
@pytest.mark.parametrize(
    ("metadata", "match"),
    [
        ({"alg": "RSA1_5", "jwks": public(RSA)}, "RSA-OAEP"), ({"alg": "none", "jwks": public(RSA)}, "RSA-OAEP"),
        ({"alg": "dir", "jwks": public(RSA)}, "RSA-OAEP"), ({"alg": 5, "jwks": public(RSA)}, "RSA-OAEP"),
        ({"alg": ["RSA-OAEP"], "jwks": public(RSA)}, "RSA-OAEP"), ({"alg": "A128KW", "jwks": public(RSA)}, "RSA-OAEP"),
        ({"alg": "RSA-OAEP", "enc": "A128", "jwks": public(RSA)}, "A128CBC-HS256"),
        ({"enc": "A128GCM", "jwks": public(RSA)}, "_alg beside it"), ({"alg": "RSA-OAEP"}, "jwks or jwks_uri"),
        ({"alg": "RSA-OAEP", "jwks": public(EC)}, "no key for RSA-OAEP"),
        ({"alg": "ECDH-ES", "jwks": {"keys": [SIGNING.jwk(use="sig")]}}, "no key for encryption"),
        ({"alg": "ECDH-ES", "jwks": {"keys": [SIGNING.jwk(alg="ES256")]}}, "no key for ECDH-ES"),
    ],
)  # fmt: skip
def test_what_can_t_be_encrypted_is_not_registered(
    make_party: MakeParty, kind: str, metadata: dict[str, Any], match: str
) -> None:
    names = {"alg": f"{kind}_encrypted_response_alg", "enc": f"{kind}_encrypted_response_enc"}
    party = make_party()
    with pytest.raises(ValueError, match=match) as refused:
        party.site.register(**{names.get(name, name): value for name, value in metadata.items()})
    assert getattr(refused.value, "error", None) == "invalid_client_metadata"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RSA1_5", "RS384", 5])
def test_userinfo_is_not_signed_by_anything_else(party: RelyingParty, algorithm: Any) -> None:
    with pytest.raises(ValueError, match="userinfo_signed_response_alg"):
        party.site.register(userinfo_signed_response_alg=algorithm)


def test_keys_that_are_taken_away_are_asked_for_again(make_party: MakeParty) -> None:
    party = make_party(encrypting("RSA-OAEP", RSA))
    with pytest.raises(ValueError, match="jwks or jwks_uri"):
        party.site.gateway.clients.update(party.client.client_id, jwks=None)
    with pytest.raises(ValueError, match="no key for signatures"):
        party.site.gateway.clients.update(party.client.client_id, token_endpoint_auth_method="private_key_jwt")


def test_the_metadata_name_it(party: RelyingParty) -> None:
    document = party.site.app.test_client().get("/.well-known/openid-configuration").get_json()
    for kind in ("id_token", "userinfo"):
        assert document[f"{kind}_encryption_alg_values_supported"] == list(KEYS)
        assert document[f"{kind}_encryption_enc_values_supported"] == METHODS
        assert "RS256" in document[f"{kind}_signing_alg_values_supported"]
    assert "none" not in document["userinfo_signing_alg_values_supported"]


def test_a_logout_token_is_encrypted_too(
    make_party: MakeParty, keys: KeyServer, clock: Clock, receivers: Receivers
) -> None:
    """And isn't sent while the program's key can't be had (Back-Channel Logout section 2.6)."""
    about = {"id_token_encrypted_response_alg": "ECDH-ES", "jwks_uri": keys.url}
    party = make_party({**about, "backchannel_logout_uri": receivers.url("program")})
    provider = Provider(party.site.app, receivers)
    keys.how = "down"
    provider.owe(party.client, sid="the session")
    with recorded(signals.logout_failed, party.site.app) as failed:
        assert provider.deliver() == Delivered(told=0, waiting=1, given_up=0)
    assert "ECDH-ES" in failed[0]["reason"]
    keys.how, keys.says = "well", public(EC)
    clock.advance(100)
    assert provider.deliver() == Delivered(told=1, waiting=0, given_up=0)
    (token,) = receivers.told["program"]
    header, inside = opened(token, EC)
    assert header["cty"] == "JWT"
    assert party.decode(inside).claims["sid"] == "the session"
