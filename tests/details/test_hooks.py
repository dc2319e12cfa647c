"""The app's hook for a type: what it returns is what the page shows, and what is shown is what is granted."""

import itertools
import json
import random
from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.details import FILES, PAYMENT, asked, make_paying, pay, paying_client
from tests.support.request_objects import Signing
from tests.support.site import MakeSite, Page, Site, answer, granted, location, query, refused

Detail = dict[str, Any]


@pytest.fixture
def paying(make_site: MakeSite) -> Site:
    return make_paying(make_site, OAUTH_PAR=True)


def test_what_the_hook_returned_for_the_page_is_granted_whatever_it_would_return_later(paying: Site) -> None:
    numbers = itertools.count(1)
    seen: list[tuple[Any, Any]] = []

    @paying.gateway.authorization_detail("payment")
    def payment(detail: Detail, client: Any, user: Any) -> Detail:
        seen.append((client.client_id, user.id))
        return {**detail, "account": f"account number {next(numbers)}"}

    client = paying_client(paying)
    first = Page(paying.ask(client, authorization_details=asked(PAYMENT)))
    second = Page(paying.ask(client, authorization_details=asked(PAYMENT)))  # another tab
    assert "account number 1" in first.text
    assert "account number 2" in second.text
    for page, number in ((first, 1), (second, 2)):
        tokens = granted(paying.redeem(client, answer(location(paying.send(page)))["code"]))
        assert tokens["authorization_details"] == [PAYMENT | {"account": f"account number {number}"}]
        assert pay(paying, tokens["access_token"]) == tokens["authorization_details"]
    assert seen == [(client.client_id, "alice")] * 2


def test_what_was_enriched_may_be_asked_for_at_the_token_endpoint_as_it_was_asked_for_first(paying: Site) -> None:
    paying.gateway.authorization_detail("payment")(lambda detail, *_: {**detail, "account": "mine"})
    client = paying_client(paying)
    code = paying.code(client, authorization_details=asked(PAYMENT, FILES))
    tokens = granted(paying.redeem(client, code, authorization_details=asked(PAYMENT)))
    assert tokens["authorization_details"] == [PAYMENT | {"account": "mine"}]


def test_a_hook_may_narrow_and_its_changes_of_what_it_is_given_count_for_nothing(paying: Site) -> None:
    @paying.gateway.authorization_detail("files")
    def files(detail: Detail, client: Any, user: Any) -> Detail:
        narrowed = {**detail, "actions": ["read"]}
        detail["actions"].append("delete")
        return narrowed

    client = paying_client(paying)
    assert paying.tokens(client, authorization_details=asked(FILES))["authorization_details"] == [
        FILES | {"actions": ["read"]}
    ]


def test_a_hook_that_returns_none_refuses_before_anything_is_shown(paying: Site) -> None:
    paying.gateway.authorization_detail("payment")(lambda *_: None)
    client = paying_client(paying)
    refused(location(paying.ask(client, authorization_details=asked(PAYMENT))), "invalid_authorization_details")
    response = paying.token(client, "client_credentials", authorization_details=asked(PAYMENT))
    refusal(response, 400, "invalid_authorization_details")


def test_without_a_user_the_hook_is_called_without_one_when_the_token_is_asked_for(paying: Site) -> None:
    seen: list[Any] = []

    @paying.gateway.authorization_detail("payment")
    def payment(detail: Detail, client: Any, user: Any) -> Detail:
        seen.append(user)
        return detail

    paying.gateway.check_password(lambda name, _: paying.people.get(name))
    client = paying_client(paying)
    granted(paying.token(client, "client_credentials", authorization_details=asked(PAYMENT)))
    sent = {"username": "alice", "password": "right", "authorization_details": asked(PAYMENT)}
    assert granted(paying.token(client, "password", **sent))["authorization_details"] == [PAYMENT]
    assert seen == [None, paying.people["alice"]]


