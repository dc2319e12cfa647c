"""A browser comes with a `request_uri`: what counts, how long it lives, and what uses it up (RFC 9126 section 4)."""

import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.database.tables import code
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.proofs import ProofKey
from tests.support.pushing import URN, come, push, pushing
from tests.support.site import (
    BOTH,
    READ,
    REDIRECT_URI,
    VERIFIER,
    WRITE,
    MakeSite,
    Page,
    Site,
    answer,
    error_page,
    granted,
    location,
    query,
    refused,
    split,
)
from tests.support.stored import database_of

LOGIN = "/login"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(OAUTH_PAR=True, OAUTH_LOGIN_URL=LOGIN)


def start_again(response: TestResponse) -> None:
    """The browser gets a page, and is sent nowhere."""
    assert "start again" in error_page(response, "invalid_request_uri")


def is_spent(site: Site, client: Any, request_uri: str) -> None:
    """A browser gets a page, a program JSON; neither is sent anywhere."""
    start_again(come(site, client, request_uri))
    refusal(come(site, client, request_uri, headers={"Accept": "*/*"}), 400, "invalid_request_uri")


def test_what_stands_beside_it_doesn_t_count_and_isn_t_carried_on(site: Site) -> None:
    client = site.register()
    request_uri = push(site, client, scope=READ, state="pushed")
    beside = {
        "scope": BOTH, "state": "changed", "redirect_uri": "https://evil.example/cb", "response_type": "token", "prompt": "none",
        "code_challenge": "x", "response_mode": "fragment", "request": "x.y.z", "acr_values": "9", "resource": "https://x.example",
    }  # fmt: skip
    page = Page(come(site, client, request_uri, **beside))
    assert dict(parse_qsl(urlsplit(page.action or "").query)) == {
        "client_id": client.client_id,
        "request_uri": request_uri,
    }
    assert set(page.boxes) == {READ}
    found = answer(location(site.send(page)))
    assert found["state"] == "pushed"
    assert granted(site.redeem(client, found["code"]))["scope"] == READ


def test_what_is_repeated_beside_it_doesn_t_count_but_its_name_is_named_once(site: Site) -> None:
    client = site.register()
    request_uri = push(site, client)
    assert come(site, client, request_uri, state=["a", "b"]).status_code == 200
    error_page(come(site, client, [request_uri, request_uri]), "invalid_request")  # type: ignore[arg-type]
    sent = [("client_id", client.client_id), ("client_id", client.client_id), ("request_uri", request_uri)]
    error_page(site.browser.get("/oauth/authorize", query_string=sent), "invalid_request")


def test_it_may_come_as_a_form(site: Site) -> None:
    client = site.register()
    sent = {"client_id": client.client_id, "request_uri": push(site, client), "scope": "nope"}
    page = Page(site.browser.post("/oauth/authorize", data=sent))
    assert answer(location(site.send(page)))["code"]


def test_a_reload_and_another_tab_show_the_page_again_and_one_answer_uses_it_up(site: Site) -> None:
    client = site.register()
    request_uri = push(site, client)
    pages = [Page(come(site, client, request_uri)) for _ in range(3)]
    assert answer(location(site.send(pages[1])))["code"]
    for page in pages:
        start_again(site.browser.post(page.action or "", data=dict(page.fields), headers={"Accept": "text/html"}))
    is_spent(site, client, request_uri)


@pytest.mark.parametrize("way", ["allow", "deny", "error", "silent"])
def test_every_answer_uses_it_up(site: Site, way: str) -> None:
    client = site.register()
    more = {"prompt": "none"} if way == "silent" else {}
    request_uri = push(site, client, scope=BOTH, **more)
    if way in ("allow", "deny"):
        found = answer(location(site.send(Page(come(site, client, request_uri)), decision=way)))
        assert found.get("error") == (None if way == "allow" else "access_denied")
    elif way == "silent":
        assert refused(location(come(site, client, request_uri)), "consent_required")
    else:
        site.gateway.clients.update(client.client_id, scope=READ)
        assert refused(location(come(site, client, request_uri)), "invalid_scope")
        site.gateway.clients.update(client.client_id, scope=BOTH)
    is_spent(site, client, request_uri)


