"""The engine is used before a fork, as with `gunicorn --preload`: parent and child go on, each on its own connections."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from flask_oauth_gateway.crypto.key_sets import RemoteKeys
from flask_oauth_gateway.database import background
from flask_oauth_gateway.database.tables import access_token, audit
from flask_oauth_gateway.stores.audit import chain
from flask_oauth_gateway.web.counts import Counts
from tests.support.app import MakeApp, basic, server_of, token_for
from tests.support.databases import sqlite_only
from tests.support.processes import ended, finished, python
from tests.support.stored import audit_of, database_of, register, status_with

FORKING = """
import json, os, sys
from tests.support.app import bearer, build_app, close_app, token_for
from tests.support.stored import clients_of, register, status_with
app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
registered = register(app)
client = app.test_client()
before = token_for(client, registered)["access_token"]  # its entry in the audit trail is still waiting
child = os.fork()
tokens = []
for _ in range(40):
    tokens.append(token_for(client, registered)["access_token"])
    assert status_with(app, before) == status_with(app, tokens[-1]) == 200
with app.app_context():
    clients_of(app).rotate_secret(registered.client_id, overlap=60)
if child:
    _, failed = os.waitpid(child, 0)
    assert not failed
sys.stdout.write(json.dumps([before, *tokens] if child else tokens) + chr(10))
sys.stdout.flush()
"""

PRELOADED = """
import os
from tests.support.app import build_app, token_for
from tests.support.stored import register
app = build_app(OAUTH_DATABASE_URI=os.environ["OAUTH_URI"])

@app.get("/pid")
def pid():
    return str(os.getpid())

registered = register(app, client_id="preloaded", client_secret="only for tests")
token_for(app.test_client(), registered)
"""


def test_parent_and_child_go_on(app: Flask, database_uri: str) -> None:
    out = finished(python("-W", "error", "-c", FORKING, database_uri))
    tokens = [token for line in out.splitlines() for token in json.loads(line)]
    assert len(set(tokens)) == 81
    assert {status_with(app, token) for token in tokens} == {200}
    with database_of(app).engine.connect() as connection:
        entries = select(func.count()).select_from(audit).where(audit.c.event == "token_issued")
        assert connection.scalar(entries) == 81, "what waited at the fork is written once"


def test_gunicorn_preloads_and_its_workers_answer(app: Flask, database_uri: str, tmp_path: Path) -> None:
    (tmp_path / "preloaded.py").write_text(PRELOADED)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    server = python(
        *("-m", "gunicorn", "--preload", "--workers=2", "--worker-class=gthread", "--threads=4", "--log-level=error"),
        *(f"--bind=127.0.0.1:{port}", f"--pythonpath={tmp_path},{Path.cwd()}", "preloaded:app"),
        env={**os.environ, "OAUTH_URI": database_uri},
    )
    try:
        wait_for(port)
        pids = {request(port, "GET", "/pid")[1] for _ in range(10)}
        headers = basic("preloaded", "only for tests") | {"Content-Type": "application/x-www-form-urlencoded"}
        for _ in range(12):
            status, body = request(port, "POST", "/oauth/token", "grant_type=client_credentials", headers)
            assert status == 200, body
            bearer = {"Authorization": f"Bearer {json.loads(body)['access_token']}"}
            assert request(port, "GET", "/weather", "", bearer)[0] == 200
    finally:
        _, errors = ended(server)
    assert "Traceback" not in errors, errors
    assert len(pids) <= 2
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(access_token)) == 13
        entries = select(func.count()).select_from(audit).where(audit.c.event == "token_issued")
        assert connection.scalar(entries) == 13, "workers that end write what waits"


def in_a_child(work: Callable[[], object]) -> int:
    """The exit code of a forked child in which this is done; it is killed after ten seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            os._exit(0 if work() else 1)
        finally:  # never go on as a second pytest
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def taken(lock: Any) -> bool:
    with lock:
        return True


