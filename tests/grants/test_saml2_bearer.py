"""The grant's own rules (RFC 7522 section 2.1); what an assertion must be is in tests/assertions/saml/."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.assertions.assertion import Assertion
from flask_oauth_gateway.signals import assertion_rejected
from tests.support.app import ask, basic, recorded, refusal, server_of
from tests.support.databases import sqlite_only
from tests.support.idp import EMAIL, NAME, SERVER, TOKEN_ENDPOINT, Idp, encode, pem, rsa_key
from tests.support.relying import CONFIG, GRANT, Relying

IDP = Idp()
ENTRY = IDP.entry


@pytest.fixture
def make_relying(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> Callable[..., Relying]:
    def make_relying(entry: dict[str, Any] | None = None, **config: Any) -> Relying:
        app = make_app(**CONFIG | {"OAUTH_SAML_ISSUERS": {NAME: entry or ENTRY}} | config)
        return Relying(app, caplog)

    return make_relying


Make = Callable[..., Relying]
NO_CLIENT = {"certificates": [pem(IDP.certificate)]}


def test_the_token_is_the_subjects_and_the_entrys_clients(make_relying: Make) -> None:
    assert make_relying().accepts(IDP.signed()) == {
        "subject": "alice",
        "client": "partner",
        "scopes": ["weather:read", "weather:write"],
        "grant_type": GRANT,
        "attributes": {},
    }


@sqlite_only
class TestWhoseTokenItIs:
    def test_without_client_authentication_only_where_the_entry_names_a_client(self, make_relying: Make) -> None:
        relying = make_relying(NO_CLIENT)
        refusal(relying.post(IDP.signed()), 401, "invalid_client")
        refusal(relying.post(IDP.signed(), client_id="partner"), 401, "invalid_client")
        headers = basic("partner", relying.partner.client_secret)
        assert relying.accepts(IDP.signed(), headers)["client"] == "partner"

    def test_a_wrong_authentication_is_refused_where_none_is_needed(self, make_relying: Make) -> None:
        refusal(make_relying().post(IDP.signed(), basic("partner", "wrong")), 401, "invalid_client")

    def test_the_right_authentication_may_stand_beside(self, make_relying: Make) -> None:
        relying = make_relying()
        assert relying.accepts(IDP.signed(), basic("partner", relying.partner.client_secret), client_id="partner")

    def test_another_client_cannot_bring_it(self, make_relying: Make) -> None:
        relying = make_relying()
        other = relying.register(client_id="other")
        why = "belongs to the client 'partner'"
        assert why in relying.refuses(IDP.signed(), basic("other", other.client_secret))
        assert why in relying.refuses(IDP.signed(), client_id="other")

    def test_a_client_that_is_disabled_or_gone(self, make_relying: Make) -> None:
        relying = make_relying()
        with relying.app.app_context():
            relying.gateway.clients.update("partner", enabled=False)
            server_of(relying.app).clients.forget("partner")
        assert "unknown or disabled" in relying.refuses(IDP.signed())
        with relying.app.app_context():
            relying.gateway.clients.delete("partner")
        assert "unknown or disabled" in relying.refuses(IDP.signed())

    def test_a_client_that_is_not_registered_for_it(self, make_relying: Make) -> None:
        relying = make_relying(ENTRY | {"client_id": "other"})
        relying.register(client_id="other", grant_types=["client_credentials"])
        refusal(relying.post(IDP.signed()), 400, "unauthorized_client")


@sqlite_only
class TestScopes:
    def test_as_asked_for(self, make_relying: Make) -> None:
        relying = make_relying()
        assert relying.accepts(IDP.signed(), scope="weather:read")["scopes"] == ["weather:read"]
        refusal(relying.post(IDP.signed(), scope="nonsense"), 400, "invalid_scope")

    def test_no_more_than_the_client_has(self, make_relying: Make) -> None:
        relying = make_relying(ENTRY | {"client_id": "small"})
        relying.register(client_id="small", scope="weather:read")
        assert relying.accepts(IDP.signed())["scopes"] == ["weather:read"]
        refusal(relying.post(IDP.signed(), scope="weather:write"), 400, "invalid_scope")

    def test_no_more_than_the_issuer_may_give(self, make_relying: Make) -> None:
        relying = make_relying(ENTRY | {"scopes": ["weather:read"]})
        assert relying.accepts(IDP.signed())["scopes"] == ["weather:read"]
        refusal(relying.post(IDP.signed(), scope="weather:write"), 400, "invalid_scope")


class TestAttributes:
    def test_those_that_the_entry_names_are_kept(self, make_relying: Make) -> None:
        relying = make_relying(ENTRY | {"attributes": ["department", "group", "missing"]})
        given = {"department": ["Søn &amp; Sky"], "group": ["a", "b"], "salary": ["1"]}
        told = relying.accepts(IDP.signed(attributes=given))
        assert told["attributes"] == {"department": "Søn & Sky", "group": ["a", "b"]}

    @sqlite_only
    def test_all_of_them_reach_map_assertion(self, make_relying: Make) -> None:
        relying = make_relying()
        seen: list[Assertion] = []

        @relying.gateway.map_assertion
        def by_mail(assertion: Assertion) -> str | None:
            seen.append(assertion)
            return assertion.attributes.get("mail", [None])[0]

        told = relying.accepts(IDP.signed(attributes={"mail": ["alice@example.com"], "group": ["a", "b"]}))
        assert told["subject"] == "alice@example.com"
        (found,) = seen
        assert (found.kind, found.issuer, found.subject, found.name_id_format) == ("saml", NAME, "alice", EMAIL)
        assert found.attributes == {"mail": ["alice@example.com"], "group": ["a", "b"]}
        assert relying.refuses(IDP.signed()) == "map_assertion refused it"

    @sqlite_only
    def test_a_subject_that_load_user_does_not_know(self, make_relying: Make) -> None:
        relying = make_relying()
        relying.gateway.load_user(lambda subject: subject if subject == "alice" else None)
        assert relying.accepts(IDP.signed())
        assert "load_user" in relying.refuses(IDP.signed(subject="mallory"))


@sqlite_only
class TestTheRequest:
    def test_the_assertion_is_missing(self, make_relying: Make) -> None:
        response = make_relying().client.post("/oauth/token", data={"grant_type": GRANT})
        assert "assertion" in refusal(response, 400, "invalid_request")

    def test_not_in_the_url(self, make_relying: Make) -> None:
        url = f"/oauth/token?assertion={encode(IDP.signed())}"
        refusal(make_relying().client.post(url, data={"grant_type": GRANT}), 400, "invalid_request")

    def test_twice(self, make_relying: Make) -> None:
        data = {"grant_type": GRANT, "assertion": [encode(IDP.signed()), encode(IDP.signed())]}
        refusal(make_relying().client.post("/oauth/token", data=data), 400, "invalid_request")

    def test_a_refusal_is_told_by_a_signal(self, make_relying: Make) -> None:
        relying = make_relying()
        with recorded(assertion_rejected, relying.app) as payloads:
            relying.refuses(Idp(key=rsa_key(1)).signed())
        assert [payload["kind"] for payload in payloads] == ["SAML"]
        assert "Signature verification failed" in payloads[0]["reason"]

    def test_a_refused_assertion_stores_nothing(self, make_relying: Make) -> None:
        relying = make_relying()
        relying.refuses(Idp(key=rsa_key(1)).signed())
        with relying.app.app_context():
            assert not relying.gateway.tokens.find(live=False).tokens

    def test_it_is_off_where_the_settings_leave_it_out(self, make_relying: Make) -> None:
        relying = make_relying(OAUTH_GRANT_TYPES=["client_credentials"])
        refusal(relying.post(IDP.signed()), 400, "unsupported_grant_type")


@sqlite_only
def test_the_server_by_the_name_of_its_configuration(make_relying: Make) -> None:
    relying = make_relying(OAUTH_ISSUER="https://login.example/tenant")
    url = "https://login.example/oauth/token"
    assert relying.accepts(IDP.signed(audience="https://login.example/tenant", recipient=url))
    assert "Audience" in relying.refuses(IDP.signed(audience=SERVER, recipient=url))
    assert "Recipient" in relying.refuses(IDP.signed(audience=url, recipient=TOKEN_ENDPOINT))


def test_a_refresh_token_where_the_client_may_refresh(make_relying: Make) -> None:
    relying = make_relying(ENTRY | {"client_id": "lasting"})
    lasting = relying.register(client_id="lasting", grant_types=["saml2_bearer", "refresh_token"])
    answer = relying.post(IDP.signed()).get_json()
    again = ask(relying.client, lasting, grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert again.status_code == 200
