"""A client in a document that signs: it is confidential, and its keys are read by the same rules as the document."""

import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.clients import directory
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.client_documents import DocumentServer
from tests.support.clock import Clock
from tests.support.signing import Signer, claims_of
from tests.support.site import Site, granted
from tests.support.trading import CLIENT_ASSERTION


def redeemed(site: Site, client: Client, signer: Signer, **more: str) -> TestResponse:
    """The answer to a new code that the client brings with an assertion of this key."""
    said = signer.sign(claims_of(client.client_id, sub=client.client_id))
    code = site.code(client)
    return site.redeem(client, code, client_assertion=said, client_assertion_type=CLIENT_ASSERTION, **more)


@pytest.mark.parametrize("by_url", [False, True])
def test_it_must_prove_who_it_is(site: Site, documents: DocumentServer, by_url: bool) -> None:
    signer = Signer()
    documents.server.places["/keys"] = signer.jwks()
    keys: dict[str, Any] = {"jwks_uri": documents.url("/keys")} if by_url else {"jwks": signer.jwks()}
    client = documents.publish(token_endpoint_auth_method="private_key_jwt", **keys)
    assert granted(redeemed(site, client, signer))
    refused = site.redeem(client, site.code(client))
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")
    assert redeemed(site, client, Signer()).status_code == 401
    assert documents.fetched() == 1


def test_its_keys_are_read_where_it_says_and_nowhere_else(site: Site, documents: DocumentServer, clock: Clock) -> None:
    signer, server = Signer(), documents.server
    server.places["/keys"] = signer.jwks()
    client = documents.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=documents.url("/moved"))
    site.code(client)
    server.status = 302
    server.headers["Location"] = documents.url("/keys")
    assert redeemed(site, client, signer).status_code == 401
    assert documents.fetched("/keys") == 0


def test_a_client_that_was_never_met_is_read_at_the_token_endpoint(site: Site, documents: DocumentServer) -> None:
    signer = Signer()
    client = documents.publish(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks())
    for form in ({"client_id": client.client_id}, {}):
        said = signer.sign(claims_of(client.client_id, sub=client.client_id))
        answered = site.app.test_client().post(
            "/oauth/token",
            data={
                "grant_type": "authorization_code", "code": "x", "client_assertion": said,
                "client_assertion_type": CLIENT_ASSERTION, **form,
            },
        )  # fmt: skip
        assert answered.get_json()["error"] == "invalid_grant"  # it is known who it is
    assert documents.fetched() == 1


def test_a_slow_document_leaves_its_keys_less_time(
    site: Site, documents: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "IN_ALL_SECONDS", 1.5)
    signer = Signer()

    def slow(seconds: float, says: Any) -> Any:
        time.sleep(seconds)
        return says

    client = documents.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=documents.url("/keys"))
    said = documents.server.places["/client.json"]
    documents.server.forms.append({})
    documents.server.places["/client.json"] = lambda _: slow(0.7, said)
    documents.server.places["/keys"] = lambda _: slow(1.7, signer.jwks())
    began = time.monotonic()
    assertion = signer.sign(claims_of(client.client_id, sub=client.client_id))
    answered = site.redeem(client, "x", client_assertion=assertion, client_assertion_type=CLIENT_ASSERTION)
    assert answered.status_code == 401
    assert documents.fetched("/keys") == 1
    assert time.monotonic() - began < 2