@sqlite_only
def test_a_fork_waits_for_what_is_just_being_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's library has locks of its own: were one held at that moment, nobody would open it in the child."""
    registered, append, begun, written = register(app), chain.append, threading.Event(), []

    def append_slowly(*given: Any) -> None:
        begun.set()
        time.sleep(0.2)
        append(*given)
        written.append(True)

    monkeypatch.setattr(chain, "append", append_slowly)
    token_for(app.test_client(), registered)
    audit_of(app)._later.hasten(0)
    begun.wait()
    assert in_a_child(lambda: written and token_for(app.test_client(), registered)) == 0
    token_for(app.test_client(), registered)
    audit_of(app).flush()
    assert len(written) == 2, "the parent goes on"


def test_a_lock_that_is_held_at_the_fork_holds_up_no_child(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that held it doesn't exist in the child."""
    monkeypatch.setattr(background, "FORK_SECONDS", 0.05)
    register(app)
    store, database = audit_of(app), database_of(app)
    with store._lock, store._later._working:
        assert in_a_child(lambda: taken(store._lock) and taken(store._later._working) and taken(database._lock)) == 0


def test_a_child_checks_tokens_whatever_its_parent_was_looking_up(make_app: MakeApp) -> None:
    """A thread of the parent was reading marks, keys, another server's keys or counts when it forked."""
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=0)
    server, token = server_of(app), token_for(app.test_client(), register(app))["access_token"]
    keys = RemoteKeys("https://keys.example/jwks")
    held = (server.revoked._lock, server.jwts._key_ring._lock, keys._lock, Counts()._lock)
    for lock in held:
        with lock:
            assert in_a_child(lambda: status_with(app, token) == 200 and all(map(taken, held))) == 0


def wait_for(port: int) -> None:
    for _ in range(800):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("gunicorn did not start")


def request(
    port: int, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


ENDING = """
import sys, threading, time
from flask_oauth_gateway.stores.audit import chain
from tests.support.app import build_app, token_for
from tests.support.stored import register
app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
registered = register(app)
append, begun = chain.append, threading.Event()

def append_slowly(*given):
    begun.set()
    time.sleep(0.5)
    append(*given)

chain.append = append_slowly
token_for(app.test_client(), registered)
begun.wait()
"""


def test_a_process_that_ends_waits_for_what_is_just_being_written(app: Flask, database_uri: str) -> None:
    finished(python("-W", "error", "-c", ENDING, database_uri))
    with database_of(app).engine.connect() as connection:
        entries = select(func.count()).select_from(audit).where(audit.c.event == "token_issued")
        assert connection.scalar(entries) == 1


def test_a_fork_tries_by_itself_though_redis_was_away() -> None:
    """The thread that would find out is the parent's."""
    code = """if True:
        import os, sys
        from flask_oauth_gateway.database.redis.shared import Redis, RedisAway

        redis = Redis("redis://127.0.0.1:1/0", print)

        def tries():
            try:
                redis.run(lambda connected: connected.client.ping())
            except RedisAway as away:
                return away.__cause__ is not None

        assert [tries(), tries()] == [True, False]
        child = os.fork()
        if not child:
            os._exit(not tries())
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    finished(python("-W", "ignore", "-c", code))  # a warning: there is a thread


PATCHED_LATER = """
from flask_oauth_gateway.database.background import Later
from flask_oauth_gateway.locks import Lock
lock, reentrant, done = Lock(), Lock(reentrant=True), []
later = Later(done.append, lambda: None)
from gevent import monkey
monkey.patch_all()
import gevent

def hold(lock, name):
    with lock:
        gevent.sleep(0.05)
        done.append(name + " begins")
        gevent.sleep(0.05)
        done.append(name + " ends")

for each in (lock, reentrant):
    gevent.joinall([gevent.spawn(hold, each, name) for name in "ab"], raise_error=True)
    assert done == ["a begins", "a ends", "b begins", "b ends"], done
    done.clear()
later.start(0.01)
gevent.sleep(0.1)
later.now_within(5)
later.close()
assert done == [False, False, True], done
"""


def test_what_was_made_before_gevent_patches_the_threads_keeps_greenlets_apart() -> None:
    """As with gunicorn's --preload and its gevent workers; a native lock would stop them all, or let all of them in."""
    finished(python("-c", PATCHED_LATER))
