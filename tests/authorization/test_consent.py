"""What a user is asked, what the answer means, and when they are asked again."""

import time
from typing import Any

import pytest
from sqlalchemy import text

from flask_oauth_gateway.stores.registered_client import DOCUMENT, REGISTRATION
from tests.support.app import refusal, server_of
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import BOTH, READ, REDIRECT_URI, WRITE, MakeSite, Page, Site, answer, granted, location, refused
from tests.support.stored import database_of
from tests.support.stranger import make_stranger

DAY = 86400


def test_who_granted_something_is_not_asked_for_it_again(site: Site) -> None:
    client, other = site.register(), site.register()
    site.approve(client, scope=READ)
    assert "code" in answer(location(site.ask(client, scope=READ)))
    page = Page(site.ask(client))
    assert list(page.boxes) == [WRITE]
    assert site.redeem(client, answer(location(site.send(page)))["code"]).get_json()["scope"] == BOTH
    assert "code" in answer(location(site.ask(client)))
    assert list(Page(site.ask(other)).boxes) == [READ, WRITE]  # another client
    site.person = "bob"
    assert list(Page(site.ask(client)).boxes) == [READ, WRITE]  # another user
    with site.app.app_context():
        kept = server_of(site.app).consents
        assert [(row.client_id, set(row.scope.split())) for row in kept.of_subject("alice")] == [
            (client.client_id, set(BOTH.split()))
        ]


def test_a_scope_that_was_unticked_is_not_in_the_token_and_is_asked_again_next_time(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client, READ)
    assert tokens["scope"] == READ
    assert site.me(tokens["access_token"])["scope"] == READ
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert refreshed["scope"] == READ
    refusal(site.refresh(client, refreshed["refresh_token"], scope=BOTH), 400, "invalid_scope")
    page = Page(site.ask(client))
    assert list(page.boxes) == [WRITE]
    # unticked once more: what was granted before still stands
    assert granted(site.redeem(client, answer(location(site.send(page, "")))["code"]))["scope"] == READ


@sqlite_only
def test_who_unticks_everything_has_refused(site: Site) -> None:
    client = site.register()
    refused(location(site.send(Page(site.ask(client)), "")), "access_denied")
    assert list(Page(site.ask(client)).boxes) == [READ, WRITE]


@sqlite_only
def test_a_scope_that_nobody_asked_for_can_t_be_ticked(site: Site) -> None:
    client = site.register(scope=READ)
    page = Page(site.ask(client))
    data = [
        ("decision", "allow"),
        ("scope", READ),
        ("scope", WRITE),
        ("asked", WRITE),
        ("scope", "admin"),
        *page.fields,
    ]
    response = site.browser.post(page.action, data=as_form(data))
    assert granted(site.redeem(client, answer(location(response))["code"]))["scope"] == READ


@sqlite_only
def test_a_required_scope_is_granted_with_the_rest_or_not_at_all(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REQUIRED_SCOPES=[READ])
    client = site.register()
    page = Page(site.ask(client))
    assert page.boxes == {READ: False, WRITE: True}
    where = location(site.send(page, ""))
    assert granted(site.redeem(client, answer(where)["code"]))["scope"] == READ
    refused(location(site.send(Page(site.ask(client, prompt="consent")), BOTH, decision="deny")), "access_denied")
    # one that wasn't asked for isn't given either
    assert granted(site.redeem(client, site.code(client, scope=WRITE)))["scope"] == WRITE


@sqlite_only
def test_prompt_consent_asks_for_everything_again_and_the_new_answer_counts(site: Site) -> None:
    client = site.register()
    site.approve(client)
    page = Page(site.ask(client, prompt="consent"))
    assert list(page.boxes) == [READ, WRITE]
    assert granted(site.redeem(client, answer(location(site.send(page, READ)))["code"]))["scope"] == READ
    assert list(Page(site.ask(client)).boxes) == [WRITE]


@sqlite_only
def test_a_client_of_the_owner_s_own_is_never_asked_for_save_where_it_asks_to_be(site: Site) -> None:
    client = site.register(skip_consent=True)
    assert "code" in answer(location(site.ask(client)))
    assert "code" in answer(location(site.ask(client, prompt="none")))
    assert Page(site.ask(client, prompt="consent")).boxes