@pytest.mark.parametrize("response_type", ["token", "code token", "id_token", "code id_token"])
def test_a_token_uses_it_up_too(make_site: MakeSite, response_type: str) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_OIDC=True)
    site.gateway.approve(lambda _: True)
    method = "none" if "token" in response_type.split() else "client_secret_basic"
    client = site.register(
        grant_types=["authorization_code", "implicit"],
        scope=f"openid {READ}",
        token_endpoint_auth_method=method,
        response_types=[response_type],
    )
    request_uri = push(site, client, response_type=response_type, nonce="n", scope=f"openid {READ}")
    found = answer(location(come(site, client, request_uri)), part="fragment")
    assert {"code", "access_token", "id_token"} & set(found)
    is_spent(site, client, request_uri)


@pytest.mark.parametrize("response_type", ["token", "code token"])
def test_where_the_client_changes_before_its_token_is_stored_it_gets_its_answer(
    make_site: MakeSite, response_type: str
) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_OIDC=True)
    site.gateway.approve(lambda _: True)
    client = site.register_public(grant_types=["authorization_code", "implicit"])
    request_uri = push(site, client, response_type=response_type)
    changed: list[str] = []

    @site.gateway.load_user
    def load_user(subject: str) -> Any:
        changed.append(subject)
        site.gateway.clients.update(client.client_id, client_name=f"Changed {len(changed)} times")
        return site.people[subject]

    response = come(site, client, request_uri)
    assert changed
    assert refused(location(response), "temporarily_unavailable", part="fragment")
    is_spent(site, client, request_uri)


def test_the_browser_has_a_minute_to_come(site: Site, clock: Clock) -> None:
    client = site.register()
    in_time, late = push(site, client), push(site, client)
    clock.advance(58)
    assert come(site, client, in_time).status_code == 200
    clock.advance(4)
    is_spent(site, client, late)
    assert come(site, client, in_time).status_code == 200


def test_once_it_came_there_is_an_hour_which_no_further_visit_makes_longer(site: Site, clock: Clock) -> None:
    client = site.register()
    request_uri = push(site, client)
    for _ in range(6):
        page = Page(come(site, client, request_uri))
        clock.advance(595)
    assert page.boxes
    last = push(site, client)
    Page(come(site, client, last))
    assert come(site, client, request_uri).status_code == 200
    clock.advance(60)
    is_spent(site, client, request_uri)
    assert answer(location(site.send(Page(come(site, client, last)))))["code"]


def test_a_login_may_take_many_minutes(site: Site, clock: Clock) -> None:
    client = site.register()
    site.person = None
    response = come(site, client, push(site, client, scope=READ), state="x")
    clock.advance(50 * 60)
    path, parameters = split(response.headers["Location"])
    assert path == LOGIN
    assert set(dict(parse_qsl(urlsplit(parameters["next"]).query))) == {"client_id", "request_uri"}
    site.person = "alice"
    found = answer(location(site.send(Page(site.browser.get(parameters["next"])))))
    assert granted(site.redeem(client, found["code"]))["scope"] == READ


@pytest.mark.parametrize("wanted", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "login consent"}])
def test_a_request_may_ask_for_another_sign_in(site: Site, clock: Clock, wanted: dict[str, str]) -> None:
    client = site.register()
    request_uri = push(site, client, **wanted)
    for _ in range(2):  # opened a second time before anybody has signed in
        response = come(site, client, request_uri)
        assert split(response.headers["Location"])[0] == LOGIN
    clock.advance(300)
    back = site.browser.get(split(response.headers["Location"])[1]["next"])
    assert answer(location(site.send(Page(back))))["code"]


def another_account(response: TestResponse) -> str:
    found = re.search(r'<a href="([^"]+)">Use another account', response.text)
    assert found is not None
    return html.unescape(found[1])


def test_the_user_may_choose_another_account_and_nothing_else_changes(site: Site) -> None:
    client = site.register()
    request_uri = push(site, client, scope=READ, state="pushed")
    link = another_account(come(site, client, request_uri, scope=BOTH))
    names = dict(parse_qsl(urlsplit(link).query))
    assert names == {"client_id": client.client_id, "request_uri": request_uri, "oauth_another_account": "1"}
    response = site.browser.get(link)
    path, parameters = split(response.headers["Location"])
    assert path == LOGIN
    site.person = "bob"
    back = site.browser.get(parameters["next"])
    assert another_account(back).count("oauth_another_account") == 1
    found = answer(location(site.send(Page(back))))
    assert found["state"] == "pushed"
    assert site.me(granted(site.redeem(client, found["code"]))["access_token"])["subject"] == "bob"  # type: ignore[index]


