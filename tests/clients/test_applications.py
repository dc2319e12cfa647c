"""`gateway.applications`: what a partner has, and that its clients work while it is approved."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import ApplicationInUse, ApplicationNotFound, ClientMetadataError, OAuthGateway, signals
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, is_accepted, recorded, refusal, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.processes import finished, python


def works(client: FlaskClient, registered: Client) -> bool:
    """Whether a client is given a token."""
    response = ask(client, registered)
    if response.status_code == 200:
        return True
    refusal(response, 401, "invalid_client")
    return False


@sqlite_only
def test_an_application_is_made_found_and_changed(gateway: OAuthGateway) -> None:
    made = gateway.applications.create("Weather <GmbH>", owner="alice", attributes={"tier": 1})
    assert len(made.application_id) == 32
    assert (made.name, made.owner, made.status, made.plan) == ("Weather <GmbH>", "alice", "approved", None)
    assert made.attributes == {"tier": 1}
    assert gateway.applications.get(made.application_id) == made
    changed = gateway.applications.update(made.application_id, name="Straße", attributes=None)
    assert (changed.name, changed.owner, changed.attributes) == ("Straße", "alice", {})
    brought = gateway.applications.create("Other", application_id="other.1", status="pending")
    assert (brought.application_id, brought.status) == ("other.1", "pending")
    assert gateway.applications.get("nobody") is None
    assert gateway.applications.get("a\0b") is None


def test_applications_are_found_by_name_status_and_owner_page_by_page(gateway: OAuthGateway) -> None:
    for number in range(5):
        status = "pending" if number % 2 else "approved"
        gateway.applications.create(f"Straße {number} 100%", application_id=f"app-{number}", status=status, owner="o")
    gateway.applications.create("Elsewhere", application_id="else")
    pages, after = [], None
    while not pages or after is not None:
        page = gateway.applications.find("app-", after=after, limit=2)
        pages.append([each.application_id[-1] for each in page.applications])
        after = page.next
    assert pages == [["0", "1"], ["2", "3"], ["4"]]
    for text, filters, found in (
        ("STRASSE", {}, "01234"),
        ("100%", {"status": "pending"}, "13"),
        ("%", {"owner": "nobody"}, ""),
        ("\0", {"status": "approved"}, "024e"),
        ("pp-1", {}, ""),
    ):
        page = gateway.applications.find(text, **filters)
        assert "".join(each.application_id[-1] for each in page.applications) == found, text
    with pytest.raises(ValueError, match="after is"):
        gateway.applications.find(after="x")


@sqlite_only
def test_what_can_t_be_is_refused_in_words(gateway: OAuthGateway) -> None:
    gateway.applications.create("There", application_id="there")
    for given, why in (
        ({"name": ""}, "name is"),
        ({"name": "a\nb"}, "name is"),
        ({"name": "x" * 256}, "name is"),
        ({"name": "A", "owner": ""}, "owner is"),
        ({"name": "A", "plan": "gold"}, "not in OAUTH_PLANS"),
        ({"name": "A", "attributes": [1]}, "attributes is a JSON object"),
        ({"name": "A", "status": "perhaps"}, "status is one of"),
        ({"name": "A", "application_id": "a/b"}, "application_id is"),
        ({"name": "A", "application_id": "there"}, "already"),
    ):
        with pytest.raises(ClientMetadataError, match=why):
            gateway.applications.create(**given)
    with pytest.raises(ClientMetadataError, match="colour"):
        gateway.applications.update("there", colour="blue")
    for act in (gateway.applications.approve, gateway.applications.revoke, gateway.applications.delete):
        with pytest.raises(ApplicationNotFound):
            act("nobody")
    with pytest.raises(ApplicationNotFound):
        gateway.applications.update("nobody", name="A")
    for application in ("nobody", "\0", 5):
        with pytest.raises(ClientMetadataError, match="There is no application"):
            gateway.clients.create(application=application)
    assert len(gateway.applications.find().applications) == 1
    assert gateway.clients.list() == []


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_its_clients_and_their_tokens_work_while_it_is_approved_and_one_that_is_disabled_stays_so(
    make_app: MakeApp, token_format: str
) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    mine = gateway.applications.create("Mine", status="pending").application_id
    one, two = (register(app, application=mine, client_name=name) for name in "ab")
    stranger = register(app)
    assert not works(client, one)
    gateway.applications.approve(mine)
    tokens = [token_for(client, each)["access_token"] for each in (one, two, stranger)]
    gateway.clients.update(two.client_id, enabled=False)
    assert [is_accepted(client, token) for token in tokens] == [True, False, True]

    gateway.applications.revoke(mine)
    assert [is_accepted(client, token) for token in tokens] == [False, False, True]
    assert [works(client, each) for each in (one, two, stranger)] == [False, False, True]
    gateway.clients.update(one.client_id, enabled=True, client_name="It can't switch itself on")
    assert not works(client, one)
    gateway.applications.revoke(mine)  # once more changes nothing

    gateway.applications.approve(mine)
    assert [is_accepted(client, token) for token in tokens] == [True, False, True]
    assert [works(client, each) for each in (one, two, stranger)] == [True, False, True]
    gateway.applications.revoke(mine)
    gateway.clients.update(two.client_id, enabled=True)
    assert not is_accepted(client, tokens[1])
    gateway.applications.approve(mine)
    assert is_accepted(client, tokens[1])


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_client_that_moves_is_what_its_new_application_lets_it_be(make_app: MakeApp, token_format: str) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    good = gateway.applications.create("Good").application_id
    ended = gateway.applications.create("Ended", status="revoked").application_id
    mover = register(app)
    token = token_for(client, mover)["access_token"]
    for application, accepted in ((good, True), (ended, False), (None, True), (ended, False), ("", True)):
        moved = gateway.clients.update(mover.client_id, application=application)
        assert (moved.application, moved.enabled) == (application or None, accepted)
        assert is_accepted(client, token) is accepted
        assert works(client, mover) is accepted
    gateway.clients.update(mover.client_id, application=good, enabled=False)
    assert gateway.clients.get(mover.client_id).switched_on is False
    with pytest.raises(ClientMetadataError, match="There is no application"):
        gateway.clients.update(mover.client_id, application="nobody")
    assert [each.client_id for each in gateway.clients.list(good)] == [mover.client_id]
    assert [each.client_id for each in gateway.clients.find(application=good).clients] == [mover.client_id]
    assert gateway.clients.find(application=ended).clients == []
    assert gateway.clients.find(application="nobody").clients == []


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_one_with_clients_is_deleted_with_them_or_not_at_all(make_app: MakeApp, token_format: str) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    mine = gateway.applications.create("Mine").application_id
    one, stranger = register(app, application=mine), register(app)
    tokens = [token_for(client, each)["access_token"] for each in (one, stranger)]
    with pytest.raises(ApplicationInUse, match="has a client"):
        gateway.applications.delete(mine)
    assert is_accepted(client, tokens[0])
    with recorded(signals.client_changed, app) as told:
        gateway.applications.delete(mine, with_clients=True)
    assert [(each["client_id"], each["change"]) for each in told] == [(one.client_id, "delete")]
    assert [is_accepted(client, token) for token in tokens] == [False, True]
    assert [each.client_id for each in gateway.clients.list()] == [stranger.client_id]
    assert gateway.applications.get(mine) is None
    empty = gateway.applications.create("Empty").application_id
    gateway.applications.delete(empty)
    assert gateway.applications.get(empty) is None


@sqlite_only
def test_signals_and_the_audit_trail_say_what_was_done(app: Flask, gateway: OAuthGateway) -> None:
    with recorded(signals.application_created, app) as made, recorded(signals.application_changed, app) as changed:
        mine = gateway.applications.create("Mine", status="pending").application_id
        gateway.applications.update(mine, owner="bob", name="Ours")
        gateway.applications.approve(mine)
        gateway.applications.revoke(mine)
        gateway.applications.delete(mine)
    by = "command line or code"
    assert made == [{"application_id": mine, "actor": by}]
    assert [each["change"] for each in changed] == ["update", "approve", "revoke", "delete"]
    assert changed[0] == {"application_id": mine, "change": "update", "fields": ["name", "owner"], "actor": by}
    entries = server_of(app).audit.newest(5)[::-1]
    assert [(each.event, each.actor, each.details["application_id"]) for each in entries] == [
        (event, by, mine) for event in ("application_created", *["application_changed"] * 4)
    ]
    assert [each.details.get("change") for each in entries] == [None, "update", "approve", "revoke", "delete"]


@sqlite_only
def test_a_change_by_another_process_while_a_client_is_switched_on_is_not_lost(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, other = make_app(), make_app()
    gateway, elsewhere = app.extensions["oauth_gateway"], other.extensions["oauth_gateway"]
    mine = gateway.applications.create("Mine").application_id
    one = register(app, application=mine)
    gateway.clients.update(one.client_id, enabled=False)
    store = server_of(app).clients
    load = store.load

    def revoked_meanwhile(client_id: str) -> Any:
        found = load(client_id)
        monkeypatch.setattr(store, "load", load)
        elsewhere.applications.revoke(mine)
        return found

    monkeypatch.setattr(store, "load", revoked_meanwhile)
    changed = gateway.clients.update(one.client_id, enabled=True)
    assert (changed.switched_on, changed.enabled) == (True, False)
    assert not works(app.test_client(), one)


def test_another_process_follows_for_jwts_when_it_next_reads_the_marks(make_app: MakeApp, clock: Clock) -> None:
    here, there = (make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=5) for _ in range(2))
    gateway, client = here.extensions["oauth_gateway"], there.test_client()
    mine = gateway.applications.create("Mine").application_id
    one, off = register(here, application=mine), register(here, application=mine)
    tokens = [token_for(client, each)["access_token"] for each in (one, off)]
    gateway.clients.update(off.client_id, enabled=False)
    for act, accepted in ((gateway.applications.revoke, False), (gateway.applications.approve, True)):
        act(mine)
        clock.advance(6)
        assert [is_accepted(client, token) for token in tokens] == [accepted, False]


ISSUING = """
import json, sys
from tests.support.app import ask, build_app, close_app, is_accepted

