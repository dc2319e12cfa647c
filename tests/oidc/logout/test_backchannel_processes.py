"""Clients are told of sign-outs whatever happens to the process that wrote them down, and by one process at a time."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from flask_oauth_gateway.oidc.backchannel_logout import Delivered
from tests.support.app import MakeApp, close_app
from tests.support.databases import every_database
from tests.support.logout_receivers import Receivers
from tests.support.other_process import Doing, OtherProcess
from tests.support.processes import ended, finished, fresh_python, python
from tests.support.told_of_logouts import Provider

ROOT = Path(__file__).parents[3]


class Telling(Doing):
    """A process of a provider, which sends what is due when it is told to."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        super().__init__({"OAUTH_OIDC": True} | config, folder)
        self.provider = Provider(self.app, Receivers())

    def deliver(self) -> Delivered:
        return self.provider.deliver()

    def owe(self, client_id: str, times: int = 1) -> None:
        client = self.gateway.clients.get(client_id)
        assert client is not None
        self.provider.owe(*[client] * times)


@pytest.fixture
def provider(make_app: MakeApp, receivers: Receivers) -> Provider:
    return Provider(make_app(OAUTH_OIDC=True), receivers)


@pytest.fixture
def two(database_uri: str, tmp_path: Path, provider: Provider) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    with ExitStack() as stack:
        config = {"OAUTH_DATABASE_URI": database_uri}
        first, second = (stack.enter_context(OtherProcess(config, tmp_path, Telling)) for _ in range(2))
        yield first, second


@every_database
def test_killed_before_it_was_sent_it_is_sent_by_the_next_process(
    two: tuple[OtherProcess, OtherProcess], provider: Provider
) -> None:
    provider.register("shop")
    two[0].ask("owe", client_id="shop")
    two[0]._process.kill()
    assert two[1].ask("deliver") == Delivered(told=1, waiting=0, given_up=0)
    assert len(provider.receivers.told["shop"]) == 1


@every_database
def test_killed_while_it_is_sent_it_is_sent_by_the_next_process_once_the_claim_is_over(
    two: tuple[OtherProcess, OtherProcess], provider: Provider
) -> None:
    provider.register("shop", "hang")
    two[0].ask("owe", client_id="shop")

    def deliver() -> None:
        with suppress(EOFError, OSError):  # it is killed
            two[0].ask("deliver")

    thread = threading.Thread(target=deliver)
    thread.start()
    provider.receivers.wait_for(1)
    two[0]._process.kill()
    thread.join()
    provider.receivers.how["shop"] = 200
    assert two[1].ask("deliver") == Delivered(0, 0, 0), "it may still be under way"
    two[1].ask("clock", seconds=20)
    assert two[1].ask("deliver") == Delivered(told=1, waiting=0, given_up=0)
    assert len({each["jti"] for each in provider.receivers.claims("shop")}) == 2


@every_database
def test_two_processes_at_once_tell_each_once(two: tuple[OtherProcess, OtherProcess], provider: Provider) -> None:
    for number in range(5):
        provider.register(f"shop-{number}")
        two[0].ask("owe", client_id=f"shop-{number}", times=10)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda process: process.ask("deliver"), two))
    assert [sum(column) for column in zip(*outcomes, strict=True)] == [50, 0, 0]
    assert {name: len(tokens) for name, tokens in provider.receivers.told.items()} == {
        f"shop-{number}": 10 for number in range(5)
    }


FORKING = """
import os, sys, time
from tests.support.app import build_app, close_app, server_of
app = build_app(OAUTH_DATABASE_URI=sys.argv[1], OAUTH_OIDC=True, TESTING=False, OAUTH_ISSUER="http://localhost")
def ask():
    answer = app.test_client().get("/.well-known/openid-configuration")
    if answer.status_code != 200:  # python -O leaves out what an assert does, too
        sys.exit(answer.text)
ask()
telling = server_of(app).openid.backchannel_logout
assert telling._looks
telling.close()  # the parent is one that serves no more; its children do
telling._looks = True
child = os.fork()
if child == 0:
    time.sleep(0.3)
    assert telling._later._thread is None and not telling._looks, "a child that serves nothing looks for nothing"
    ask()
    until = time.monotonic() + 60
    while server_of(app).openid.logouts.how_many():
        assert time.monotonic() < until
        time.sleep(0.05)
    close_app(app)
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
close_app(app)
sys.exit(status)
"""


def test_a_child_looks_by_itself_once_it_serves_whatever_its_parent_did(provider: Provider, database_uri: str) -> None:
    provider.owe(provider.register("shop"))
    finished(python("-c", FORKING, database_uri), timeout=90)
    assert len(provider.receivers.told["shop"]) == 1


SERVED = """
import os
from flask import request
from tests.support.app import build_app, server_of
from tests.support.logout_receivers import Receivers
from tests.support.told_of_logouts import Provider
app = build_app(
    OAUTH_DATABASE_URI=os.environ["OAUTH_URI"], OAUTH_OIDC=True, TESTING=False, OAUTH_ISSUER="http://127.0.0.1"
)

@app.post("/end")
def end():
    provider = Provider(app, Receivers())
    provider.logout.by_itself = True
    provider.owe(provider.server.client_registry.get("shop"))
    provider.logout.soon()
    return ""
"""


@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_gunicorn_s_workers_tell_after_a_preload(
    provider: Provider, database_uri: str, tmp_path: Path, kind: str
) -> None:
    provider.register("shop")
    (tmp_path / "served.py").write_text(SERVED)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    start = fresh_python if kind == "gevent" else python  # the other one has loaded everything before gevent comes
    server = start(
        *("-m", "gunicorn", "--preload", "--workers=2", f"--worker-class={kind}", "--log-level=error"),
        *(f"--bind=127.0.0.1:{port}", f"--pythonpath={tmp_path},{ROOT}", "served:app"),
        env={**os.environ, "OAUTH_URI": database_uri},
    )
    try:
        for number in range(1, 4):
            assert post(port, "/end") == 200
            provider.receivers.wait_for(number)
    finally:
        _, errors = ended(server, 60)
    assert "Traceback" not in errors, errors


def post(port: int, path: str) -> int:
    until = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", path)
            return connection.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < until, "gunicorn did not start"
            time.sleep(0.1)
        finally:
            connection.close()


def test_what_was_closed_sends_nothing_and_looks_for_nothing(provider: Provider) -> None:
    provider.logout.by_itself = True
    close_app(provider.app)
    provider.owe(provider.register("shop"))
    time.sleep(0.2)
    assert not provider.receivers.told
