"""The gateway's own SQLite file: the processes that write to it take turns by a lock on a file beside it (`….db-turns`).

SQLite lets one write at a time, and another sleeps for a millisecond and more until it tries again; and where two write all
the time, its log is never written back as a whole, so that each write tries that anew and waits for the disk. A turn ends both.

It is an order in which writers come, and no more: SQLite's own lock keeps them apart. So who waits for long, because the
process whose turn it is was stopped, goes on without one, and so does everybody where there are no such locks (Windows, some
network drives) or no such file can be made. Who writes by other means, such as SQLite's own shell, is waited for by SQLite.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Row

from ..engine import Database, Foreseen, Parameters, Statement

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PAUSE, LONG_PAUSE = 0.0001, 0.001  # seconds between two looks
SHORT, PATIENCE = 0.005, 1.0  # how long somebody looks often, and how long at all


class Turns:
    """The turns of one file's writers. Each is a lock on a descriptor of its own, so that threads take turns too."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._idle: list[int] = []
        self._all: list[int] = []
        weakref.finalize(self, _close, self._all).atexit = False

    def begin_at(self, database: str) -> None:
        """Take turns from now on, for this database file."""
        if fcntl is not None:
            self._path = str(Path(database).absolute())

    def take(self) -> int | None:
        """Wait for a turn; `None` where there is none to be had: then go on without."""
        if self._path is None:
            return None
        own, is_mine = None, False
        try:
            own = self._idle.pop() if self._idle else self._opened(self._path)
            is_mine = _wait_for(own)
        except IndexError:  # another thread was faster
            return None
        except OSError:  # there are no such locks, or this process may not make or open the file
            self._path = None
        finally:
            if own is not None and not is_mine:  # a timeout may have broken this off, with the lock taken
                self._all.remove(own)
                os.close(own)
        return own if is_mine else None

    def end(self, turn: int | None) -> None:
        """Let the next one have its turn."""
        if turn in self._all:  # else this is a child that was forked meanwhile
            fcntl.flock(turn, fcntl.LOCK_UN)
            self._idle.append(turn)

    def leave_to_the_parent(self) -> None:
        """Close the files in a forked child: the parent's turns would last as long as they are open here."""
        self._idle.clear()
        _close(self._all)

    def _opened(self, path: str) -> int:
        may_write = Path(path).stat().st_mode & 0o222  # whoever may, takes turns
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        found = os.open(f"{path}-turns", flags, may_write | may_write << 1)
        self._all.append(found)
        return found


def _close(files: list[int]) -> None:
    while files:
        os.close(files.pop())


def _wait_for(own: int) -> bool:
    began = None
    while True:
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            began = now if began is None else began
            if now - began > PATIENCE:
                return False
            time.sleep(PAUSE if now - began < SHORT else LONG_PAUSE)
        else:
            return True


class FileDatabase(Database):
    """The gateway's own SQLite file."""

    def __init__(self, connect: Callable[[], Any], foreseen: Foreseen | None = None) -> None:
        super().__init__(connect, foreseen)
        self._turns = Turns()

    def run(self, statement: Statement, parameters: Parameters | None = None, *, repeatable: bool = False) -> int:
        """Run one statement that writes, in a turn of its own: see `Database.run`."""
        turn = self._turns.take()
        try:
            return super().run(statement, parameters, repeatable=repeatable)
        finally:
            self._turns.end(turn)

    def first_once(self, statement: Statement, parameters: Parameters | None = None) -> Row[Any] | None:
        """Run one statement that writes and returns a row, in a turn of its own."""
        turn = self._turns.take()
        try:
            return super().first_once(statement, parameters)
        finally:
            self._turns.end(turn)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction in a turn of its own: see `Database.transaction`."""
        turn = self._turns.take()
        try:
            with super().transaction() as connection:
                yield connection
        finally:
            self._turns.end(turn)

    def reopen_after_fork(self) -> None:
        """Drop the parent's connections and turns."""
        super().reopen_after_fork()
        self._turns.leave_to_the_parent()

    def _suit(self, engine: Any) -> None:
        super()._suit(engine)
        self._turns.begin_at(str(engine.url.database))
