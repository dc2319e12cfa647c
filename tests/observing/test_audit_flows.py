"""The audit trail of the flows with a person: who let whom have what, who took it back, and what looked like a theft."""

from typing import Any

from tests.support.app import refusal, server_of
from tests.support.databases import sqlite_only
from tests.support.device import decide, poll, start
from tests.support.site import BOTH, DEVICE_CODE, READ, Page, Site, granted


def trail(site: Site, *events: str) -> list[Any]:
    """The entries of these events, the oldest first."""
    rows = server_of(site.app).audit.newest(1000)
    return [row for row in reversed(rows) if row.event in events]


def told(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [(row.event, row.outcome, row.subject, row.details) for row in rows]


def test_an_approval_what_it_gave_and_its_theft_are_written_down(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client, READ)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    ids = [site.gateway.tokens.get(token=one["access_token"]).token_id for one in (tokens, refreshed)]
    rows = trail(site, "authorization_granted", "token_issued", "token_refreshed", "refresh_token_reused")
    events = {row.event: row for row in rows}
    assert sorted(row.event for row in rows) == sorted(events)
    for row in rows:
        assert (row.client_id, row.subject, row.actor, row.address) == (client.client_id, "alice", None, "127.0.0.1")
    assert events["authorization_granted"].details == {"scope": READ, "asked": True}
    for name, token_id, grant_type in zip(
        ("token_issued", "token_refreshed"), ids, ("authorization_code", "refresh_token"), strict=True
    ):
        assert events[name].outcome == "ok"
        assert events[name].details == {"grant_type": grant_type, "scope": READ, "token_id": token_id}
    assert events["refresh_token_reused"].outcome == "invalid_grant"


@sqlite_only
def test_a_refusal_and_a_withdrawal_are_written_down(site: Site) -> None:
    client = site.register()
    site.send(Page(site.ask(client)), decision="deny")
    site.send(Page(site.ask(client)), "")
    site.tokens(client)
    page = Page(site.browser.get("/oauth/applications"))
    site.browser.post(page.actions[0], data={name: page.hidden(name) for name in ("form_token", "client_id")})
    assert told(trail(site, "authorization_denied")) == [
        ("authorization_denied", "access_denied", "alice", {"reason": "denied"}),
        ("authorization_denied", "access_denied", "alice", {"reason": "denied"}),
        ("authorization_denied", "ok", "alice", {"reason": "withdrawn"}),
    ]
    ((_, outcome, subject, details),) = told(trail(site, "token_revoked"))
    assert (outcome, subject, details["by"]) == ("ok", "alice", "the user")


@sqlite_only
def test_who_was_not_asked_is_written_down_as_such(site: Site) -> None:
    client = site.register(skip_consent=True)
    site.tokens(client)
    (row,) = trail(site, "authorization_granted")
    assert row.details == {"scope": BOTH, "asked": False}


@sqlite_only
def test_a_device_and_a_code_that_came_twice_are_written_down(site: Site) -> None:
    client = site.register(grant_types=["device_code", "authorization_code"])
    codes = start(site, client)
    decide(site, codes["user_code"], READ)
    granted(poll(site, client, codes["device_code"]))
    decide(site, start(site, client)["user_code"], decision="deny")
    code = site.code(client)
    granted(site.redeem(client, code))
    refusal(site.redeem(client, code), 400, "invalid_grant")
    assert [row.details["grant_type"] for row in trail(site, "token_issued")] == [DEVICE_CODE, "authorization_code"]
    assert len(trail(site, "authorization_granted")) == 2
    assert len(trail(site, "authorization_denied")) == 1
    assert [row.details["by"] for row in trail(site, "token_revoked")] == ["authorization code used again"]
