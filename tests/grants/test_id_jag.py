"""ID-JAG: an identity provider that `OAUTH_JWT_ISSUERS` says `id_jag` of lets its users' clients in, and nobody else."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.config import ConfigurationError
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import SCOPES, basic, refusal
from tests.support.databases import sqlite_only
from tests.support.racing import together
from tests.support.signing import Signer, claims_of
from tests.support.trading import IDP, MakeTrading, Trading

READ, WRITE = SCOPES
ISSUER = "https://auth.example"
TYP = "oauth-id-jag+jwt"
RESOURCES = {"/me": "https://auth.example/me", "/files": "https://files.example"}


class Enterprise:
    """A server that lets in whom the identity provider of an enterprise lets in, and a client of theirs."""

    def __init__(self, make_trading: MakeTrading, entry: dict[str, Any] | None = None, **config: Any) -> None:
        says = {"client_id": None, "id_jag": True} | (entry or {})
        given = {name: value for name, value in says.items() if value is not None}
        self.signer = Signer()
        issuers = {IDP: {"jwks": self.signer.jwks()} | given}
        self.trading: Trading = make_trading(
            self.signer, **{"OAUTH_ISSUER": ISSUER, "OAUTH_JWT_ISSUERS": issuers, "OAUTH_RESOURCES": RESOURCES} | config
        )
        self.client: Client = self.trading.register(grant_types=["jwt_bearer", "refresh_token"])

    def id_jag(self, *, typ: str | None = TYP, **changes: Any) -> str:
        claims = {"aud": ISSUER, "client_id": self.client.client_id, **changes}
        return self.signer.sign(claims_of(IDP, **claims), typ=typ)

    def trade(self, **changes: Any) -> dict[str, Any]:
        return self.trading.trade(self.id_jag(**changes), by=self.client)

    def why(self, **changes: Any) -> str:
        return self.trading.why(self.id_jag(**changes), by=self.client)


@pytest.fixture
def enterprise(make_trading: MakeTrading) -> Enterprise:
    return Enterprise(make_trading)


def test_it_becomes_a_token_of_the_client_for_the_user_and_nothing_to_refresh_it_with(enterprise: Enterprise) -> None:
    answer = enterprise.trade(scope=f"{READ} offline_access", resource=RESOURCES["/me"])
    assert "refresh_token" not in answer
    assert answer["scope"] == READ
    seen = enterprise.trading.me(answer)
    assert (seen["client"], seen["subject"]) == (enterprise.client.client_id, "alice")


def test_each_is_good_once_and_a_refusal_spends_none(enterprise: Enterprise) -> None:
    trading, one = enterprise.trading, enterprise.id_jag(resource=RESOURCES["/me"], scope=READ)
    refusal(trading.post(one, by=enterprise.client, scope=WRITE), 400, "invalid_scope")
    refusal(trading.post(one, by=enterprise.client, resource=RESOURCES["/files"]), 400, "invalid_target")
    statuses: list[int] = []
    together(4, lambda _: statuses.append(trading.post(one, by=enterprise.client).status_code))
    assert sorted(statuses) == [200, 400, 400, 400]
    assert trading.why(one, by=enterprise.client) == "it was used before"
    again = enterprise.id_jag(jti="the same", exp=int(time.time()) + 60)
    trading.trade(again, by=enterprise.client)
    assert enterprise.why(jti="the same") == "it was used before"  # another text, and the same jti


@sqlite_only
def test_what_it_must_say(enterprise: Enterprise) -> None:
    other = enterprise.trading.register()
    own = enterprise.client.client_id
    wrong_typ = f"it is another kind of token: typ is {{}}, not '{TYP}'"
    alone = f"the aud of an ID-JAG is '{ISSUER}' alone, as a text"
    for changes, reason in (
        ({"typ": "JWT"}, wrong_typ.format("'JWT'")),
        ({"typ": None}, wrong_typ.format("'JWT'")),
        ({"typ": "authorization-grant+jwt"}, wrong_typ.format("'authorization-grant+jwt'")),
        ({"typ": "at+jwt"}, wrong_typ.format("'at+jwt'")),
        ({"aud": [ISSUER]}, alone),
        ({"aud": f"{ISSUER}/oauth/token"}, alone),
        ({"client_id": other.client_id}, f"it is for the client '{other.client_id}'; '{own}' brought it"),
        ({"client_id": None}, f"it is for the client 'None'; '{own}' brought it"),
        ({"client_id": [own]}, f"it is for the client \"['{own}']\"; '{own}' brought it"),
        ({"jti": None}, "it has no jti"),
        ({"sub": None}, "it names no subject (sub)"),
        ({"resource": []}, "its resource is neither a text nor a list of texts"),
        ({"resource": {"a": 1}}, "its resource is neither a text nor a list of texts"),
        ({"resource": [1]}, "its resource is neither a text nor a list of texts"),
        ({"cnf": {"jkt": "x"}}, "it is bound to a key, and proofs of that are not checked here"),
        (
            {"authorization_details": [{"type": "a"}]},
            "it limits the token by authorization_details, which aren't known here",
        ),
    ):
        assert enterprise.why(**changes) == reason
    assert enterprise.why(aud="https://other.example").startswith("its aud is 'https://other.example', which does not")
    assert enterprise.why(exp=int(time.time()) - 100).startswith("it expired ")
    assert enterprise.trade(typ=f"application/{TYP.upper()}")


@sqlite_only
def test_only_a_client_that_proves_who_it_is_brings_one(enterprise: Enterprise) -> None:
    trading = enterprise.trading
    public = trading.register(token_endpoint_auth_method="none")
    refusal(trading.post(enterprise.id_jag()), 401, "invalid_client")
    refusal(trading.post(enterprise.id_jag(), client_id=enterprise.client.client_id), 401, "invalid_client")
    refusal(
        trading.post(enterprise.id_jag(client_id=public.client_id), client_id=public.client_id), 401, "invalid_client"
    )
    key = Signer()
    signing = trading.register_signing(key)
    proof = key.sign(claims_of(signing.client_id, sub=signing.client_id, aud=ISSUER))
    how = {"client_assertion": proof, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    assert trading.trade(enterprise.id_jag(client_id=signing.client_id), **how)
    other = trading.register(grant_types=["client_credentials"])
    refusal(trading.post(enterprise.id_jag(client_id=other.client_id), by=other), 400, "unauthorized_client")


@sqlite_only
def test_its_scope_is_a_ceiling(make_trading: MakeTrading) -> None:
    enterprise = Enterprise(make_trading, {"scopes": [READ]})
    trading, by = enterprise.trading, enterprise.client
    assert enterprise.trade()["scope"] == READ  # as far as the issuer may go
    assert enterprise.trade(scope=f"{WRITE} {READ} unknown")["scope"] == READ
    for scope in (WRITE, "unknown", "offline_access", "", " ", []):
        why = refusal(trading.post(enterprise.id_jag(scope=scope), by=by), 400, "invalid_scope")
        assert why == "The assertion names no scope that this client may have."
    refusal(trading.post(enterprise.id_jag(scope=READ), by=by, scope=f"{READ} {WRITE}"), 400, "invalid_scope")
    assert trading.trade(enterprise.id_jag(scope=f"{READ} {WRITE}"), by=by, scope=READ)["scope"] == READ


@sqlite_only
def test_its_resource_is_a_ceiling(enterprise: Enterprise) -> None:
    trading, by, (me, files) = enterprise.trading, enterprise.client, RESOURCES.values()

    def audience(answer: dict[str, Any]) -> Any:
        asked, who = {"token": answer["access_token"]}, basic(by.client_id, by.client_secret)
        return trading.client.post("/oauth/introspect", data=asked, headers=who).get_json()["aud"]

    assert audience(enterprise.trade(resource=files)) == files
    assert audience(enterprise.trade(resource=[me, files])) == [me, files]
    assert audience(trading.trade(enterprise.id_jag(resource=[me, files]), by=by, resource=files)) == files
    assert audience(trading.trade(enterprise.id_jag(), by=by, resource=files)) == files
    for claimed, asked in (("https://other.example", {}), (files, {"resource": me}), ([me, "urn:x"], {})):
        refusal(trading.post(enterprise.id_jag(resource=claimed), by=by, **asked), 400, "invalid_target")


@sqlite_only
def test_the_subject_is_whom_map_assertion_says(enterprise: Enterprise) -> None:
    seen: list[Any] = []

    @enterprise.trading.gateway.map_assertion
    def map_assertion(assertion: Any) -> str | None:
        seen.append(assertion.claims["email"])
        return None if assertion.subject == "mallory" else "bob"

    assert enterprise.trading.me(enterprise.trade(email="a@b.example"))["subject"] == "bob"
    assert seen == ["a@b.example"]
    assert enterprise.why(sub="mallory", email="x") == "map_assertion refused it"


@sqlite_only
def test_an_issuer_that_says_nothing_of_it_lets_nobody_in_by_one(make_trading: MakeTrading) -> None:
    enterprise = Enterprise(make_trading, {"id_jag": None})
    assert enterprise.why() == f"it is another kind of token: typ is '{TYP}', not 'JWT' or 'authorization-grant+jwt'"
    own = Signer()
    made = enterprise.trading.register_signing(own)
    signed = own.sign(claims_of(made.client_id, aud=ISSUER, client_id=made.client_id), typ=TYP)
    assert enterprise.trading.why(signed).startswith("it is another kind of token")
    document = enterprise.trading.client.get("/.well-known/oauth-authorization-server").get_json()
    assert "authorization_grant_profiles_supported" not in document


@sqlite_only
def test_the_metadata_say_that_it_is_taken(enterprise: Enterprise) -> None:
    document = enterprise.trading.client.get("/.well-known/oauth-authorization-server").get_json()
    assert document["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]


@sqlite_only
@pytest.mark.parametrize(
    "more", [{"client_id": "partner"}, {"audience": "urn:a"}, {"scope_claim": True}, {"id_jag": "yes"}]
)
def test_what_the_entry_can_not_have_beside_it(make_trading: MakeTrading, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"OAUTH_JWT_ISSUERS\['{IDP}'\]\['{next(iter(more))}'\] is "):
        Enterprise(make_trading, more)
