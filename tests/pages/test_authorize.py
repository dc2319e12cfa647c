"""`GET, POST /oauth/authorize`: how an authorization request is answered (RFC 6749 4.1.2 and 4.2.2, 9207)."""

from typing import Any

import pytest

from flask_oauth_gateway.signals import authorization_denied, authorization_granted, token_issued
from tests.support.app import recorded
from tests.support.site import (
    BOTH,
    ISSUER,
    READ,
    REDIRECT_URI,
    VERIFIER,
    Page,
    Site,
    answer,
    assert_page_headers,
    error_page,
    granted,
    location,
    query,
    refused,
)

STATE = "a b&c=d\"<'é%20+#?/日本"
STORED_URI = "https://app.example/cb?kept=%7Ea%2fb;c&x=%5b1%5D"


def test_a_user_approves_and_the_client_gets_a_code_for_it(site: Site) -> None:
    client = site.register()
    response = site.ask(client)
    assert response.status_code == 200
    assert_page_headers(response)
    page = Page(response)
    for told in ("Weather app", "Read the weather", "Change the weather", "Alice", "app.example"):
        assert told in page.text
    with recorded(authorization_granted, site.app) as said:
        found = answer(location(site.send(page)))
    assert set(found) == {"code", "state", "iss"}
    assert (found["state"], found["iss"]) == ("xyz", ISSUER)
    about = {"client_id": client.client_id, "subject": "alice", "scopes": tuple(BOTH.split())}
    assert said == [about | {"asked": True, "detail_types": ()}]
    body = granted(site.redeem(client, found["code"]))
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (body["expires_in"], body["scope"]) == (3600, BOTH)
    assert site.me(body["access_token"]) == {
        "client": client.client_id,
        "subject": "alice",
        "scope": BOTH,
        "grant_type": "authorization_code",
        "user": "Alice",
    }


def test_a_user_refuses_and_the_client_is_told(site: Site) -> None:
    client = site.register()
    with recorded(authorization_denied, site.app) as said, recorded(authorization_granted, site.app) as never:
        where = location(site.send(Page(site.ask(client)), decision="deny"))
    assert refused(where, "access_denied") == "The user refused."
    assert answer(where)["state"] == "xyz"
    assert said == [{"client_id": client.client_id, "subject": "alice", "reason": "denied"}]
    assert not never
    assert location(site.ask(client, prompt="none"))  # nothing was granted by it
    refused(location(site.ask(client, prompt="none")), "consent_required")


@pytest.mark.parametrize(("response_mode", "part"), [(None, "query"), ("query", "query"), ("fragment", "fragment")])
def test_state_and_issuer_come_back_as_they_are_with_a_code_and_with_an_error(
    site: Site, response_mode: str | None, part: str
) -> None:
    client = site.register(redirect_uris=[REDIRECT_URI, STORED_URI])
    for uri in client.redirect_uris:
        place: dict[str, Any] = {"redirect_uri": uri, "part": part}
        sent = {"state": STATE, "redirect_uri": uri, "response_mode": response_mode}
        found = answer(site.approve(client, **sent), **place)
        assert (found["state"], found["iss"]) == (STATE, ISSUER)
        where = location(site.ask(client, **sent, scope="nope"))
        assert answer(where, **place)["state"] == STATE
        refused(where, "invalid_scope", **place)


def test_without_a_state_none_comes_back(site: Site) -> None:
    client = site.register()
    assert set(answer(site.approve(client, state=None))) == {"code", "iss"}
    assert set(answer(site.approve(client, state=""))) == {"code", "iss"}
    assert "state" not in answer(location(site.ask(client, state=None, scope="nope")))


def test_form_post_hands_the_answer_over_in_a_form_that_needs_no_script(site: Site) -> None:
    client = site.register()
    response = site.send(Page(site.ask(client, response_mode="form_post", state=STATE)))
    page = Page(response)
    assert_page_headers(response)
    assert "Location" not in response.headers
    assert page.actions == [REDIRECT_URI]
    assert (page.hidden("state"), page.hidden("iss"), len(page.fields)) == (STATE, ISSUER, 3)
    assert granted(site.redeem(client, page.hidden("code")))["scope"] == BOTH
    refusal = Page(site.ask(client, response_mode="form_post", state=STATE, scope="nope"))
    assert refusal.actions == [REDIRECT_URI]
    assert {name for name, _ in refusal.fields} == {"error", "error_description", "state", "iss"}
    assert (refusal.hidden("error"), refusal.hidden("state")) == ("invalid_scope", STATE)


