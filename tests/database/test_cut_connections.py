"""Connections to PostgreSQL are cut in mid-statement, at random and again and again.

Each answer is its own, no token that was handed out is missing, and whoever gets none is told to come back (503).
"""

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import String, bindparam, insert, make_url, select

from flask_oauth_gateway.database.prepared import Prepared
from flask_oauth_gateway.database.tables import once
from flask_oauth_gateway.errors import TemporarilyUnavailable
from tests.support.app import MakeApp, basic, bearer
from tests.support.proxy import Proxy
from tests.support.site import GRANT_TYPES, MakeSite, granted
from tests.support.stored import audit_of, database_of

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_uri", ["postgresql"], indirect=True),
]
THREADS = 6
ECHO = Prepared(select(bindparam("tag", type_=String).label("tag")))
ONCE = Prepared(insert(once), once.c.keys())


class CuttingProxy(Proxy):
    """Cuts a connection before a message, or amid the answer to it: of so many messages one, while it `cuts`."""

    def __init__(self, host: str, port: int) -> None:
        self.one_in = 0
        self.cuts = 0
        self._chance = random.Random(15)  # noqa: S311 (not for secrecy)
        super().__init__(host, port)

    def _cuts_now(self) -> bool:
        if not self.one_in or self._chance.randrange(self.one_in):
            return False
        self.cuts += 1
        return True

    def heard(self, connection: int, data: bytes) -> bytes:
        if self._cuts_now():
            raise ConnectionError
        return data

    def answered(self, client: socket.socket, data: bytes) -> None:
        if self._cuts_now():
            client.sendall(data[: self._chance.randrange(len(data))])
            raise ConnectionError
        client.sendall(data)


@pytest.fixture
def proxy(database_uri: str) -> Iterator[CuttingProxy]:
    url = make_url(database_uri)
    proxy = CuttingProxy(url.host or "", url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def uri_of_proxy(database_uri: str, proxy: CuttingProxy) -> str:
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    url = make_url(database_uri).set(host="127.0.0.1", port=proxy.port).update_query_dict(plain)
    return url.render_as_string(hide_password=False)


def together(work: Callable[[int], None]) -> None:
    """Do it in each of several threads, with its number."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, number) for number in range(THREADS)]:
            done.result()


@pytest.mark.parametrize("prepared", [None, False])
def test_every_statement_gets_its_own_answer(
    make_app: MakeApp, uri_of_proxy: str, proxy: CuttingProxy, prepared: bool | None
) -> None:
    database = database_of(make_app(OAUTH_DATABASE_URI=uri_of_proxy, OAUTH_DATABASE_PREPARED=prepared))
    stored: set[bytes] = set()
    told: Counter[str] = Counter()

    def work(thread: int) -> None:
        for number in range(150):
            tag = f"{thread}:{number}"
            try:
                row = database.first(ECHO, {"tag": tag})
                assert row == (tag,)
                told["answered"] += 1
                key = tag.encode().ljust(32, b".")
                if number % 3 == 0:
                    assert database.run(ONCE, {"key": key, "expires_at": number}) == 1
                    stored.add(key)
                elif number % 3 == 1:
                    with database.transaction() as connection:
                        assert ONCE.execute(connection, {"key": key, "expires_at": number}).rowcount == 1
                        assert ECHO.execute(connection, {"tag": tag}).first() == (tag,)
                    stored.add(key)
            except TemporarilyUnavailable:
                told["unavailable"] += 1

    database.first(ECHO, {"tag": "calm"})
    proxy.one_in = 15
    together(work)
    proxy.one_in = 0
    assert proxy.cuts > 50
    assert told["unavailable"] > 10
    assert told["answered"] > 300
    assert stored <= {row.key for row in database.all(select(once.c.key))}


def test_every_request_gets_its_own_answer_and_every_token_is_stored(
    make_site: MakeSite, uri_of_proxy: str, proxy: CuttingProxy
) -> None:
    site = make_site(OAUTH_DATABASE_URI=uri_of_proxy)
    clients = [site.register(grant_types=GRANT_TYPES, client_id=f"client {number}") for number in range(THREADS)]
    families = [iter([site.tokens(client)["refresh_token"] for _ in range(6)]) for client in clients]
    handed_out: dict[str, str] = {}
    last: dict[str, str] = {}  # of each family, the refresh token that was handed out last
    told: Counter[int] = Counter()

    def work(thread: int) -> None:
        client, browser = clients[thread], site.app.test_client()
        headers = basic(client.client_id, client.client_secret or "")
        token, family = "", None

        def ask(path: str, data: dict[str, str]) -> Any:
            response = browser.post(path, data=data, headers=headers)
            assert response.status_code in (200, 503), response.text
            told[response.status_code] += 1
            return response.get_json() if response.status_code == 200 else None

        for number in range(40):
            new = ask("/oauth/token", {"grant_type": "client_credentials"})
            if new is not None:
                token = new["access_token"]
                handed_out[token] = client.client_id
            if token:
                found = ask("/oauth/introspect", {"token": token})
                assert found is None or (found["active"], found["client_id"]) == (True, client.client_id)
                seen = browser.get("/me", headers=bearer(token))
                assert seen.status_code in (200, 503)
                told[seen.status_code] += 1
                if seen.status_code == 200:
                    assert seen.get_json()["client"] == client.client_id
            if number % 2:
                family = family or next(families[thread], None)
                if family is not None:
                    refreshed = ask("/oauth/token", {"grant_type": "refresh_token", "refresh_token": family})
                    last.pop(family, None)
                    family = None
                    if refreshed is not None:
                        handed_out[refreshed["access_token"]] = client.client_id
                        family = refreshed["refresh_token"]
                        last[family] = client.client_id

    proxy.one_in = 20
    together(work)
    proxy.one_in = 0
    assert proxy.cuts > 25
    assert told[503] > 10
    assert told[200] > 300
    assert handed_out
    for token, client_id in handed_out.items():
        found = site.me(token)
        assert found is not None
        assert found["client"] == client_id
    by_id = {client.client_id: client for client in clients}
    for refresh_token, client_id in last.items():
        assert granted(site.refresh(by_id[client_id], refresh_token))
    audit_of(site.app).flush()
