"""A SAML assertion in the place of a client's secret (RFC 7522 section 2.2)."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.signals import client_rejected
from tests.support.app import recorded, refusal
from tests.support.idp import NAME, Idp, encode, pem, rsa_key
from tests.support.relying import CLIENT_ASSERTION, Relying


@pytest.fixture(scope="session")
def own() -> Idp:
    return Idp(name="robot", key=rsa_key(1))


@pytest.fixture
def robot(relying: Relying, own: Idp) -> Any:
    """A client that signs with its own certificate."""
    with relying.app.app_context():
        found = relying.gateway.clients.get("robot")
    return found or relying.register(
        client_id="robot",
        token_endpoint_auth_method="saml2_bearer",
        certificate=pem(own.certificate),
        grant_types=["client_credentials"],
    )


def ask(relying: Relying, xml: str, **form: str) -> TestResponse:
    data = {
        "grant_type": "client_credentials",
        "client_assertion_type": CLIENT_ASSERTION,
        "client_assertion": encode(xml),
    }
    return relying.client.post("/oauth/token", data=data | form)


def refused(relying: Relying, xml: str, **form: str) -> str:
    """Why; the answer doesn't say."""
    with recorded(client_rejected, relying.app) as payloads:
        refusal(ask(relying, xml, **form), 401, "invalid_client")
    return str(payloads[0]["reason"])


def test_with_its_own_certificate(relying: Relying, robot: Any, own: Idp) -> None:
    xml = own.signed(subject="robot")
    answer = ask(relying, xml, client_id="robot")
    assert answer.status_code == 200, answer.text
    assert "used before" in refused(relying, xml)


@pytest.mark.parametrize("path", ["introspect", "revoke"])
def test_at_every_endpoint_where_clients_authenticate(relying: Relying, robot: Any, own: Idp, path: str) -> None:
    token = ask(relying, own.signed(subject="robot")).get_json()["access_token"]
    data = {"token": token, "client_assertion_type": CLIENT_ASSERTION}
    answer = relying.client.post(
        f"/oauth/{path}", data=data | {"client_assertion": encode(own.signed(subject="robot"))}
    )
    assert answer.status_code == 200, answer.text


def test_somebody_elses_name(relying: Relying, robot: Any, own: Idp) -> None:
    assert "its subject is not the client" in refused(relying, own.signed(subject="partner"))
    assert "another one" in refused(relying, own.signed(subject="robot"), client_id="partner")
    assert "signature is wrong" in refused(relying, Idp(name="robot", key=rsa_key(2)).signed(subject="robot"))
    assert "not base64url" in refused(relying, "", client_assertion="%")


@pytest.mark.parametrize("client_id", [None, "partner"])
def test_an_issuer_of_users_is_none_of_clients(make_relying: Any, own: Idp, idp: Idp, client_id: str | None) -> None:
    """A user who is called what a client is called would otherwise be that client."""
    relying = make_relying({NAME: idp.entry | {"client_id": client_id}})
    relying.register(client_id="robot", token_endpoint_auth_method="saml2_bearer", grant_types=["client_credentials"])
    assert "its subject is not the client" in refused(relying, idp.signed(subject="robot"))


def test_a_client_that_is_registered_for_something_else(relying: Relying, idp: Idp) -> None:
    """The entry names `partner`, but that client has a secret."""
    assert "registered for saml2_bearer" in refused(relying, idp.signed(subject="partner"))


def test_the_client_of_the_entry(make_relying: Any, idp: Idp) -> None:
    relying = make_relying({NAME: idp.entry | {"client_id": "worker"}})
    relying.register(client_id="worker", token_endpoint_auth_method="saml2_bearer", grant_types=["client_credentials"])
    assert ask(relying, idp.signed(subject="worker")).status_code == 200


def test_no_falling_back_to_a_secret(relying: Relying, robot: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "x"}
    refusal(relying.client.post("/oauth/token", data=form), 401, "invalid_client")


def test_it_is_off_where_the_settings_leave_it_out(make_relying: Any, own: Idp, idp: Idp) -> None:
    relying = make_relying({NAME: idp.entry}, OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic"])
    assert "not offered" in refused(relying, own.signed(subject="robot"))


def test_beside_a_grant(relying: Relying, robot: Any, own: Idp, idp: Idp) -> None:
    """One assertion says who the client is, another one whom it acts for; the entry has given these to `partner`."""
    form = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": encode(own.signed(subject="robot"))}
    assert "belongs to the client 'partner'" in relying.refuses(idp.signed(), **form)
