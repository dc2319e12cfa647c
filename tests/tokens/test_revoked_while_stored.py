"""A revocation that comes while a token is just being stored: somebody has looked already whether anything is revoked."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from flask_oauth_gateway.database import writers
from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.signals import token_revoked
from tests.support.app import MakeApp, gateway_of, recorded
from tests.support.stored import database_of, register, status_with

ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
ON_MARIADB = pytest.param("mariadb", marks=pytest.mark.mariadb)
#: By dialect: what makes an INSERT stop, and undoes it; what holds it up, and lets it go on; how many are being held up.
STOPS = {
    "postgresql": (
        (
            """CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END'""",
            "CREATE TRIGGER stop_here BEFORE INSERT ON oauth_access_token FOR EACH ROW EXECUTE FUNCTION stop_here()",
        ),
        ("DROP TRIGGER stop_here ON oauth_access_token", "DROP FUNCTION stop_here()"),
        "SELECT pg_advisory_lock(77)",
        "SELECT pg_advisory_unlock(77)",
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()",
    ),
    "mysql": (
        (
            """CREATE TRIGGER stop_here BEFORE INSERT ON oauth_access_token FOR EACH ROW
            SET @stopped = GET_LOCK(DATABASE(), 20) + RELEASE_LOCK(DATABASE())""",
        ),
        ("DROP TRIGGER stop_here",),
        "SELECT GET_LOCK(DATABASE(), 5)",
        "SELECT RELEASE_LOCK(DATABASE())",
        "SELECT count(*) FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()",
    ),
}


@pytest.fixture
def app(make_app: MakeApp, database_uri: str) -> Flask:
    """On MariaDB, where the server's default lets an INSERT not lock what it decides by."""
    url = make_url(database_uri)
    if url.get_backend_name() != "postgresql":
        command = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        database_uri = url.update_query_dict({"init_command": command}).render_as_string(hide_password=False)
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="opaque", OAUTH_DATABASE_URI=database_uri)
    register(app, client_id="one")
    return app


def issue(app: Flask) -> str:
    with app.test_request_context():
        return str(gateway_of(app).tokens.issue("one", subject="alice", scope=["weather:read"])["access_token"])


def revoke(app: Flask, **whose: str) -> int:
    with app.test_request_context():
        return gateway_of(app).tokens.revoke(**whose)


@contextmanager
def stopped_inserts(app: Flask) -> Iterator[tuple[Callable[[], bool], Callable[[], None]]]:
    """Meanwhile the INSERT of a token stops before it ends. Gives two functions: whether one has stopped, and "go on"."""
    engine = database_of(app).engine
    make, drop, hold, free, held_up = STOPS["postgresql" if engine.dialect.name == "postgresql" else "mysql"]
    with engine.connect() as holder, engine.connect() as other:

        def run(statement: str, connection: Any = other) -> Any:
            found = connection.execute(text(statement))
            return found.scalar() if found.returns_rows else None

        for statement in make:
            run(statement)
        run(hold, holder)

        def go_on() -> None:
            run(free, holder)

        def has_stopped() -> bool:
            ends = time.monotonic() + 20
            while time.monotonic() < ends:
                if run(held_up):
                    return True
                time.sleep(0.01)
            return False

        try:
            yield has_stopped, go_on
        finally:
            go_on()
            for statement in drop:
                run(statement)


@pytest.mark.parametrize("database_uri", [ON_POSTGRESQL, ON_MARIADB], indirect=True)  # SQLite has one writer at a time
@pytest.mark.parametrize("whose", [{"subject": "alice"}, {"client_id": "one"}], ids=["the user's", "the client's"])
def test_the_token_is_revoked_too(app: Flask, whose: dict[str, str]) -> None:
    decisions: list[str] = []

    @gateway_of(app).token_attributes
    def token_attributes(client: Any, user: Any, scopes: Any, grant_type: str) -> dict[str, Any]:
        decisions.append(grant_type)
        return {}

    given = issue(app)
    with ThreadPoolExecutor(2) as pool, stopped_inserts(app) as (has_stopped, go_on):
        issuing = pool.submit(issue, app)
        assert has_stopped()
        assert len(decisions) == 2
        revoking = pool.submit(revoke, app, **whose)
        time.sleep(0.3)
        assert not issuing.done()
        go_on()
        late = issuing.result()
        ended = revoking.result()
    # MariaDB may undo the INSERT, where the two wait for each other: then the app is asked again, after the revocation.
    assert ended == 2 or len(decisions) == 3
    assert [status_with(app, token) for token in (given, late)] == [401, 401 if ended == 2 else 200]
    assert status_with(app, issue(app)) == 200, "what begins after the revocation is good"


@pytest.mark.parametrize("database_uri", [ON_POSTGRESQL], indirect=True)
def test_who_would_wait_for_too_long_is_told_to_ask_again_and_the_log_by_whom(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What could be ended is ended at once, and told: nobody has to ask again for that."""
    monkeypatch.setattr(writers, "MAX_SECONDS", 0.2)
    given = issue(app)
    assert status_with(app, given) == 200
    with ThreadPoolExecutor(1) as pool, stopped_inserts(app) as (has_stopped, go_on):
        issuing = pool.submit(issue, app)
        assert has_stopped()
        with pytest.raises(TemporarilyUnavailable, match="ask once more"), recorded(token_revoked, app) as told:
            revoke(app, subject="alice")
        assert status_with(app, given) == 401
        assert [(signal["subject"], signal["count"]) for signal in told] == [("alice", 1)]
        assert re.search(r"PostgreSQL's processes \d+, which", caplog.text)
        go_on()
        late = issuing.result()
    revoke(app, subject="alice")
    assert status_with(app, late) == 401


@pytest.mark.parametrize("database_uri", [ON_POSTGRESQL], indirect=True)
def test_a_long_transaction_that_only_reads_delays_no_revocation(app: Flask) -> None:
    given = issue(app)
    with database_of(app).engine.connect() as reader:
        reader.execute(text("BEGIN"))
        reader.execute(text("SELECT * FROM oauth_access_token"))
        began = time.monotonic()
        assert revoke(app, subject="alice") == 1
        assert time.monotonic() - began < 10
        reader.execute(text("ROLLBACK"))
    assert status_with(app, given) == 401


@pytest.mark.parametrize("database_uri", [ON_POSTGRESQL], indirect=True)
def test_who_writes_to_a_copy_of_the_database_delays_no_revocation(app: Flask, database_uri: str) -> None:
    """A copy's tables have the same numbers in PostgreSQL's list of locks."""
    given = issue(app)
    database_of(app).dispose()
    url = make_url(database_uri)
    copy = f"{url.database}_copy"
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {copy}"))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :it"), {"it": url.database}
        )
        connection.execute(text(f"CREATE DATABASE {copy} TEMPLATE {url.database}"))
    try:
        with create_engine(url.set(database=copy), poolclass=NullPool).begin() as writer:
            writer.execute(text("UPDATE oauth_access_token SET scope = scope"))
            began = time.monotonic()
            assert revoke(app, subject="alice") == 1
            assert time.monotonic() - began < writers.MAX_SECONDS / 2
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {copy} WITH (FORCE)"))
    assert status_with(app, given) == 401
