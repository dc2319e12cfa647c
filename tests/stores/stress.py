"""A process full of threads that issue, use, introspect and revoke tokens for a while.

`python -m tests.stores.stress URI CLIENT_ID CLIENT_SECRET SECONDS THREADS` prints, as JSON, the tokens that must
work afterwards, those that must not, and what went wrong.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import basic, bearer, build_app, close_app

AT_LEAST = 4  # rounds of each thread, however slow the machine is


class Worker:
    """One thread's work, and what it saw."""

    def __init__(self, app: Flask, headers: dict[str, str], until: float) -> None:
        self.client = app.test_client()
        self.headers = headers
        self.until = until
        self.live: list[str] = []
        self.revoked: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        for number in count():
            if number >= AT_LEAST and time.monotonic() > self.until:
                break
            self.once(self.client, number)

    def once(self, client: FlaskClient, number: int) -> None:
        answer = self.post("/oauth/token", grant_type="client_credentials")
        if answer is None:
            return
        token = answer["access_token"]
        self.expect(token, 200)
        introspected = self.post("/oauth/introspect", token=token)
        if introspected is None or introspected["active"] is not True:
            self.wrong.append(f"introspect says {introspected}")
        if number % 2:
            self.live.append(token)
        elif self.post("/oauth/revoke", token=token) is not None:
            self.expect(token, 401)
            self.revoked.append(token)
        if self.live:
            self.expect(self.live[number % len(self.live)], 200)

    def post(self, path: str, **form: str) -> dict[str, Any] | None:
        response = self.client.post(path, data=form, headers=self.headers)
        if response.status_code != 200:
            self.wrong.append(f"{path}: {response.status_code} {response.text}")
            return None
        found: dict[str, Any] = response.get_json()
        return found

    def expect(self, token: str, status: int) -> None:
        response = self.client.get("/weather", headers=bearer(token))
        if response.status_code != status:
            self.wrong.append(f"/weather: {response.status_code} instead of {status}: {response.text}")


def main(uri: str, client_id: str, client_secret: str, seconds: str, threads: str) -> None:
    app = build_app(OAUTH_DATABASE_URI=uri)
    until = time.monotonic() + float(seconds)
    workers = [Worker(app, basic(client_id, client_secret), until) for _ in range(int(threads))]
    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(worker.run) for worker in workers]:
            done.result()
    close_app(app)
    result = {name: [*chain(*(getattr(worker, name) for worker in workers))] for name in ("live", "revoked", "wrong")}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