@sqlite_only
def test_the_app_may_approve_by_itself(site: Site) -> None:
    client, other = site.register(), site.register()
    seen = []

    @site.gateway.approve
    def approve(authorization: Any) -> bool:
        seen.append((authorization.client.client_id, authorization.scopes, authorization.redirect_uri))
        return bool(authorization.client.client_id == client.client_id)

    assert "code" in answer(location(site.ask(client, scope=READ, prompt="none")))
    assert seen == [(client.client_id, (READ,), REDIRECT_URI)]
    assert Page(site.ask(other)).boxes


@sqlite_only
@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb"]
)
def test_a_public_client_that_any_program_could_pretend_to_be_is_always_asked_for(site: Site, uri: str) -> None:
    site.gateway.approve(lambda _: True)
    native = site.register_public(redirect_uris=[uri], skip_consent=True)
    for _ in range(2):
        assert list(Page(site.ask(native, redirect_uri=uri)).boxes) == [READ, WRITE]
        refused(location(site.ask(native, redirect_uri=uri, prompt="none")), "consent_required", redirect_uri=uri)
        assert "code" in answer(site.approve(native, redirect_uri=uri), uri)
    site.gateway.hooks.approve = None
    for client, where in (
        (site.register_public(), REDIRECT_URI),  # nobody else answers at its https address
        (site.register(redirect_uris=[uri]), uri),  # it has a secret
    ):
        site.approve(client, redirect_uri=where)
        assert "code" in answer(location(site.ask(client, redirect_uri=where)), where)


@sqlite_only
@pytest.mark.parametrize("origin", [REGISTRATION, DOCUMENT])
def test_a_client_that_nobody_here_registered_never_gets_past_the_page_by_anybody_s_word_but_the_user_s(
    site: Site, origin: str
) -> None:
    site.gateway.approve(lambda _: True)
    for owned in (site.register(skip_consent=True), site.register_public(skip_consent=True)):
        client = make_stranger(site.app, owned, origin)
        refused(location(site.ask(client, prompt="none")), "consent_required")
        page = Page(site.ask(client))
        assert "This application was not checked by us." in page.text
        assert "Any program on this device" not in page.text
        assert "code" in answer(location(site.send(page)))
        assert "code" in answer(location(site.ask(client)))  # this user allowed exactly this client exactly this
        site.person = "bob"
        assert Page(site.ask(client)).boxes
        site.person = "alice"
        other = make_stranger(site.app, site.register(client_name=client.client_name, skip_consent=True), origin)
        assert Page(site.ask(other)).boxes


@sqlite_only
def test_one_that_any_program_on_the_machine_could_pretend_to_be_is_asked_for_each_time_with_a_secret_too(
    site: Site,
) -> None:
    uris = ["http://localhost/cb", "com.example.app:/cb", REDIRECT_URI]
    client = make_stranger(site.app, site.register(redirect_uris=uris), DOCUMENT)
    for uri in ("http://localhost:50001/cb", "com.example.app:/cb"):
        for _ in range(2):
            page = Page(site.ask(client, redirect_uri=uri))
            assert "Any program on this device could pretend to be this application." in page.text
            assert "code" in answer(location(site.send(page)), uri)
            refused(location(site.ask(client, redirect_uri=uri, prompt="none")), "consent_required", redirect_uri=uri)
    assert "code" in answer(location(site.ask(client)))  # at an https address nobody else answers


@sqlite_only
def test_this_time_only_gives_no_refresh_token_and_is_asked_again(make_site: MakeSite) -> None:
    site = make_site(OAUTH_CONSENT_DURATIONS=["once", 30 * DAY, "always"])
    client = site.register()
    assert Page(site.ask(client)).durations == ["once", str(30 * DAY), "always"]
    for duration in ("once", "", "forever", "999999999"):  # what isn't offered is the least that is
        code = answer(site.approve(client, duration=duration))["code"]
        tokens = granted(site.redeem(client, code))
        assert "refresh_token" not in tokens
        assert site.is_live(tokens["access_token"])
    assert Page(site.ask(client)).boxes


