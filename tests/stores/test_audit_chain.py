"""The audit trail's chain: what was changed, deleted or put in afterwards is found, and named."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update

from flask_oauth_gateway.database.tables import audit, audit_head
from tests.support.app import token_for
from tests.support.audit import entry
from tests.support.databases import sqlite_only
from tests.support.processes import finished, python
from tests.support.stored import audit_of, database_of, register, tokens_of

ROWS = 6


def found(app: Flask) -> list[str]:
    """What is wrong with the trail, in words."""
    return [f"{each.first}-{each.last} {each.what}" for each in audit_of(app).verify().findings]


def strangers(number: int) -> dict[str, Any]:
    return {**entry(number), "event": "forged", "id": number, "hash": bytes(32)}


CHANGED, DELETED = "was changed or put in, or follows one that was", "was deleted"
TAMPERED: dict[str, tuple[list[Any], list[str]]] = {
    "a value": ([update(audit).where(audit.c.id == 3).values(subject="bob")], [f"3-3 {CHANGED}"]),
    "details": ([update(audit).where(audit.c.id == 1).values(details={})], [f"1-1 {CHANGED}"]),
    "a hash": ([update(audit).where(audit.c.id == 4).values(hash=bytes(32))], [f"4-4 {CHANGED}"]),
    "several": ([update(audit).where(audit.c.id.in_([2, 3, 5])).values(at=0)], [f"2-3 {CHANGED}", f"5-5 {CHANGED}"]),
    "one gone": ([delete(audit).where(audit.c.id == 2)], [f"2-2 {DELETED}"]),
    "the first gone": ([delete(audit).where(audit.c.id < 3)], [f"1-2 {DELETED}"]),
    "the end gone": ([delete(audit).where(audit.c.id > 4)], [f"5-6 {DELETED}"]),
    "all gone": ([delete(audit)], [f"1-6 {DELETED}"]),
    "what a search goes by": ([update(audit).where(audit.c.id == 3).values(client_hash=1)], [f"3-3 {CHANGED}"]),
    "one put in": ([insert(audit).values(strangers(7))], ["7-7 was put in"]),
    "one replaced": (
        [delete(audit).where(audit.c.id == 5), insert(audit).values(strangers(5))],
        [f"5-6 {CHANGED}"],
    ),
    "renumbered": (
        [delete(audit).where(audit.c.id == 6), update(audit).where(audit.c.id == 5).values(id=6)],
        [f"5-5 {DELETED}"],
    ),
    "the end gone, the head moved back": (
        [delete(audit).where(audit.c.id > 4), update(audit_head).values(last=4)],
        ["4-4 is not what the head was written for"],
    ),
    "the head gone": ([delete(audit_head)], ["1-6 has no head"]),
}


def test_whatever_was_done_to_the_trail_is_named_and_it_goes_on(app: Flask) -> None:
    store = audit_of(app)
    for what, (statements, findings) in TAMPERED.items():
        for number in range(1, ROWS):
            store.add_soon(entry(number))
        store.flush()
        store.add(entry(ROWS))
        assert found(app) == [], what
        for statement in statements:
            database_of(app).run(statement)
        assert found(app) == findings, what
        store.add(entry(8))
        assert store.newest(1)[0].event == "event 8", what
        assert found(app), f"{what}: what is written later doesn't hide it"
        for table in (audit, audit_head):
            database_of(app).run(delete(table))


@sqlite_only
def test_an_end_that_was_cut_off_is_noted_in_the_trail_itself(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2, 3):
        audit_of(app).add(entry(number))
    with database_of(app).transaction() as connection:
        connection.execute(delete(audit).where(audit.c.id == 3))
        connection.execute(
            update(audit_head).values(last=2, hash=select(audit.c.hash).where(audit.c.id == 2).scalar_subquery())
        )
    audit_of(app).add(entry(4))
    audit_of(app).add(entry(5))
    assert [row.event for row in audit_of(app).newest(3)] == ["event 5", "event 4", "audit_broken"]
    assert found(app) == ["3-3 notes that the end before it had been changed"]
    assert caplog.text.count("The audit trail's end, entry 2, is not as it was left") == 1


def test_many_writers_make_one_chain(make_app: Callable[..., Flask], database_uri: str) -> None:
    """Another process, and threads of two apps in this one; the first of them all makes the head."""
    script = """
import sys
from tests.support.app import build_app
from tests.support.stored import audit_of
from tests.support.audit import entry
store = audit_of(build_app(OAUTH_DATABASE_URI=sys.argv[1]))
for number in range(40):
    store.add(entry(number))
store.add_soon(entry(40))
"""
    apps = [make_app(), make_app()]
    other = python("-c", script, database_uri)

    def write(number: int) -> None:
        for each in range(20):
            audit_of(apps[number % 2]).add(entry(each))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    finished(other)
    verdict = audit_of(apps[0]).verify()
    assert (verdict.entries, verdict.last, verdict.findings) == (121, 121, [])


@sqlite_only
def test_an_entry_that_can_t_be_written_leaves_no_gap(app: Flask) -> None:
    for broken in (entry(1), {**entry(2), "outcome": None}, entry(3)):
        audit_of(app).add_soon(broken)
    assert [row.id for row in audit_of(app).newest(5)] == [2, 1]
    assert found(app) == []


@sqlite_only
def test_the_chain_hangs_on_the_app_s_key(make_app: Callable[..., Flask]) -> None:
    audit_of(make_app(SECRET_KEY="old")).add(entry(1))
    rotated = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    assert found(rotated) == []
    audit_of(rotated).add(entry(2))
    assert found(rotated) == []
    own = make_app(SECRET_KEY="other", SECRET_KEY_FALLBACKS=["old"], OAUTH_KEY_ENCRYPTION_KEY="new")
    assert found(own) == []
    for stranger in (make_app(SECRET_KEY="guessed"), make_app(SECRET_KEY=None)):
        assert found(stranger) == ["2-2 is not what the head was written for", f"1-2 {CHANGED}"]


@sqlite_only
def test_what_the_gateway_does_is_in_the_chain(app: Flask) -> None:
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    tokens_of(app).revoke(token=token)
    verdict = audit_of(app).verify()
    assert (verdict.entries, verdict.findings) == (3, [])
