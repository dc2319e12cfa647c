"""kill -9 in the midst of issuing: whoever holds a token can use it after the restart."""

import json
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

import pytest
from flask import Flask
from sqlalchemy import text

from flask_oauth_gateway.database.connect import create_tables
from tests.support.app import basic, build_app, token_for
from tests.support.other_process import PROCESSES
from tests.support.stored import database_of, register, status_with

THREADS, KILLS = 8, 2


def serve(told: Connection, uri: str, client_id: str, client_secret: str) -> None:
    """Issue tokens in many threads, until it is killed.

    What a token's holder knows is what reached the pipe: one write each, shorter than a pipe takes in one piece.
    """
    app = build_app(OAUTH_DATABASE_URI=uri)
    headers = basic(client_id, client_secret)

    def issue() -> None:
        try:
            while True:
                form = {"grant_type": "client_credentials"}
                response = app.test_client().post("/oauth/token", data=form, headers=headers)
                if response.status_code != 200:  # no assert: in another process pytest doesn't bring it back under -O
                    raise RuntimeError(response.text)
                os.write(told.fileno(), response.data + b"\n")
        except BaseException:  # noqa: BLE001 (the test says it)
            os.write(told.fileno(), traceback.format_exc().encode())

    for _ in range(THREADS):
        threading.Thread(target=issue).start()


def test_every_token_that_was_handed_out_works_after_kill_9(make_app: Callable[..., Flask], database_uri: str) -> None:
    app = make_app()
    registered = register(app)
    database_of(app).dispose()  # what the killed process leaves behind is found by a new one
    tokens: list[str] = []
    for _ in range(KILLS):
        lines = tokens_until_killed(database_uri, registered.client_id, registered.client_secret or "")
        assert len(lines) >= THREADS
        tokens += [json.loads(line)["access_token"] for line in lines]
    restarted = make_app()
    create_tables(database_of(restarted).engine)
    assert len(set(tokens)) == len(tokens)
    assert {status_with(restarted, token) for token in tokens} == {200}
    assert token_for(restarted.test_client(), registered)
    if database_uri.startswith("sqlite"):
        with database_of(restarted).engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def tokens_until_killed(*arguments: str) -> list[bytes]:
    """Let a process work, kill it in the middle of it, and read on to the end of what it wrote."""
    here, there = PROCESSES.Pipe(duplex=False)
    server = PROCESSES.Process(target=serve, args=(there, *arguments), daemon=True)
    server.start()
    there.close()
    written, pipe = b"", here.fileno()
    while written.count(b"\n") < THREADS:
        written += os.read(pipe, 1 << 16) or pytest.fail("the server ended by itself")
    until = time.monotonic() + 0.3
    while (left := until - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            written += os.read(pipe, 1 << 16)
    server.kill()
    while more := os.read(pipe, 1 << 16):
        written += more
    here.close()
    server.join(10)
    assert server.exitcode == -signal.SIGKILL
    assert b"Traceback" not in written, written.decode()
    return written.splitlines()