@sqlite_only
def test_thirty_days_end_all_of_it_after_thirty_days(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_CONSENT_DURATIONS=[30 * DAY, "always"], OAUTH_REFRESH_TOKEN_LIFETIME=365 * DAY)
    client = site.register()
    tokens = site.tokens(client, duration=str(30 * DAY))
    clock.advance(29.9 * DAY)
    assert "code" in answer(location(site.ask(client)))
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    clock.advance(0.09 * DAY)
    last = granted(site.refresh(client, refreshed["refresh_token"]))
    assert last["expires_in"] < 900  # never beyond what the user said
    clock.advance(0.02 * DAY)
    assert not site.is_live(last["access_token"])
    refusal(site.refresh(client, last["refresh_token"]), 400, "invalid_grant")
    assert list(Page(site.ask(client)).boxes) == [READ, WRITE]


@sqlite_only
def test_until_it_is_taken_back_lasts(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_CONSENT_DURATIONS=["once", "always"])
    client = site.register()
    assert "refresh_token" in site.tokens(client, duration="always")
    clock.advance(3 * 365 * DAY)
    assert "code" in answer(location(site.ask(client)))


@sqlite_only
def test_an_hour_is_offered_as_an_hour_and_the_token_of_it_lives_no_longer(make_site: MakeSite) -> None:
    site = make_site(OAUTH_CONSENT_DURATIONS=[600], OAUTH_ACCESS_TOKEN_LIFETIME=3600)
    tokens = site.tokens(site.register())
    assert 590 <= tokens["expires_in"] <= 600


@sqlite_only
def test_a_request_for_no_scope_gets_the_default_and_says_which(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DEFAULT_SCOPES=[READ])
    assert list(Page(site.ask(site.register())).boxes) == [READ]
    assert list(Page(site.ask(site.register(default_scope=WRITE))).boxes) == [WRITE]


@sqlite_only
def test_offline_access_is_asked_for_and_without_it_there_is_no_refresh_token(site: Site) -> None:
    client = site.register()
    scope = f"{READ} offline_access"
    assert list(Page(site.ask(client, scope=scope)).boxes) == [READ, "offline_access"]
    assert "refresh_token" in site.tokens(client, scope=scope)
    assert "refresh_token" not in site.tokens(site.register(), READ, scope=scope)
    plain = site.register(grant_types=["authorization_code"])
    assert list(Page(site.ask(plain, scope=scope)).boxes) == [READ]
    assert "refresh_token" not in site.tokens(plain, scope=scope)


@sqlite_only
def test_when_it_was_granted_is_kept(site: Site) -> None:
    client = site.register()
    before = int(time.time())
    site.approve(client)
    with site.app.app_context():
        (row,) = server_of(site.app).consents.of_subject("alice")
    assert before <= row.granted_at <= time.time()
    assert row.expires_at is None


def as_form(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def test_a_consent_is_for_the_resources_that_the_token_was_for(make_site: MakeSite) -> None:
    notes, mail = "https://api.example/notes", "https://api.example/mail"
    site = make_site(OAUTH_RESOURCES={"/notes": notes, "/mail": mail})
    client = site.register()
    site.approve(client, resource=notes)
    assert "code" in answer(location(site.ask(client, scope=READ, resource=notes)))
    assert list(Page(site.ask(client, scope=READ, resource=mail)).boxes) == [READ], "the other resource"
    assert list(Page(site.ask(client, scope=READ)).boxes) == [READ], "without a name the token is for all of them"
    site.approve(client, scope=READ, resource=mail)
    assert "code" in answer(location(site.ask(client, resource=notes))), "what was allowed there still is"
    page = Page(site.ask(client, resource=mail))
    assert list(page.boxes) == [WRITE], "allowed for the notes alone"
    site.send(page, "")
    assert "code" in answer(location(site.ask(client, resource=notes))), "refused for the mail alone"
    # a consent of before resources were kept holds for any
    database_of(site.app).run(text("UPDATE oauth_consent SET by_resource = NULL"))
    assert "code" in answer(location(site.ask(client, resource=mail)))