BAD: list[Any] = [
    "a text", 7, [], [PAYMENT], {}, {"type": "files"}, {"type": "payment", "locations": "x"}, {"type": "payment", "x": {1}},
    {"type": "payment", "x": float("nan")}, {"type": "payment", "x": "x" * 70000}, {"type": "payment", "x": "\0"},
]  # fmt: skip


@pytest.mark.parametrize("returned", BAD, ids=[repr(each)[:30] for each in BAD])
def test_a_hook_s_mistake_is_an_error_of_the_server_and_grants_nothing(paying: Site, returned: Any) -> None:
    paying.gateway.authorization_detail("payment")(lambda *_: returned)
    client = paying_client(paying)
    response = paying.token(client, "client_credentials", authorization_details=asked(PAYMENT))
    refusal(response, 503, "server_error")
    assert paying.ask(client, authorization_details=asked(PAYMENT)).status_code == 503


def test_a_form_without_what_was_shown_is_shown_anew_and_grants_nothing(paying: Site) -> None:
    client = paying_client(paying)
    page = Page(paying.ask(client, authorization_details=asked(PAYMENT)))
    other = Page(paying.ask(client, authorization_details=asked(FILES)))
    shown = dict(other.fields)["details_token"]
    for forged in (None, "", "x", shown, page.hidden("form_token")):
        fields = [(name, value) for name, value in page.fields if name != "details_token"]
        data = {**dict(fields), "decision": "allow", **({} if forged is None else {"details_token": forged})}
        response = paying.browser.post(page.action, data=data)
        assert response.status_code == 400
        assert "Pay once" in Page(response).text
    without = {"decision": "deny", "form_token": page.hidden("form_token")}
    refused(location(paying.browser.post(page.action, data=without)), "access_denied")  # who refuses may always


def test_a_form_of_another_user_grants_nothing(paying: Site) -> None:
    client = paying_client(paying)
    page = Page(paying.ask(client, authorization_details=asked(PAYMENT)))
    paying.person = "bob"
    response = paying.send(page)
    assert response.status_code == 400
    assert "Bob" in Page(response).text


def test_a_pushed_request_has_them_too(paying: Site) -> None:
    client = paying_client(paying)
    pushed = paying.post(client, "/oauth/par", **query(client, authorization_details=asked(PAYMENT)))
    assert pushed.status_code == 201, pushed.text
    where = {"client_id": client.client_id, "request_uri": pushed.get_json()["request_uri"]}
    page = Page(paying.browser.get("/oauth/authorize", query_string=where | {"authorization_details": asked(FILES)}))
    assert "Pay once" in page.text
    assert "Use your files" not in page.text
    tokens = granted(paying.redeem(client, answer(location(paying.send(page)))["code"]))
    assert json.loads(json.dumps(tokens["authorization_details"])) == [PAYMENT]


def test_details_of_many_kib_come_by_a_pushed_request_and_through_the_page(paying: Site) -> None:
    client = paying_client(paying)
    chance = random.Random(9396)  # noqa: S311 (a text that no compression makes short)
    long = FILES | {"x": "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=60_000))}
    pushed = paying.post(client, "/oauth/par", **query(client, authorization_details=asked(long)))
    assert pushed.status_code == 201, pushed.text
    where = {"client_id": client.client_id, "request_uri": pushed.get_json()["request_uri"]}
    page = Page(paying.browser.get("/oauth/authorize", query_string=where))
    tokens = granted(paying.redeem(client, answer(location(paying.send(page)))["code"]))
    assert tokens["authorization_details"] == [long]


def test_a_signed_request_has_them_as_an_array(make_site: MakeSite) -> None:
    site = make_paying(make_site, OAUTH_JAR=True, OAUTH_ISSUER="http://localhost")
    signing = Signing(site, authorization_details_types=["payment"], token_endpoint_auth_method="client_secret_basic")
    found = signing.answer(signing.ask(signing.sign(authorization_details=[PAYMENT])))
    tokens = granted(site.redeem(signing.client, found["code"]))
    assert tokens["authorization_details"] == [PAYMENT]
    response = signing.ask(signing.sign(authorization_details=[FILES]), authorization_details=asked(PAYMENT))
    refused(location(response), "invalid_authorization_details")