def test_our_mark_shows_no_page_where_none_may_be_shown(site: Site) -> None:
    client = site.register()
    site.gateway.approve(lambda _: True)
    request_uri = push(site, client, prompt="none")
    assert answer(location(come(site, client, request_uri, oauth_another_account="1")))["code"]


def test_our_mark_does_nothing_to_a_request_in_the_query(site: Site) -> None:
    client = site.register()
    assert site.ask(client, oauth_another_account="1").status_code == 200
    assert "prompt=select_account" in another_account(site.ask(client))


def test_a_page_s_form_is_good_for_its_own_request_alone(site: Site) -> None:
    client = site.register()
    one, other = Page(come(site, client, push(site, client, scope=READ))), Page(come(site, client, push(site, client)))
    one.action = other.action
    assert site.send(one).status_code == 400
    assert answer(location(site.send(other)))["code"], "which is still good"


def test_nobody_else_s_is_taken(site: Site) -> None:
    client, other = site.register(), site.register()
    request_uri = push(site, client)
    for client_id, name in (
        (other, request_uri),
        ("nobody", request_uri),
        (client, f"{URN}{'x' * 43}"),
        (client, URN),
        (client, request_uri + "x"),
        (client, request_uri[:-1]),
        (client, URN + "x" * 5000),
    ):
        is_spent(site, client_id, name)
    sent = {"request_uri": request_uri}
    start_again(site.browser.get("/oauth/authorize", query_string=sent, headers={"Accept": "text/html"}))
    assert come(site, client, request_uri).status_code == 200, "the attempts have done nothing to it"


def test_an_address_is_no_pushed_request(site: Site) -> None:
    client = site.register()
    where = location(site.ask(client, request_uri="https://app.example/request.jwt"))
    assert refused(where, "request_uri_not_supported")


@pytest.mark.parametrize("change", ["disable", "delete", "replace", "redirect_uri", "scope", "grant", "unpushable"])
def test_what_changed_since_it_was_pushed_counts(site: Site, change: str) -> None:
    clients = site.gateway.clients
    client = site.register(pushed_redirect_uris=change == "unpushable")
    elsewhere = "https://elsewhere.example/cb"
    request_uri = push(site, client, scope=BOTH, redirect_uri=elsewhere if change == "unpushable" else REDIRECT_URI)
    page = Page(come(site, client, request_uri)) if change != "delete" else None
    if change == "disable":
        clients.update(client.client_id, enabled=False)
    elif change in ("delete", "replace"):
        clients.delete(client.client_id)
        if change == "replace":
            site.register(client_id=client.client_id)
    elif change == "redirect_uri":
        clients.update(client.client_id, redirect_uris=["https://new.example/cb"])
    elif change == "scope":
        clients.update(client.client_id, scope=READ)
    elif change == "grant":
        clients.update(client.client_id, grant_types=["client_credentials"])
    else:
        clients.update(client.client_id, pushed_redirect_uris=False)
    for response in (come(site, client, request_uri), *(() if page is None else (site.send(page),))):
        if change in ("scope", "grant"):  # the client is told, once
            assert refused(location(response), "invalid_scope" if change == "scope" else "unauthorized_client")
            break
        assert response.status_code == 400
        assert "Location" not in response.headers
        assert "code=" not in response.text


@pytest.mark.parametrize("who", ["server", "client"])
def test_who_must_push_is_told_so(make_site: MakeSite, who: str) -> None:
    site = make_site(OAUTH_PAR="required" if who == "server" else True)
    client = site.register(require_pushed_authorization_requests=who == "client")
    assert "not pushed" in refused(location(site.ask(client)), "invalid_request")
    sent = query(client)
    assert "not pushed" in refused(location(site.browser.post("/oauth/authorize", data=sent)), "invalid_request")
    assert answer(location(site.send(Page(come(site, client, push(site, client))))))["code"]
    if who == "client":
        assert site.ask(site.register()).status_code == 200, "others needn't"


