"""A session in the middle of something: signed in to by twenty at once, ended while a code is exchanged, its database lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, select

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.errors import TemporarilyUnavailable
from tests.support.app import close_app
from tests.support.databases import every_database
from tests.support.other_process import OtherProcess
from tests.support.proxy import Proxy
from tests.support.signing_in import SigningIn, claims_in
from tests.support.stored import database_of

ROUNDS = 12
FORMATS = ["opaque", "jwt"]


@pytest.fixture
def sides(
    database_uri: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    """Two processes on one database; the clients "one" and "two" are there."""
    config = {"OAUTH_DATABASE_URI": database_uri, "OAUTH_ACCESS_TOKEN_FORMAT": getattr(request, "param", "opaque")}
    with ExitStack() as stack:
        here, there = (stack.enter_context(OtherProcess(config, tmp_path, SigningIn)) for _ in range(2))
        for client_id in ("one", "two"):
            here.ask("create", client_id=client_id)
        yield here, there


@every_database
@pytest.mark.timeout(300)
def test_twenty_sign_ins_of_one_browser_at_once_have_one_sid(sides: tuple[OtherProcess, OtherProcess]) -> None:
    here, there = sides
    found, cookie = [], here.ask("sign_in", cookie="", person="alice")
    for client_id in ("one", "two"):  # at the second one the app's session holds the browser's value
        given = {"cookie": cookie, "client_id": client_id, "times": 10}
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(each.ask, "sids_at_once", **given) for each in sides]
            sids = {sid for job in jobs for sid in job.result()}
        assert len(sids) == 1
        found += sids
        cookie, _ = there.ask("authorize", cookie=cookie, client_id=client_id)
    assert len(set(found)) == 2
    assert here.ask("end", subject="alice") == 2


def ends_well(sides: tuple[OtherProcess, OtherProcess], answer: dict[str, Any]) -> str:
    """That of an exchange and a sign-out at once the exchange failed, or what it gave has ended; which of them it was."""
    if "error" in answer:
        return "refused"
    for side in sides:
        assert side.ask("are_good", tokens=[answer["access_token"]]) == [False]
        assert "error" in side.ask("refresh", client_id="one", refresh_token=answer["refresh_token"])
    return "ended"


def a_code(side: OtherProcess) -> tuple[str, str]:
    """The code and `sid` of a new browser's sign-in."""
    cookie = side.ask("sign_in", cookie="", person="alice")
    cookie, answer = side.ask("authorize", cookie=cookie, client_id="one")
    _, implicit = side.ask("authorize", cookie=cookie, client_id="one", response_type="id_token", nonce="n")
    return answer["code"], claims_in(implicit["id_token"])["sid"]


@every_database
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sides", FORMATS, indirect=True)
def test_of_a_sign_out_and_an_exchange_at_once_nothing_outlives_the_session(
    sides: tuple[OtherProcess, OtherProcess],
) -> None:
    here, there = sides
    seen = []
    for number in range(ROUNDS):
        code, sid = a_code(here)
        with ThreadPoolExecutor(2) as pool:
            exchange = pool.submit(here.ask, "exchange", client_id="one", code=code)
            time.sleep(0.003 * (number % 4))
            assert there.ask("end", sid=sid) == 1
        seen.append(ends_well(sides, exchange.result()))
    assert len(seen) == ROUNDS


@contextmanager
def held(uri: str, what: str, sid: str) -> Iterator[None]:
    """Somebody else's transaction that holds a row which both want."""
    engine = create_engine(uri)
    table = {"session": tables.session, "code": tables.code, "approval": tables.approval}[what]
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(select(table).where(table.c.sid == sid).with_for_update()).all()
        yield
        connection.rollback()
    engine.dispose()


@every_database
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sides", FORMATS, indirect=True)
def test_nor_where_both_wait_for_a_lock(sides: tuple[OtherProcess, OtherProcess], database_uri: str) -> None:
    here, there = sides
    for what, first in product(("session", "code"), ("exchange", "end")):
        code, sid = a_code(here)
        jobs = {"exchange": (here, {"client_id": "one", "code": code}), "end": (there, {"sid": sid})}
        with ThreadPoolExecutor(2) as pool:
            with held(database_uri, what, sid):
                begun = {}
                for name in sorted(jobs, key=lambda name: name != first):
                    side, given = jobs[name]
                    begun[name] = pool.submit(side.ask, name, **given)
                    time.sleep(0.2)
                assert not begun["end"].done()
            assert begun["end"].result() == 1
            ends_well(sides, begun["exchange"].result())


SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sides", FORMATS, indirect=True)
@pytest.mark.parametrize("database_uri", SERVERS, indirect=True)
def test_nor_a_code_that_is_given_and_exchanged_while_the_session_ends(
    sides: tuple[OtherProcess, OtherProcess], database_uri: str
) -> None:
    """Until the end is committed, whoever asks still finds the session. SQLite has one writer at a time."""
    here, there = sides
    cookie = here.ask("sign_in", cookie="", person="alice")
    cookie, answer = here.ask("authorize", cookie=cookie, client_id="one")
    tokens = here.ask("exchange", client_id="one", code=answer["code"])
    sid = claims_in(tokens["id_token"])["sid"]

    def late() -> Any:
        _, answer = here.ask("authorize", cookie=cookie, client_id="one")
        return here.ask("exchange", client_id="one", code=answer["code"])

    with ThreadPoolExecutor(2) as pool:
        with held(database_uri, "approval", sid):
            ending = pool.submit(there.ask, "end", sid=sid)
            time.sleep(0.5)
            exchange = pool.submit(late)
            time.sleep(0.5)
            assert not ending.done()
        assert ending.result() == 1
        assert ends_well(sides, exchange.result()) == "refused"
    assert ends_well(sides, tokens) == "ended"


class Meanwhile(SigningIn):
    """Asks a slow hook while a token is issued, which ends the session."""

    def while_issuing(self, sid: str, **what: Any) -> Any:
        @self.gateway.token_attributes
        def slow(*_: Any) -> dict[str, Any]:
            self.gateway.sessions.end(sid=sid)
            return {}

        try:
            return self.authorize(**what)[1] if "cookie" in what else self.exchange(**what)
        finally:
            self.gateway.hooks.token_attributes = None

    def while_asked_for_claims(self, cookie: str) -> dict[str, str]:
        """The user's claims are asked for between the look for the session and the code."""

        @self.gateway.user_claims
        def slow(*_: Any) -> dict[str, Any]:
            assert self.gateway.sessions.end(subject="alice")
            return {}

        try:
            more = {"response_type": "code id_token", "nonce": "n", "claims": '{"id_token": {"name": null}}'}
            return dict(self.authorize(cookie, "one", **more)[1])
        finally:
            self.gateway.hooks.user_claims = None


@every_database
@pytest.mark.parametrize("access_token_format", FORMATS)
def test_nor_where_a_hook_is_slow(database_uri: str, tmp_path: Path, access_token_format: str) -> None:
    config = {"OAUTH_DATABASE_URI": database_uri, "OAUTH_ACCESS_TOKEN_FORMAT": access_token_format}
    side = Meanwhile(config, str(tmp_path))
    side.create("one")
    side.create("spa", grant_types=["implicit"], token_endpoint_auth_method="none", client_secret=None)
    cookie = side.sign_in("", "alice")
    cookie, answer = side.authorize(cookie, "one")
    _, implicit = side.authorize(cookie, "one", response_type="id_token", nonce="n")
    sid = claims_in(implicit["id_token"])["sid"]
    assert "error" in side.while_issuing(sid, client_id="one", code=answer["code"])
    late = side.while_asked_for_claims(cookie)
    assert "error" in side.exchange("one", late["code"])
    hybrid = {"client_id": "spa", "response_type": "id_token token", "nonce": "n"}
    _, first = side.authorize(cookie, **hybrid)
    sid = claims_in(first["id_token"])["sid"]
    assert side.while_issuing(sid, cookie=cookie, **hybrid)["error"] == "login_required"
    assert side.are_good([first["access_token"]]) == [False]
    close_app(side.app)


class Cut(Proxy):
    """Breaks the connection as soon as it has heard a word from the client."""

    word = b""

    def heard(self, connection: int, data: bytes) -> bytes:
        if self.word and self.word in data:
            self.word = b""
            Thread(target=self.close).start()
            time.sleep(0.3)
            raise OSError
        return data


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("at", [b"DELETE FROM oauth_session", b"UPDATE oauth_family", b"COMMIT"])
def test_where_the_database_goes_away_in_the_middle_nothing_is_half_done(
    server: str, at: bytes, server_database: Any, tmp_path: Path
) -> None:
    database = server_database(server)
    database.empty(keep_tables=False)
    url = make_url(database.uri)
    assert url.host
    assert url.port
    proxy = Cut(url.host, url.port)
    through = url.set(host="127.0.0.1", port=proxy.port)
    if server == "postgresql":
        through = through.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
    uri = through.render_as_string(hide_password=False)
    side = SigningIn({"OAUTH_DATABASE_URI": uri}, str(tmp_path))
    side.create("one", backchannel_logout_uri="https://app.example/out")
    cookie, answer = side.authorize(side.sign_in("", "alice"), "one")
    _, unspent = side.authorize(cookie, "one")
    tokens = side.exchange("one", answer["code"])
    proxy.word = at
    with pytest.raises(TemporarilyUnavailable):
        side.end(subject="alice")
    assert not proxy.word, "it was cut there"
    with pytest.raises(TemporarilyUnavailable):
        side.sign_out(cookie)
    proxy.open()
    rows = database_of(side.app).all
    assert (len(rows(select(tables.session))), rows(select(tables.logout))) == (1, [])
    assert side.are_good([tokens["access_token"]]) == [True]
    tokens = side.refresh("one", tokens["refresh_token"])
    assert "access_token" in side.exchange("one", unspent["code"])
    side.sign_out(cookie)
    assert (rows(select(tables.session)), len(rows(select(tables.logout)))) == ([], 1)
    assert side.are_good([tokens["access_token"]]) == [False]
    proxy.close()
    close_app(side.app)
