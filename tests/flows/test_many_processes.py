"""Four gunicorn workers on PostgreSQL and Redis, under load; workers are killed, Redis crashes and comes back.

Then it is counted: nothing lost, nothing spent twice, nothing accepted after its revocation beyond what is stated.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from flask_oauth_gateway.stores.registered_client import Client as RegisteredClient
from tests.flows.many_processes_app import CACHE_SECONDS, create_app
from tests.support.app import basic, bearer, close_app
from tests.support.processes import ended
from tests.support.redis_server import PASSWORD, RedisServer, own_redis
from tests.support.site import REDIRECT_URI, VERIFIER, answer, query

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]

WORKERS, THREADS, SECONDS = 4, 6, 4.8
REDIS_STOPS = 2.4
RANDOM = random.Random(7)  # noqa: S311 — nothing to guess here
AT_ONCE = 0.5  # seconds in which news have surely come, on a machine that has much else to do


@dataclass
class Seen:
    """What the clients saw: `late` are the seconds after a revocation in which its token was still taken."""

    live: list[str] = field(default_factory=list)
    spent: list[list[int]] = field(default_factory=list)
    late: list[tuple[float, float]] = field(default_factory=list)
    revoked: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def is_little(self) -> bool:
        """Whether it is too little to say anything, as on a busy machine; what is wrong is enough."""
        return not self.wrong and min(map(len, (self.live, self.spent, self.late))) <= THREADS


class Serving:
    """gunicorn, as a client reaches it."""

    def __init__(self, uri: str, redis: RedisServer, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = folder / "log"
        module, address = "tests.flows.many_processes_app", f"127.0.0.1:{self.port}"
        loaded_once = ["-c", f"python:{module}"]  # by the master, which has no app; each worker makes its own
        options = [*loaded_once, "-w", str(WORKERS), "-b", address]
        command = [sys.executable, "-m", "gunicorn", *options, f"{module}:create_app()"]
        environment = {**os.environ, "GATEWAY_DATABASE": uri, "GATEWAY_REDIS": redis.url}
        with self.log.open("wb") as log:
            self.master = subprocess.Popen(command, env=environment, stdout=log, stderr=log, process_group=0)

    def workers(self) -> list[int]:
        found = subprocess.run(["pgrep", "-P", str(self.master.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def kill_a_worker(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(RANDOM.choice(self.workers()), signal.SIGKILL)

    def ask(self, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str, str]:
        """Status, body and Location; status 0 where the worker was killed meanwhile."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        try:
            connection.request("POST" if form else "GET", path, urlencode(form) or None, {**kind, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read().decode(), response.getheader("Location", "")
        except (OSError, http.client.HTTPException):
            return 0, "", ""
        finally:
            connection.close()

    def status(self, token: str) -> int:
        """What the protected view says, of whichever worker takes the request."""
        while not (status := self.ask("/weather", bearer(token))[0]):
            time.sleep(0.02)
        return status


class Client:
    """One thread's work."""

    def __init__(self, serving: Serving, registered: RegisteredClient, by_jwt: Any, seen: Seen) -> None:
        self.serving, self.registered, self.by_jwt, self.seen = serving, registered, by_jwt, seen

    def run(self, until: float) -> None:
        with ThreadPoolExecutor(2) as both:
            while time.monotonic() < until or self.seen.is_little():
                self.lives(self.registered)
                self.is_revoked(RANDOM.choice((self.registered, self.by_jwt)))
                self.is_spent_once(both)

    def post(self, client: RegisteredClient, path: str, **form: str) -> tuple[int, dict[str, Any]]:
        status, body, _ = self.serving.ask(path, basic(client.client_id, client.client_secret), **form)
        if status not in (0, 200, 400):
            self.seen.wrong.append(f"{path}: {status} {body}")
        return status, json.loads(body) if status else {}

    def token(self, client: RegisteredClient) -> str | None:
        status, body = self.post(client, "/oauth/token", grant_type="client_credentials")
        return str(body["access_token"]) if status == 200 else None

    def lives(self, client: RegisteredClient) -> None:
        token = self.token(client)
        if token is not None:
            self.seen.live.append(token)
            if self.serving.status(token) != 200:
                self.seen.wrong.append("a new token was refused")

    def is_revoked(self, client: RegisteredClient) -> None:
        token = self.token(client)
        if token is None:
            return
        for _ in range(2 * WORKERS):  # most of them remember it now
            self.serving.status(token)
        if self.post(client, "/oauth/revoke", token=token)[0] != 200:
            return
        revoked = last = time.monotonic()
        for number in range(2 * WORKERS):
            asked = time.monotonic()
            if self.serving.status(token) == 200:
                last = asked
            time.sleep(0.03 * number)
        self.seen.late.append((revoked, last - revoked))
        self.seen.revoked[token] = revoked

    def is_spent_once(self, both: ThreadPoolExecutor) -> None:
        _, _, location = self.serving.ask(f"/oauth/authorize?{urlencode(query(self.registered))}")
        if not location:
            return
        code = {"code": answer(location)["code"], "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        granted = self.twice(both, grant_type="authorization_code", **code)
        if len(granted) == 1 and self.serving.status(granted[0]["access_token"]) == 200:  # else the second ended it
            self.twice(both, grant_type="refresh_token", refresh_token=granted[0]["refresh_token"])

    def twice(self, both: ThreadPoolExecutor, **form: str) -> list[dict[str, Any]]:
        """The same request two times at once: the good answers."""
        sent = [both.submit(self.post, self.registered, "/oauth/token", **form) for _ in range(2)]
        answers = [each.result() for each in sent]
        self.seen.spent.append([status for status, _ in answers])
        return [body for status, body in answers if status == 200]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with own_redis(tmp_path) as server:
        yield server


@pytest.fixture
def serving(
    server_database: Callable[[str], Any], redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Serving, Any, Any]]:
    database = server_database("postgresql")
    database.empty(keep_tables=True)
    monkeypatch.setenv("GATEWAY_DATABASE", database.uri)
    monkeypatch.setenv("GATEWAY_REDIS", redis_server.url)
    app = create_app()
    clients = app.extensions["oauth_gateway"].clients
    both = {"grant_types": ["client_credentials", "authorization_code", "refresh_token"], "scope": "weather:read"}
    registered = clients.create(redirect_uris=[REDIRECT_URI], skip_consent=True, **both)
    by_jwt = clients.create(grant_types=["client_credentials"], scope="weather:read", access_token_format="jwt")
    close_app(app)
    served = Serving(database.uri, redis_server, tmp_path)
    try:
        deadline = time.monotonic() + 20
        while len({served.ask("/process")[1] for _ in range(20)} - {""}) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield served, registered, by_jwt
    finally:
        ended(served.master, 60)


def test_nothing_is_lost_spent_twice_or_taken_too_late(
    serving: tuple[Serving, Any, Any], redis_server: RedisServer
) -> None:
    served, registered, by_jwt = serving
    seen = Seen()
    began = time.monotonic()
    clients = [Client(served, registered, by_jwt, seen) for _ in range(THREADS)]
    threads = [threading.Thread(target=client.run, args=(began + SECONDS,)) for client in clients]
    for thread in threads:
        thread.start()
    for wait, blow in (
        (1.0, served.kill_a_worker),
        (1.4, redis_server.stop),
        (0.3, served.kill_a_worker),
        (0.5, redis_server.start),
        (0.5, served.kill_a_worker),
    ):
        time.sleep(wait)
        blow()
    for thread in threads:
        thread.join()
    log = served.log.read_text()
    assert not seen.wrong, f"{seen.wrong[:5]}\n{log[-8000:]}"
    assert len(seen.live) > THREADS
    assert {served.status(token) for token in RANDOM.sample(seen.live, min(50, len(seen.live)))} == {200}
    assert len(seen.spent) > THREADS
    assert max(statuses.count(200) for statuses in seen.spent) == 1
    assert len(seen.late) > THREADS
    assert max(late for _, late in seen.late) < CACHE_SECONDS + AT_ONCE
    long_ago = [token for token, at in seen.revoked.items() if at < time.monotonic() - CACHE_SECONDS - AT_ONCE]
    assert {served.status(token) for token in long_ago for _ in range(2)} == {401}
    with_redis = [late for revoked, late in seen.late if revoked < began + REDIS_STOPS - AT_ONCE]
    assert max(with_redis, default=0) < AT_ONCE
    assert "Traceback" not in log, log[-3000:]
    assert 1 <= log.count("Redis did not answer") <= 2 * WORKERS
    assert PASSWORD not in log