def test_who_must_push_must_where_nobody_can(make_site: MakeSite) -> None:
    on = make_site(OAUTH_PAR=True)
    client = on.register(require_pushed_authorization_requests=True)
    off = make_site(OAUTH_DATABASE_URI=on.app.config["OAUTH_DATABASE_URI"])
    assert "none are taken here" in refused(location(off.ask(client)), "invalid_request")


def test_a_user_s_remembered_consent_holds_for_pushed_requests_too(site: Site) -> None:
    client = site.register()
    site.tokens(client)
    assert answer(location(come(site, client, push(site, client))))["code"]


def redeemed(site: Site, client: Client, code: str, headers: dict[str, str]) -> int:
    sent = {"grant_type": "authorization_code", "client_id": client.client_id, "code": code}
    sent |= {"redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return site.app.test_client().post("/oauth/token", data=sent, headers=headers).status_code


def test_the_code_is_bound_to_the_key_that_was_proved(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_DPOP=True)
    client = site.register_public()
    key = ProofKey()
    headers = key.headers(uri="http://localhost/oauth/par")
    pushed = site.app.test_client().post("/oauth/par", data=query(client), headers=headers)
    found = answer(location(site.send(Page(come(site, client, pushed.get_json()["request_uri"])))))
    with database_of(site.app).engine.connect() as connection:
        assert connection.scalar(select(code.c.claims))["cnf"] == {"jkt": key.thumbprint}
    for wrong in ({}, ProofKey().headers()):
        assert redeemed(site, client, found["code"], wrong) == 400
    assert redeemed(site, client, found["code"], key.headers()) == 200, "the others have not spent it"
    headers = key.headers(uri="http://localhost/oauth/par")
    again = [site.app.test_client().post("/oauth/par", data=query(client), headers=headers) for _ in range(2)]
    assert [each.status_code for each in again] == [201, 400], "a proof is good once"
    assert again[1].get_json()["error"] == "invalid_dpop_proof"


def test_approve_and_signals_see_the_request_as_it_was_pushed(site: Site) -> None:
    seen: list[Any] = []
    gateway: OAuthGateway = site.gateway
    gateway.approve(lambda authorization: seen.append(authorization) or True)
    client = site.register()
    come(site, client, push(site, client, scope=WRITE, login_hint="alice"), scope=READ)
    assert [(each.scopes, each.login_hint) for each in seen] == [((WRITE,), "alice")]


def test_pushed_requests_of_a_client_that_is_public_now_need_registered_redirect_uris(site: Site) -> None:
    client = site.register(pushed_redirect_uris=True)
    elsewhere = "https://elsewhere.example/cb"
    assert pushing(site, client, redirect_uri=elsewhere).status_code == 201
    site.gateway.clients.update(client.client_id, pushed_redirect_uris=False, token_endpoint_auth_method="none")
    headers = {"client_id": client.client_id}
    response = site.app.test_client().post("/oauth/par", data=query(client, redirect_uri=elsewhere) | headers)
    refusal(response, 400, "invalid_request")


@pytest.mark.parametrize("meanwhile", ["time", "client", "answer", "revocation"])
def test_what_happens_while_a_hook_takes_its_time(site: Site, clock: Clock, meanwhile: str) -> None:
    client = site.register()
    request_uri = push(site, client)
    happened: list[bool] = []

    def slow(_: Any) -> bool:
        if not happened:
            happened.append(True)
            if meanwhile == "time":
                clock.advance(30)
            elif meanwhile == "client":
                site.gateway.clients.update(client.client_id, client_name="Another")
            elif meanwhile == "answer":
                assert answer(location(come(site, client, request_uri)))["code"]
            else:
                site.gateway.tokens.revoke(subject="alice")
        return True

    site.gateway.approve(slow)
    clock.advance(50)
    response = come(site, client, request_uri)
    if meanwhile == "answer":
        start_again(response)
    elif meanwhile == "client":
        assert refused(location(response), "temporarily_unavailable")
    else:
        assert answer(location(response))["code"]
    with database_of(site.app).engine.connect() as connection:
        assert len(list(connection.execute(select(code)))) == (0 if meanwhile == "client" else 1)
    is_spent(site, client, request_uri)
