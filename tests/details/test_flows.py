"""A client asks for authorization details, a user allows them, and the token has them (RFC 9396)."""

import json
from typing import Any

import pytest

from flask_oauth_gateway.grants import refresh_token
from flask_oauth_gateway.stores.rotation import rotate_at_once
from tests.support.app import refusal
from tests.support.databases import every_database
from tests.support.details import FILES, PAYMENT, asked, make_paying, pay, paying_client
from tests.support.processes import finished, fresh_python
from tests.support.site import MakeSite, Page, Site, answer, granted, location, refused


@pytest.fixture
def paying(make_site: MakeSite) -> Site:
    return make_paying(make_site)


@every_database
@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_what_the_user_was_shown_is_in_the_answer_the_token_the_introspection_and_the_view(
    make_site: MakeSite, token_format: str
) -> None:
    site = make_paying(make_site)
    client = paying_client(site, access_token_format=token_format)
    page = Page(site.ask(client, authorization_details=asked(PAYMENT, FILES)))
    for words in ("Pay once", "49.90", "EUR", "Bäckerei Müller", "Creditor", "Use your files", "read", "write"):
        assert words in page.text, words
    tokens = granted(site.redeem(client, answer(location(site.send(page)))["code"]))
    assert tokens["authorization_details"] == [PAYMENT, FILES]
    assert pay(site, tokens["access_token"]) == [PAYMENT, FILES]
    described = site.post(client, "/oauth/introspect", token=tokens["access_token"]).get_json()
    assert described["authorization_details"] == [PAYMENT, FILES]


@every_database
def test_a_refresh_may_ask_for_fewer_and_the_approval_keeps_all(make_site: MakeSite) -> None:
    for how in ({}, {"OAUTH_REFRESH_TOKEN_GRACE": 30}):
        site = make_paying(make_site, **how)
        client = paying_client(site)
        tokens = site.tokens(client, authorization_details=asked(PAYMENT, FILES))
        only_read = FILES | {"actions": ["read"]}
        fewer = granted(site.refresh(client, tokens["refresh_token"], authorization_details=asked(only_read)))
        assert fewer["authorization_details"] == [only_read]
        assert pay(site, fewer["access_token"]) == "insufficient_scope"
        all_again = granted(site.refresh(client, fewer["refresh_token"]))
        assert all_again["authorization_details"] == [PAYMENT, FILES]
        assert pay(site, all_again["access_token"]) == [PAYMENT, FILES]
        more = PAYMENT | {"amount": {"currency": "EUR", "value": "4990"}}
        response = site.refresh(client, all_again["refresh_token"], authorization_details=asked(more))
        refusal(response, 400, "invalid_authorization_details")
        granted(site.refresh(client, all_again["refresh_token"]))  # which the refusal has not spent


def test_a_code_asks_for_no_more_than_was_approved_and_is_not_spent_by_asking(paying: Site) -> None:
    client = paying_client(paying)
    code = paying.code(client, authorization_details=asked(FILES))
    for more in (PAYMENT, FILES | {"actions": ["delete"]}, FILES | {"locations": []}, FILES | {"extra": 1}):
        response = paying.redeem(client, code, authorization_details=asked(more))
        refusal(response, 400, "invalid_authorization_details")
    refusal(
        paying.redeem(client, code, authorization_details=asked(FILES, FILES)), 400, "invalid_authorization_details"
    )
    refusal(paying.redeem(client, code, authorization_details="["), 400, "invalid_authorization_details")
    tokens = granted(paying.redeem(client, code, authorization_details=asked({"type": "files", "actions": ["read"]})))
    assert tokens["authorization_details"] == [FILES | {"actions": ["read"]}]


def test_a_detail_is_asked_for_each_time_whoever_asks(paying: Site) -> None:
    paying.gateway.approve(lambda _: True)
    for client in (paying_client(paying), paying_client(paying, skip_consent=True)):
        for _ in range(2):
            assert "code" in answer(paying.approve(client, authorization_details=asked(PAYMENT)))
            where = location(paying.ask(client, authorization_details=asked(PAYMENT), prompt="none"))
            refused(where, "consent_required")
            assert "code" in answer(location(paying.ask(client)))  # for scopes alone, nobody is asked


def test_who_refuses_gives_nothing(paying: Site) -> None:
    client = paying_client(paying)
    page = Page(paying.ask(client, authorization_details=asked(PAYMENT)))
    refused(location(paying.send(page, decision="deny")), "access_denied")


def test_a_client_gets_details_for_itself_by_its_own_types(paying: Site) -> None:
    client = paying_client(paying)
    tokens = granted(paying.token(client, "client_credentials", authorization_details=asked(FILES)))
    assert tokens["authorization_details"] == [FILES]
    other = {"type": "secret"}
    response = paying.token(client, "client_credentials", authorization_details=asked(other))
    refusal(response, 400, "invalid_authorization_details")
    none = paying_client(paying, authorization_details_types=[])
    refusal(
        paying.token(none, "client_credentials", authorization_details=asked(FILES)),
        400,
        "invalid_authorization_details",
    )


def test_where_the_setting_is_empty_the_parameter_is_unknown(site: Site) -> None:
    client = site.register(grant_types=["authorization_code", "client_credentials"])
    assert "authorization_details" not in site.tokens(client, authorization_details="nonsense")
    assert "authorization_details" not in granted(
        site.token(client, "client_credentials", authorization_details="nonsense")
    )
    assert "authorization_details_types_supported" not in metadata(site)


def test_the_types_are_in_the_metadata(paying: Site) -> None:
    assert metadata(paying)["authorization_details_types_supported"] == ["payment", "files", "secret"]
    resource = paying.app.test_client().get("/.well-known/oauth-protected-resource").get_json()
    assert resource["authorization_details_types_supported"] == ["payment", "files", "secret"]


def metadata(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.app.test_client().get("/.well-known/oauth-authorization-server").text)
    return found


def test_where_the_setting_is_empty_nothing_of_it_is_loaded() -> None:
    program = """
import sys
from tests.support.app import build_app, register, token_for
app = build_app(OAUTH_DATABASE_URI="sqlite://", OAUTH_GRANT_TYPES=["authorization_code", "client_credentials"])
token_for(app.test_client(), register(app))
assert app.test_client().get("/oauth/authorize").status_code == 400
print([name for name in sys.modules if name.endswith(".details")])
"""
    assert finished(fresh_python("-c", program)).strip() == "[]"


@pytest.mark.parametrize("database_uri", ["sqlite", "postgresql"], indirect=True)
def test_a_refresh_is_done_at_once_unless_there_is_something_to_decide(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_paying(make_site)
    client = paying_client(site)
    done = []

    def rotate(*given: Any, **more: Any) -> Any:
        row = rotate_at_once(*given, **more)
        done.append(row is not None)
        return row

    monkeypatch.setattr(refresh_token, "rotate_at_once", rotate)
    for details, is_at_once in ((None, True), (asked(PAYMENT), False)):
        tokens = site.tokens(client, authorization_details=details)
        answered = granted(site.refresh(client, tokens["refresh_token"]))
        assert done.pop() is is_at_once
        assert answered.get("authorization_details") == tokens.get("authorization_details")
    granted(site.refresh(client, answered["refresh_token"], authorization_details=asked(PAYMENT)))
    assert done == [], "what is asked for is decided"
