"""Two processes on one database, under load: what one does to keys and tokens, the other knows in time, and never errs before."""

import json
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic, bearer, register
from tests.support.processes import python
from tests.support.signing import kid_of

POLL_SECONDS = 1
SERVER = """
import sys
from werkzeug.serving import WSGIRequestHandler, make_server
from tests.support.app import build_app, server_of

class Silent(WSGIRequestHandler):
    def log(self, *arguments):
        pass

app = build_app(
    instance_path=sys.argv[2], OAUTH_DATABASE_URI=sys.argv[1], OAUTH_ISSUER="http://localhost",
    OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=int(sys.argv[3]), OAUTH_RATE_LIMITS=None,
)

@app.post("/rotate/<int:publish_ahead>")
def rotate(publish_ahead):
    return server_of(app).key_ring.rotate(publish_ahead=publish_ahead).kid

@app.post("/retire/<kid>")
def retire(kid):
    return {"retired": server_of(app).key_ring.retire(kid)}

server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Server:
    """One process, and how it is asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        self._port = int(line)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            sent = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            connection.request(method, path, urlencode(form) or None, sent | (headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode()

    def token(self, client: Client) -> str:
        headers = basic(client.client_id, client.client_secret)
        status, body = self.ask("POST", "/oauth/token", headers, grant_type="client_credentials")
        assert status == 200, body
        return str(json.loads(body)["access_token"])

    def look(self, token: str) -> int:
        return self.ask("GET", "/weather", bearer(token))[0]


@pytest.fixture
def servers(make_app: Callable[..., Flask], database_uri: str, tmp_path: Path) -> Iterator[tuple[Server, Server, Any]]:
    """Two servers, and a client of both."""
    client = register(make_app())
    with ExitStack() as stack:
        processes = [
            stack.enter_context(python("-c", SERVER, database_uri, str(tmp_path / "instance"), str(POLL_SECONDS)))
            for _ in range(2)
        ]
        for process in processes:
            stack.callback(process.terminate)
        here, there = map(Server, processes)
        yield here, there, client


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_the_other_process_follows_in_time_and_refuses_nothing_that_is_good(
    servers: tuple[Server, Server, Any],
) -> None:
    here, there, client = servers
    invented = urlsafe_b64encode(b'{"alg":"ES256","typ":"at+jwt","kid":"0123456789abcdef"}').rstrip(b"=").decode()
    assert there.look(f"{invented}.e30.AAAA") == 401, "it has just read the keys, and found none"
    first = here.token(client)
    assert there.look(first) == 200, "the very first key, a moment old"

    # Keys change: tokens of each are good in the other process from the first moment.
    over = Event()

    def trade(issuer: Server, other: Server) -> list[int]:
        seen = []
        while not over.is_set():
            seen.append(other.look(issuer.token(client)))
        return seen

    with ThreadPoolExecutor(5) as pool:
        trades = [pool.submit(trade, *pair) for pair in 2 * [(here, there), (there, here)]]
        flood = pool.submit(lambda: [there.look(f"{invented}.e30.AAAA") for _ in range(100)])
        kids = {here.ask("POST", f"/rotate/{ahead}")[1] for ahead in (0, 3600, 0, 0) if not time.sleep(0.25)}
        assert set(flood.result()) == {401}
        over.set()
        statuses = [status for each in trades for status in each.result()]
    assert len(kids) == 4
    assert len(statuses) > 40
    assert set(statuses) == {200}

    # Tokens are revoked: within the poll seconds the other process refuses them, and no other.
    tokens = [here.token(client) for _ in range(4)]
    kept, revoked_at, over = tokens.pop(), dict[str, float](), Event()

    def watch(token: str) -> list[tuple[float, int]]:
        seen = []
        while not over.is_set():
            seen.append((time.monotonic(), there.look(token)))
            time.sleep(0.01)
        return seen

    with ThreadPoolExecutor(4) as pool:
        watched = {token: pool.submit(watch, token) for token in [*tokens, kept]}
        for token in tokens:
            time.sleep(0.3)
            headers = basic(client.client_id, client.client_secret)
            assert here.ask("POST", "/oauth/revoke", headers, token=token)[0] == 200
            revoked_at[token] = time.monotonic()
        time.sleep(POLL_SECONDS + 0.3)
        over.set()
    assert {status for _, status in watched[kept].result()} == {200}
    for token, at in revoked_at.items():
        seen = watched[token].result()
        assert seen[0][1] == 200
        assert seen[-1][1] == 401
        delay = max(asked for asked, status in seen if status == 200) - at
        assert delay < POLL_SECONDS, f"accepted {delay:.2f} seconds after it was revoked"

    # A key is retired: its tokens end as soon, and the other process signs with it no more.
    for kid in {kid_of(kept), kid_of(there.token(client))}:
        assert json.loads(here.ask("POST", f"/retire/{kid}")[1]) == {"retired": True}
    time.sleep(POLL_SECONDS)
    assert there.look(kept) == 401
    assert here.look(there.token(client)) == 200
