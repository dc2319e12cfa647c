"""`OAUTH_JWT_ISSUERS`: what an entry may say, and that a wrong one is named when the app starts."""

from pathlib import Path
from typing import Any

import pytest

from flask_oauth_gateway import ConfigurationError
from tests.support.app import SCOPES, build_app, close_app, server_of
from tests.support.signing import Signer, rsa_key
from tests.support.trading import IDP

SIGNER, RSA, SECRET = Signer(), Signer("RS256"), Signer("HS256")
KEY = {"jwks": SIGNER.jwks()}

WRONG: list[tuple[Any, str]] = [
    ({}, "a dict with one of jwks, jwks_uri and key"),
    ({**KEY, "key": SIGNER.pem()}, "a dict with one of jwks, jwks_uri and key"),
    (None, "a dict with a key set"),
    (SIGNER.pem(), "a dict with a key set"),
    (
        {**KEY, "algoritms": ["ES256"]},
        "has the unknown key 'algoritms'. Did you mean 'algorithms'? It may be a dict with",
    ),
    ({**KEY, "algorithms": ["none"]}, "['algorithms'] is ['none']; it may be one or more of 'RS256'"),
    ({**KEY, "algorithms": []}, "['algorithms'] is []; it may be one or more of"),
    ({**KEY, "algorithms": ["RS256"]}, "['algorithms'] is 'RS256'; it may be an algorithm that fits the key (ES256)"),
    ({"jwks": RSA.jwks(), "algorithms": ["HS256"]}, "it may be an algorithm that fits the key (PS256"),
    ({"jwks_uri": "https://a.example/k", "algorithms": ["HS256"]}, "a secret that can be fetched is none"),
    ({"jwks": {"keys": []}}, "['jwks'] is \"what can't be used\"; it may be a public key: the key set"),
    ({"jwks": [SIGNER.jwk()]}, "a key set is a JSON object with 'keys'"),
    ({"key": "x"}, "the PEM text is no public key or certificate"),
    ({"key": SIGNER.private_pem()}, "the PEM text is no public key"),
    ({"key": SIGNER.jwk(d="AA")}, "a private key has no place here"),
    ({"key": Signer(key=rsa_key(1024)).certificate()}, "an RSA key has 2048 to 8192 bits"),
    ({"key": {"kty": "oct", "k": "c2hvcnQ"}}, "a symmetric key has 32 bytes or more"),
    ({"jwks_uri": "http://a.example/jwks"}, "['jwks_uri'] is 'http://a.example/jwks'; it may be an https URL"),
    ({"jwks_uri": "ftp://a.example/jwks"}, "it may be an https URL"),
    ({"jwks_uri": "https://["}, "it may be an https URL"),
    ({"jwks_uri": "https://"}, "it may be an https URL"),
    ({"jwks_uri": 5}, "it may be an https URL"),
    (
        {"jwks_uri": "https://a.example", "private_addresses": "no"},
        "['private_addresses'] is 'no'; it may be True or False",
    ),
    ({**KEY, "audience": 5}, "['audience'] is 5; it may be a list of names"),
    ({**KEY, "scopes": ["rain"]}, "['scopes'] is 'rain'; it may be names from OAUTH_SCOPES"),
    ({**KEY, "max_lifetime": 0}, "['max_lifetime'] is 0; it may be a number of 1 or more"),
    (
        {**KEY, "max_lifetime": 10**10},
        "['max_lifetime'] is 10000000000; it may be a number of 1 or more, up to 316224000",
    ),
    ({**KEY, "max_lifetime": "5m"}, "['max_lifetime'] is '5m'"),
    ({**KEY, "client_id": 5}, "['client_id'] is 5; it may be a text, or None"),
    ({**KEY, "scope_claim": "no"}, "['scope_claim'] is 'no'; it may be True or False"),
    ({**KEY, "numeric_strings": "False"}, "['numeric_strings'] is 'False'; it may be True or False"),
]


def build(issuers: Any, folder: Any, **config: Any) -> Any:
    grants = ["jwt_bearer", "client_credentials"]
    return build_app(OAUTH_GRANT_TYPES=grants, OAUTH_JWT_ISSUERS=issuers, instance_path=str(folder), **config)


@pytest.mark.parametrize(("entry", "said"), WRONG)
def test_a_wrong_entry_is_named_at_the_start(entry: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build({IDP: entry}, tmp_path)
    text = str(raised.value)
    assert text.startswith("OAUTH_JWT_ISSUERS['https://idp.example']")
    assert said in text
    assert "PRIVATE" not in text
    assert "c2hvcnQ" not in text


@pytest.mark.parametrize("issuers", [[], "x", {5: {}}, {"": {}}])
def test_the_setting_is_a_dict_of_dicts(issuers: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_JWT_ISSUERS"):
        build(issuers, tmp_path)


def test_plain_http_on_loopback_is_for_testing_and_debug(tmp_path: Path) -> None:
    entry = {IDP: {"jwks_uri": "http://127.0.0.1:1/jwks"}}
    close_app(build(entry, tmp_path))
    with pytest.raises(ConfigurationError, match="it may be an https URL"):
        build(entry, tmp_path, TESTING=False)


def test_everything_that_an_entry_may_say(tmp_path: Path) -> None:
    entry = {
        "key": SECRET.jwk(),
        "algorithms": ["HS512", "HS256"],
        "audience": "urn:a urn:b",
        "scopes": list(SCOPES)[:1],
        "max_lifetime": 60,
        "client_id": "partner",
        "numeric_strings": True,
        "scope_claim": False,
    }
    app = build({IDP: entry}, tmp_path)
    (trusted,) = server_of(app).jwt_assertions.issuers.values()
    assert (trusted.issuer, trusted.client_id, trusted.max_lifetime) == (IDP, "partner", 60)
    assert (trusted.audience, trusted.numeric_strings, trusted.scope_claim) == ({"urn:a", "urn:b"}, True, False)
    close_app(app)
