"""Expired rows go in batches, beside traffic; what lives stays."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from flask_oauth_gateway.database.purge import EXPIRING
from flask_oauth_gateway.database.tables import access_token, audit, metadata
from tests.support import personal
from tests.support.app import server_of, token_for
from tests.support.client_documents import named
from tests.support.clock import Clock
from tests.support.pushing import push
from tests.support.site import DEVICE_CODE, MakeSite, error_page
from tests.support.stored import audit_of, database_of, register, status_with, tokens_of

EXPIRED = 1000


def fill(app: Flask, client: int, expires_at: int, rows: int) -> None:
    values: list[dict[str, Any]] = [
        {
            "token_hash": secrets.token_bytes(32), "client": client, "scope": "weather:read",
            "grant_type": "client_credentials", "issued_at": 1, "expires_at": expires_at,
        }
        for _ in range(rows)
    ]  # fmt: skip
    with database_of(app).transaction() as connection:
        connection.execute(access_token.insert(), values)


def tokens_left(app: Flask) -> int:
    with database_of(app).engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(access_token)) or 0


def test_what_has_expired_goes_and_nothing_else(app: Flask) -> None:
    registered = register(app)
    now = int(time.time())
    token = token_for(app.test_client(), registered)["access_token"]
    fill(app, registered.key, now - 5, 25)
    fill(app, registered.key, now + 60, 3)
    audit_of(app).flush()
    assert tokens_of(app).purge(batch=10) == 25
    assert tokens_of(app).purge(batch=10) == 0
    assert tokens_left(app) == 4
    assert status_with(app, token) == 200
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 2, "the audit trail stays"


def test_two_purges_beside_traffic(app: Flask) -> None:
    """As when two machines have the same cron job."""
    registered = register(app)
    fill(app, registered.key, int(time.time()) - 5, EXPIRED)
    deleting = [True]

    def traffic(_: int) -> list[str]:
        client, tokens = app.test_client(), []
        while deleting[0] or len(tokens) < 5:
            tokens.append(token_for(client, registered)["access_token"])
            assert status_with(app, tokens[-1]) == 200
        return tokens

    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(traffic, number) for number in range(4)]
        purges = [pool.submit(tokens_of(app).purge, batch=50) for _ in range(2)]
        try:
            gone = sum(purge.result() for purge in purges)
        finally:
            deleting[0] = False
        issued = [token for work in working for token in work.result()]
    assert gone == EXPIRED, "each row counts once"
    assert tokens_left(app) == len(issued)
    assert {status_with(app, token) for token in issued[:20]} == {200}


def test_the_tokens_of_a_deleted_client_go_when_they_expire(app: Flask) -> None:
    registered = register(app)
    fill(app, registered.key, int(time.time()) - 5, 3)
    app.extensions["oauth_gateway"].clients.delete(registered.client_id)
    assert tokens_of(app).purge() == 3


def test_every_table_that_grows_is_purged(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(
        OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_OIDC=True, OAUTH_CLIENT_ID_METADATA=True, OAUTH_PAR=True, **personal.ON
    )
    error_page(site.ask(named("https://127.0.0.1:1/nobody")), "invalid_client")  # a document that can't be read
    server_of(site.app).registration_tokens.make("", scope=None, owner=None, uses=1, expires_at=None)
    application = site.gateway.applications.create("Partner").application_id
    client, opaque = site.register(application=application), site.register(access_token_format="opaque")
    device = site.register(grant_types=[DEVICE_CODE])
    site.post(device, "/oauth/device_authorization")
    for each in (client, opaque):
        site.refresh(each, site.tokens(each)["refresh_token"])
    push(site, client)
    personal.make(site)
    told = site.register(scope="openid", backchannel_logout_uri="https://app.example/logout")
    site.code(told, scope="openid")
    server_of(site.app).openid.backchannel_logout.by_itself = False  # it would send the logout, and give it up
    server_of(site.app).openid.sessions.end(subject="alice")
    site.code(told, scope="openid")
    site.gateway.tokens.revoke(subject="alice")
    server_of(site.app).once.claim(b"x" * 32, int(time.time()) + 60)
    server_of(site.app).key_ring.rotate()
    server_of(site.app).audit.flush()  # what waits would be written while it is counted
    engine = database_of(site.app).engine

    def rows() -> dict[str, int]:
        with engine.connect() as connection:
            count = select(func.count())
            return {table.name: connection.scalar(count.select_from(table)) or 0 for table in metadata.sorted_tables}

    grow = {table.name for table in EXPIRING} | {"oauth_key"}
    before = rows()
    assert all(before.values()), before
    registry = {
        "oauth_application", "oauth_client", "oauth_client_secret", "oauth_consent", "oauth_registration_token",
    }  # fmt: skip
    kept = registry | {
        "oauth_audit",
        "oauth_audit_head",
        "oauth_epoch",
        "oauth_schema",
    }  # of epochs there are 256 at most
    assert set(before) == grow | kept, "a new table is purged, or named here"
    clock.advance(100 * 86400)
    with site.app.app_context():
        assert site.gateway.tokens.purge(batch=1) == sum(before[name] for name in grow) - 1
    after = rows()
    assert {name for name in grow if after[name]} == {"oauth_key"}, "the newest key, which goes on signing"
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_old_entries_of_the_audit_trail_go_where_that_is_asked_for_and_the_chain_holds(
    app: Flask, clock: Clock
) -> None:
    store, tokens = audit_of(app), tokens_of(app)

    def write(number: int) -> None:
        for each in range(number):
            store.add({"at": int(time.time()), "event": f"event {each}", "outcome": "ok"})

    def events() -> list[str]:
        return [row.event for row in reversed(store.newest(100))]

    write(7)
    clock.advance(10 * 86400)
    write(3)
    assert tokens.purge() == 0
    assert tokens.purge(audit_older_than=timedelta(days=11)) == 0
    assert tokens.purge(audit_older_than=timedelta(days=5), batch=2) == 7
    assert events() == ["event 0", "event 1", "event 2", "audit_trimmed"]
    assert store.verify().findings == []
    clock.advance(10 * 86400)
    write(1)
    assert tokens.purge(audit_older_than=5 * 86400, batch=100) == 4
    assert events() == ["event 0", "audit_trimmed"]
    assert store.verify().findings == []
    clock.advance(86400)
    write(2)
    with database_of(app).transaction() as connection:
        connection.execute(audit.delete().where(audit.c.event == "audit_trimmed"))
    assert {finding.what for finding in store.verify().findings} == {"was deleted"}, "only the note makes it good"


def test_an_entry_put_in_before_the_trimmed_ones_is_found(app: Flask, clock: Clock) -> None:
    store = audit_of(app)
    for number in range(4):
        store.add({"at": int(time.time()) + number, "event": "event", "outcome": "ok"})
    clock.advance(100)
    store.add({"at": int(time.time()), "event": "event", "outcome": "ok"})
    assert tokens_of(app).purge(audit_older_than=50) == 4
    with database_of(app).transaction() as connection:
        connection.execute(audit.insert(), {"id": 2, "at": 1, "event": "forged", "outcome": "ok", "hash": b"x" * 32})
    assert [finding.first for finding in store.verify().findings] == [1]
