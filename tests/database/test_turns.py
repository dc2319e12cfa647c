"""The processes that write to the gateway's own SQLite file take turns, and none depends on that."""

import fcntl
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.database.sqlite import turns
from flask_oauth_gateway.database.sqlite.turns import FileDatabase
from tests.support.app import build_app, close_app, register, token_for
from tests.support.processes import fresh_python
from tests.support.stored import database_of

HOLDER = (
    "import fcntl, sys; own = open(sys.argv[1]); fcntl.flock(own, fcntl.LOCK_EX); print('held', flush=True); input()"
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Flask]:
    app = build_app(instance_path=str(tmp_path))
    register(app)
    yield app
    close_app(app)


@pytest.fixture
def beside(own: Flask, tmp_path: Path) -> Path:
    return tmp_path / "oauth.db-turns"


def seconds_of_a_write(app: Flask) -> float:
    client = register(app)
    began = time.monotonic()
    token_for(app.test_client(), client)
    return time.monotonic() - began


def taken(app: Flask) -> bool:
    """Whether a turn is to be had now."""
    database = database_of(app)
    assert isinstance(database, FileDatabase)
    turn = database._turns.take()
    database._turns.end(turn)
    return turn is not None


def test_a_write_waits_for_its_turn_and_leaves_it(own: Flask, beside: Path) -> None:
    client = register(own)
    done: list[float] = []
    with beside.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: done.append(len(token_for(own.test_client(), client))))
        thread.start()
        time.sleep(0.3)
        assert done == []
    thread.join(20)
    assert len(done) == 1
    with beside.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert beside.read_bytes() == b""


def test_one_whose_turn_does_not_end_is_not_waited_for_long(
    own: Flask, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    with beside.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert 0.1 <= seconds_of_a_write(own) < 20
        assert not taken(own)
    assert taken(own), "and takes its turn again, once there is one"


def test_a_process_that_is_killed_leaves_its_turn(own: Flask, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.0)
    holder = fresh_python("-c", HOLDER, str(beside), stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert not taken(own)
    holder.kill()
    holder.communicate()
    assert taken(own)


def test_who_writes_without_a_turn_is_waited_for(own: Flask, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "oauth.db", check_same_thread=False, isolation_level=None)) as other:
        client = register(own)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, other.execute, ["COMMIT"]).start()
        began = time.monotonic()
        token_for(own.test_client(), client)
        assert time.monotonic() - began >= 0.2


def test_what_fails_or_is_undone_leaves_its_turn(own: Flask) -> None:
    database = database_of(own)
    with pytest.raises(ZeroDivisionError), database.transaction():
        1 / 0  # noqa: B018
    assert taken(own)


@pytest.mark.parametrize("what", ["no fcntl", "no locks", "no such file"])
def test_where_there_are_no_turns_all_is_written(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("No locks available")

    if what == "no fcntl":
        monkeypatch.setattr(turns, "fcntl", None)
    elif what == "no locks":
        monkeypatch.setattr(fcntl, "flock", refuse)
    else:
        (tmp_path / "oauth.db-turns").mkdir()
    app = build_app(instance_path=str(tmp_path))
    assert seconds_of_a_write(app) < 20
    assert not taken(app)
    close_app(app)


def test_a_forked_child_holds_no_turn_of_its_parent(own: Flask, beside: Path) -> None:
    def is_open() -> bool:
        return beside.stat().st_ino in [os.fstat(number).st_ino for number in range(3, 200) if _is_open(number)]

    with database_of(own).transaction():
        assert is_open()
        child = os.fork()
        if child == 0:
            os._exit(is_open())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert taken(own)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