def test_an_implicit_answer_is_in_the_fragment_unless_a_form_was_asked_for(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    with recorded(token_issued, site.app) as issued:
        found = answer(site.approve(client, response_type="token"), part="fragment")
    assert set(found) == {"access_token", "token_type", "expires_in", "scope", "state", "iss"}
    assert (found["token_type"], found["expires_in"], found["scope"]) == ("Bearer", "3600", BOTH)
    assert [said["grant_type"] for said in issued] == ["implicit"]
    assert site.me(found["access_token"])["subject"] == "alice"
    form = Page(site.ask(client, response_type="token", response_mode="form_post"))
    assert site.me(form.hidden("access_token"))["subject"] == "alice"
    where = location(site.ask(client, response_type="token", scope="nope"))
    refused(where, "invalid_scope", part="fragment")


def test_the_request_may_come_as_a_form_too(site: Site) -> None:
    client = site.register()
    response = site.browser.post("/oauth/authorize", data=query(client, state=STATE))
    found = answer(location(site.send(Page(response))))
    assert found["state"] == STATE
    granted(site.redeem(client, found["code"]))
    twice = site.browser.post("/oauth/authorize?client_id=x", data=query(client))
    error_page(twice, "invalid_request")
    wrong_type = site.browser.post("/oauth/authorize", json=query(client))
    error_page(wrong_type, "invalid_request")
    too_large = site.browser.post("/oauth/authorize", data=query(client, state="x" * 200_000))
    error_page(too_large, "invalid_request", 413)


def test_an_unknown_or_disabled_client_is_told_to_the_user_alone(site: Site) -> None:
    client = site.register()
    for client_id in ("nobody", "é", "x" * 3000, "'; drop table oauth_client;--", "<script>alert(1)</script>"):
        page = error_page(site.ask(client, client_id=client_id), "invalid_client")
        assert client_id not in page or len(client_id) == 1
    for client_id in (None, ""):
        error_page(site.ask(client, client_id=client_id), "invalid_request")
    shown = Page(site.ask(client))
    site.gateway.clients.update(client.client_id, enabled=False)
    error_page(site.ask(client), "invalid_client")
    error_page(site.send(shown), "invalid_client")
    site.gateway.clients.update(client.client_id, enabled=True)
    assert "code" in answer(location(site.send(shown)))
    site.gateway.clients.delete(client.client_id)
    error_page(site.ask(client), "invalid_client")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_client_or_an_address_that_is_named_twice_is_a_page(site: Site, name: str) -> None:
    client = site.register()
    pairs = [*query(client).items(), (name, query(client)[name])]
    response = site.browser.get("/oauth/authorize", query_string=[*pairs])
    assert name in error_page(response, "invalid_request")


@pytest.mark.parametrize(
    "name",
    ["response_type", "scope", "state", "code_challenge", "code_challenge_method", "response_mode", "prompt",
     "max_age", "login_hint", "foo"],
)  # fmt: skip
def test_any_other_parameter_that_comes_twice_is_an_error_for_the_client(site: Site, name: str) -> None:
    from urllib.parse import urlencode

    client = site.register()
    value = query(client).get(name, "query" if name == "response_mode" else "1")
    pairs = [pair for pair in query(client).items() if pair[0] != name] + [(name, value)] * 2
    where = location(site.browser.get(f"/oauth/authorize?{urlencode(pairs)}"))
    assert f"'{name}' is repeated" in refused(where, "invalid_request")
    assert ("state" in answer(where)) == (name != "state")


def test_a_user_who_refused_may_be_asked_again_and_approve(site: Site) -> None:
    client = site.register()
    location(site.send(Page(site.ask(client)), decision="deny"))
    assert "code" in answer(site.approve(client))


def test_what_is_in_a_request_never_becomes_markup(site: Site) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    client = site.register(client_name=evil, owner=evil, client_uri="https://x.example/?<script>")
    for response in (
        site.ask(client, state=evil, login_hint=evil),
        site.ask(client, client_id=evil),
        site.ask(client, redirect_uri=f"https://evil.example/{evil}"),
        site.ask(client, state=evil, scope="nope", response_mode="form_post"),
    ):
        assert "<script>alert" not in response.text
        assert "<img" not in response.text
    site.people["alice"].name = evil
    assert "<script>alert" not in site.ask(client).text


def test_a_verifier_of_the_same_code_on_the_shortest_and_the_longest_challenge(site: Site) -> None:
    from tests.support.site import challenge_of

    client = site.register()
    for verifier in ("a" * 43, "~._-" * 32, VERIFIER):
        code = site.code(client, scope=READ, code_challenge=challenge_of(verifier))
        assert granted(site.redeem(client, code, code_verifier=verifier))["scope"] == READ