config, client_id, client_secret, token = json.loads(sys.argv[1])
app = build_app(**config)
registered = type("Registered", (), {"client_id": client_id, "client_secret": client_secret})
client = app.test_client()
for _ in sys.stdin:
    print(json.dumps([ask(client, registered).status_code, is_accepted(client, token)]), flush=True)
close_app(app)
"""


def test_what_one_process_revokes_another_refuses_at_once_though_it_remembers_the_client(
    make_app: MakeApp, database_uri: str, tmp_path: Path
) -> None:
    config = {"instance_path": str(tmp_path), "OAUTH_DATABASE_URI": database_uri, "OAUTH_RATE_LIMITS": None}
    app = make_app(**config)
    gateway = app.extensions["oauth_gateway"]
    mine = gateway.applications.create("Mine").application_id
    one = register(app, application=mine)
    token = token_for(app.test_client(), one)["access_token"]
    sent = json.dumps([config, one.client_id, one.client_secret, token])
    process = python("-c", ISSUING, sent, stdin=subprocess.PIPE)

    def look() -> list[Any]:
        """What the other process says now to the client and to its token."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        return list(json.loads(process.stdout.readline()))

    for act, expected in (
        (None, [200, True]),
        (gateway.applications.revoke, [401, False]),
        (gateway.applications.approve, [200, True]),
    ):
        if act:
            act(mine)
        assert [look() for _ in range(4)] == [expected] * 4
    finished(process)


