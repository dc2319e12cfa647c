"""kill -9 in the midst of issuing: whoever holds a token can use it after the restart."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from flask_oauth_gateway.database.connect import create_tables
from tests.support.app import token_for
from tests.support.processes import fresh_python
from tests.support.stored import database_of, register, status_with

THREADS, KILLS = 8, 2

# What a token's holder knows is what reached the pipe: one write each, shorter than a pipe takes in one piece.
SERVER = """
import os, sys, threading
from tests.support.app import basic, build_app
app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
headers = basic(sys.argv[2], sys.argv[3])

def issue():
    while True:
        response = app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert response.status_code == 200, response.text
        os.write(1, response.data + b"\\n")

for _ in range(int(sys.argv[4])):
    threading.Thread(target=issue).start()
"""


def test_every_token_that_was_handed_out_works_after_kill_9(make_app: Callable[..., Flask], database_uri: str) -> None:
    app = make_app()
    registered = register(app)
    database_of(app).dispose()  # what the killed process leaves behind is found by a new one
    tokens: list[str] = []
    for _ in range(KILLS):
        arguments = (database_uri, registered.client_id, registered.client_secret or "", str(THREADS))
        lines = tokens_until_killed(fresh_python("-c", SERVER, *arguments, text=False))
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


def tokens_until_killed(server: "subprocess.Popen[bytes]") -> list[bytes]:
    """Let the server work, kill it in the middle of it, and read on to the end of what it wrote."""
    assert server.stdout is not None
    pipe = server.stdout.fileno()
    written = b""
    while written.count(b"\n") < THREADS:
        written += os.read(pipe, 1 << 16) or pytest.fail("the server ended by itself")
    until = time.monotonic() + 0.3
    while (left := until - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            written += os.read(pipe, 1 << 16)
    server.send_signal(signal.SIGKILL)
    while more := os.read(pipe, 1 << 16):
        written += more
    _, errors = server.communicate(timeout=10)
    assert server.returncode == -signal.SIGKILL, errors
    assert b"Traceback" not in errors, errors.decode()
    return written.splitlines()
