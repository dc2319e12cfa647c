"""`--workers N`: the tests are collected once, and N forks of that process run them.

Importing and collecting all of them takes as long as hundreds of them do, and workers of pytest-xdist do it once each.
Every fork takes the next few tests as soon as it is done with those that it has. What takes long comes first, so that all of
them end together.
"""

import atexit
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any

import pytest

#: How many tests a fork takes at a time, and how many of those that take long.
SOME, FEW = 25, 2
Chunk = list[pytest.Item]


class Reporter:
    """In a fork: hands every report to the process that shows them."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._connection.send(("started", nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        self._connection.send(("report", hook.pytest_report_to_serializable(config=self._config, report=report)))


def run_in_forks(session: pytest.Session, count: int, *, takes_long: Callable[[pytest.Item], bool]) -> None:
    """Run the session's tests in `count` forks, and report each as if it had run here."""
    assert threading.active_count() == 1, "A thread that was started while the tests were collected is lost in a fork."
    chunks = chunks_of(session.items, takes_long)
    queue, end = os.pipe()
    for number in range(len(chunks)):
        os.write(end, number.to_bytes(4))
    os.close(end)
    context = multiprocessing.get_context("fork")
    forks: dict[Connection, Any] = {}
    for number in range(min(count, len(chunks))):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(session, number, chunks, queue, there))
        process.start()
        there.close()
        forks[here] = process
    try:
        show(session, forks, queue)
    finally:
        os.close(queue)
        for process in forks.values():
            process.terminate()
            process.join()


def chunks_of(items: list[pytest.Item], takes_long: Callable[[pytest.Item], bool]) -> list[Chunk]:
    """What a fork takes at a time: a few tests of one file, which share their fixtures; those that take long come first."""
    chunks: list[Chunk] = []
    kept: Any = None
    for item in items:
        place = item.path, shared_by(item)
        is_full = chunks and len(chunks[-1]) >= (FEW if takes_long(item) else SOME)
        if place != kept or (is_full and not place[1]):
            chunks.append([])
        chunks[-1].append(item)
        kept = place
    return sorted(chunks, key=lambda chunk: not takes_long(chunk[0]))


def shared_by(item: pytest.Item) -> list[str]:
    """The fixtures that one test leaves to the next: of modules and classes, each as it is made for this test."""
    definitions = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    shared = [name for name, found in definitions.items() if found[-1].scope in ("class", "module", "package")]
    return [name for name in shared if not name.startswith("_xunit")]


def work(session: pytest.Session, number: int, chunks: list[Chunk], queue: int, connection: Connection) -> None:
    """A fork's whole life."""
    config = session.config
    atexit._clear()  # what the first process does at its end is not done by its forks
    if forkserver._forkserver._forkserver_pid is not None:  # type: ignore[attr-defined]
        forkserver._forkserver.ensure_running = lambda: None  # type: ignore[attr-defined]  # it is, and is no child of this one
    try:
        plugins: Any = config.pluginmanager
        plugins.unregister(name="terminalreporter")
        plugins.register(Reporter(config, connection))
        if capture := plugins.getplugin("capturemanager"):  # the forks would write into one file
            capture.stop_global_capturing()
            capture.start_global_capturing()
        factory = config._tmp_path_factory  # type: ignore[attr-defined]
        factory._basetemp = factory.getbasetemp() / f"worker{number}"
        factory._basetemp.mkdir()
        items = taken(chunks, queue)
        item = next(items, None)
        while item is not None:
            following = next(items, None)
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
        connection.send(("done", None))
        config._ensure_unconfigure()
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 (the other process says it)
        connection.send(("broken", traceback.format_exc()))


def taken(chunks: list[Chunk], queue: int) -> Iterator[pytest.Item]:
    while number := os.read(queue, 4):
        yield from chunks[int.from_bytes(number)]


def show(session: pytest.Session, forks: dict[Connection, Any], queue: int) -> None:
    """Report what the forks say, until all of them have ended."""
    hook = session.config.hook
    running: dict[Connection, str | None] = dict.fromkeys(forks)
    left = {item.nodeid for item in session.items}
    while running:
        for connection in wait(list(running)):
            assert isinstance(connection, Connection)
            try:
                kind, what = connection.recv()
            except EOFError:
                forks[connection].join()
                if nodeid := running.pop(connection):
                    text = f"It ended its worker, with status {forks[connection].exitcode}."
                    hook.pytest_runtest_logreport(report=trouble(nodeid, text))
                    left.discard(nodeid)
                continue
            if kind == "broken":
                hook.pytest_runtest_logreport(report=trouble(running[connection] or "the end of a worker", what))
                running[connection] = None
            elif kind == "report":
                report = hook.pytest_report_from_serializable(config=session.config, data=what)
                hook.pytest_runtest_logreport(report=report)
                left.discard(report.nodeid)
            else:
                running[connection] = what
        if session.shouldfail or session.shouldstop:
            while os.read(queue, 4096):  # nobody takes another
                pass
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
    if left:  # what a worker had taken that ended in the middle
        hook.pytest_runtest_logreport(report=trouble("tests that have not run", "\n".join(sorted(left))))


def trouble(nodeid: str, text: str) -> pytest.TestReport:
    """What is reported of a test that has ended its worker, and of what a worker found wrong at its end."""
    return pytest.TestReport(nodeid, (nodeid.partition("::")[0], None, nodeid), {}, "failed", text, "teardown")