PLANS = {"free": {"attributes": {"tier": "free", "from": "plan"}, "quota": "1/day"}, "full": {"quota": "9/day"}}


@sqlite_only
@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_its_plan_and_attributes_count_where_a_client_has_none_of_its_own(make_app: MakeApp, token_format: str) -> None:
    app = make_app(OAUTH_PLANS=PLANS, OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    attributes = {"from": "application", "region": "eu", "sub": "never"}
    mine = gateway.applications.create("Mine", plan="free", attributes=attributes).application_id
    one = register(app, application=mine)
    token = token_for(client, one)["access_token"]

    def asked() -> tuple[int, Any]:
        response = client.get("/weather", headers={"Authorization": f"Bearer {token}"})
        return response.status_code, response.headers.get("RateLimit-Limit")

    def shown() -> dict[str, Any]:
        said = client.post("/oauth/tokeninfo", data={"access_token": token}).get_json()
        return {name: said.get(name) for name in ("tier", "from", "region", "sub")}

    assert shown() == {"tier": "free", "from": "application", "region": "eu", "sub": None}
    assert [asked(), asked()] == [(200, "1"), (429, "1")]
    gateway.clients.update(one.client_id, plan="full", attributes={"from": "client"})
    assert asked() == (200, "9")
    assert shown() == {"tier": None, "from": "client", "region": "eu", "sub": None}
    gateway.clients.update(one.client_id, plan=None, attributes=None)
    gateway.applications.update(mine, plan="full", attributes=None)
    assert asked() == (200, "9")
    assert shown()["from"] is None
    gateway.applications.update(mine, plan="")
    assert asked() == (200, None)


@sqlite_only
def test_scopes_beyond_its_plan_are_not_given(make_app: MakeApp) -> None:
    app = make_app(OAUTH_PLANS={"read": {"scopes": ["weather:read"]}})
    gateway = app.extensions["oauth_gateway"]
    one = register(app, application=gateway.applications.create("Mine", plan="read").application_id)
    refusal(ask(app.test_client(), one, scope="weather:write"), 400, "invalid_scope")
    assert token_for(app.test_client(), one)["scope"] == "weather:read"
