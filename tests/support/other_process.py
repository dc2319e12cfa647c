"""Another process with an app on a test's database, which does what it is told, one thing at a time."""

from __future__ import annotations

import multiprocessing
import os
import select
import time
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask_oauth_gateway.clients.registry import ClientNotFound
from tests.support.app import basic, bearer, build_app, close_app, gateway_of

DAY = 86400
PASSWORD = "everybody's"

# A server forks each process, and has loaded all that they need.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.other_process", "tests.support.loaded"])


def begin_to_load() -> None:
    """Start that server, and don't wait for it."""
    forkserver.ensure_running()


class OtherProcess:
    """Ask it by name for what `Doing`, or a class made from it, can do; a context manager."""

    def __init__(self, config: dict[str, Any], folder: Path, kind: type[Doing] | None = None) -> None:
        self._mine, its = PROCESSES.Pipe()
        for end in (self._mine, its):
            os.set_blocking(end.fileno(), True)  # gevent's aren't
        self._process = PROCESSES.Process(target=_serve, args=(its, kind or Doing, config, str(folder)), daemon=True)
        self._process.start()
        its.close()

    def ask(self, what: str, **arguments: Any) -> Any:
        self._mine.send((what, arguments))
        select.select([self._mine], [], [])  # under gevent, the other greenlets go on meanwhile
        done, failed = self._mine.recv()
        assert failed is None, failed
        return done

    def __enter__(self) -> OtherProcess:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # it has ended by itself
            self._mine.send(None)
        self._mine.close()
        self._process.join(20)
        self._process.close()


def _serve(asked: Connection, kind: type[Doing], config: dict[str, Any], folder: str) -> None:
    doing = kind(config, folder)
    while True:
        try:
            told = asked.recv()
        except EOFError:
            break
        if told is None:
            break
        what, arguments = told
        try:
            asked.send((getattr(doing, what)(**arguments), None))
        except Exception as error:  # noqa: BLE001, the asker is told
            asked.send((None, repr(error)))
    close_app(doing.app)


class Doing:
    """What such a process does with its app."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        settings = {
            "OAUTH_REVOCATION_POLL_SECONDS": 0,
            "OAUTH_RATE_LIMITS": None,
            "OAUTH_ACCESS_TOKEN_LIFETIME": DAY,  # longer than any clock is set forth
            "OAUTH_GRANT_TYPES": ["client_credentials", "password", "refresh_token"],
        }
        self.app = build_app(**settings | config, instance_path=folder)
        self.gateway = gateway_of(self.app)
        self.gateway.check_password(lambda username, password: Person(username) if password == PASSWORD else None)
        self.client = self.app.test_client()
        self.offset = 0
        self._time, time.time = time.time, lambda: self._time() + self.offset

    def begin(self) -> None:
        """As before everything: the clock right, both clients there and enabled, no user's approval."""
        self.offset = 0
        for client_id in ("one", "two"):
            if self.gateway.clients.get(client_id) is None:
                self.create(client_id)
            self.gateway.clients.update(client_id, enabled=True)
            self.gateway.tokens.revoke(client_id=client_id)

    def create(self, client_id: str) -> None:
        self.gateway.clients.create(
            client_id=client_id,
            client_secret=PASSWORD,
            grant_types=["client_credentials", "password", "refresh_token"],
            scope=["weather:read"],
        )

    def delete(self, client_id: str) -> None:
        self.gateway.clients.delete(client_id)

    def switch(self, client_id: str, enabled: bool) -> None:
        self.gateway.clients.update(client_id, enabled=enabled)

    def revoke_application(self, application_id: str) -> None:
        self.gateway.applications.revoke(application_id)

    def approve(self, application_id: str) -> None:
        self.gateway.applications.approve(application_id)

    def clock(self, seconds: int) -> None:
        self.offset = seconds

    def _post(self, client_id: str, **form: str) -> dict[str, Any] | None:
        response = self.client.post("/oauth/token", data=form, headers=basic(client_id, PASSWORD))
        assert response.status_code in (200, 400, 401), response.text
        return response.get_json() if response.status_code == 200 else None

    def client_credentials(self, client_id: str) -> Any:
        return self._post(client_id, grant_type="client_credentials")

    def password(self, client_id: str, username: str) -> Any:
        return self._post(client_id, grant_type="password", username=username, password=PASSWORD)

    def refresh(self, client_id: str, refresh_token: str) -> Any:
        return self._post(client_id, grant_type="refresh_token", refresh_token=refresh_token)

    def issue(self, client_id: str, subject: str) -> Any:
        with self.app.test_request_context():
            try:
                return self.gateway.tokens.issue(client_id, subject=subject)
            except ClientNotFound:
                return None

    def revoke(self, issued_before: str | None = None, **criteria: Any) -> int:
        if issued_before is not None:
            criteria["issued_before"] = int(time.time()) - DAY
        with self.app.test_request_context():
            return self.gateway.tokens.revoke(**criteria)

    def are_good(self, tokens: list[str]) -> list[bool]:
        return [self.client.get("/weather", headers=bearer(token)).status_code == 200 for token in tokens]


class Person:
    """A user of the app."""

    def __init__(self, username: str) -> None:
        self.id = username
