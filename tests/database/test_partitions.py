"""`flask oauth token partition`: the tokens' table in partitions, which are made ahead, and dropped when they are past."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import MetaData

from flask_oauth_gateway.database.partitions import beginning, days, locking
from flask_oauth_gateway.database.tables import add_to
from tests.support.app import MakeApp, token_for
from tests.support.clock import Clock
from tests.support.command_line import told_by
from tests.support.partitions import DAY, day, partitions, run, store
from tests.support.statements import statements_of
from tests.support.stored import database_of, gateway_of, register, status_with, tokens_of

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
pytestmark = pytest.mark.parametrize(
    "database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def now() -> int:
    return int(time.time())


def test_tokens_go_on_through_the_first_run_and_everything_about_them_works(app: Flask, clock: Clock, now: int) -> None:
    registered, client = register(app), app.test_client()
    before = token_for(client, registered)["access_token"]
    old = store(app, 300, issued_at=now - 60, expires_at=now + 30 * DAY, old=True)
    store(app, 50, issued_at=now - 60, expires_at=now - 1, old=True)
    said = run(app)
    assert "is partitioned now" in said
    names = partitions(app)
    assert {"rest", day(3600), day(3600 + DAY), day(3600 + 7 * DAY)} <= names.keys()
    after = token_for(client, registered)["access_token"]
    for token in (before, after, *old[:40]):
        assert status_with(app, token) == 200
    gateway = gateway_of(app)
    assert len(gateway.tokens.find(client_id=registered.client_id).tokens) == 2
    found = gateway.tokens.get(token=after)
    assert found is not None
    assert gateway.tokens.get(token_id=found.token_id) is not None
    assert gateway.tokens.set_attributes({"plan": "gold"}, token=after)
    assert gateway.tokens.revoke(token=after) == 1
    assert status_with(app, after) == 401
    assert gateway.tokens.revoke(client_id=registered.client_id) == 1
    assert status_with(app, before) == 401
    assert sum(partitions(app).values()) >= 302
    clock.advance(60)  # what was stored until the first run is past now, however long that took
    assert "is made" not in run(app)
    assert {status_with(app, token) for token in old} == {200}
    assert run(app) == "Nothing was to be done.\n"


def test_a_dry_run_changes_nothing(app: Flask) -> None:
    assert "would become partitioned" in run(app, "--dry-run")
    assert partitions(app) == {}
    run(app)
    assert f"oauth_access_token_{day(3600 + 9 * DAY)} would be made" in run(app, "--dry-run", "--ahead", "10")
    assert len(partitions(app)) == 2 + 8


def test_past_partitions_are_dropped_and_few_long_lived_tokens_are_kept(app: Flask, clock: Clock, now: int) -> None:
    run(app)
    short = store(app, 30, issued_at=now + 60, expires_at=now + 3600)
    (long,) = store(app, 1, issued_at=now + 60, expires_at=now + 400 * DAY)
    clock.advance(3 * DAY)
    gone = run(app)
    assert gone.count("is dropped") >= 3
    assert f"oauth_access_token_{day(-3 * DAY + 3600)} is dropped; 1 live tokens went to" in gone
    names = partitions(app)
    assert names["rest"] == 1
    assert not any(name.startswith("until") for name in names)
    assert status_with(app, long) == 200
    assert {status_with(app, token) for token in short} == {401}
    clock.advance(398 * DAY)
    assert tokens_of(app).purge() > 0
    assert partitions(app)["rest"] == 0


def test_a_partition_with_many_live_tokens_stays_whole(
    app: Flask, clock: Clock, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "FEW", 20)
    run(app)
    tokens = store(app, 21, issued_at=now + 60, expires_at=now + 30 * DAY)
    clock.advance(5 * DAY)
    assert "stays: more than 20 of its tokens are live" in run(app)
    assert status_with(app, tokens[0]) == 200
    clock.advance(26 * DAY)
    assert f"oauth_access_token_{day(-31 * DAY + 3600)} is dropped." in run(app)


def test_run_late_it_makes_no_partition_of_days_that_are_past(app: Flask, clock: Clock) -> None:
    run(app)
    clock.advance(20 * DAY)
    registered = register(app)
    late = token_for(app.test_client(), registered)["access_token"]
    assert partitions(app)["rest"] == 1
    run(app)
    assert set(partitions(app)) == {"rest", *(day(number * DAY) for number in range(1, 8))}
    assert status_with(app, late) == 200
    ahead = store(app, 1, issued_at=int(time.time()) + 9 * DAY, expires_at=int(time.time()) + 20 * DAY)
    assert partitions(app)["rest"] == 2, "a host's clock is wrong"
    clock.advance(3 * DAY)
    run(app)
    assert status_with(app, ahead[0]) == 200
    assert partitions(app)[day(6 * DAY)] == 1, "it stood in the way of its own day's partition"


def test_a_purge_leaves_partitions_to_be_dropped(app: Flask, now: int) -> None:
    run(app)
    store(app, 10, issued_at=now - 10, expires_at=now - 1)
    in_rest = store(app, 5, issued_at=now + 60 * DAY, expires_at=now - 1)
    assert partitions(app)["rest"] == len(in_rest)
    assert tokens_of(app).purge(batch=100) == 5
    assert sum(partitions(app).values()) == 10


@pytest.mark.parametrize("step", ["_move_some", "_validate", "_join"])
def test_a_run_that_was_killed_is_gone_on_with(
    app: Flask, clock: Clock, now: int, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, registered = app.test_client(), register(app, access_token_lifetime=30 * DAY)
    tokens = store(app, 200, issued_at=now - 60, expires_at=now + 60 * DAY, old=True)
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(beginning, step, killed)
            failed = app.test_cli_runner().invoke(args=["oauth", "token", "partition"])
            assert isinstance(failed.exception, KeyboardInterrupt | SystemExit)
        clock.advance(2 * DAY)
        tokens.append(token_for(client, registered)["access_token"])
        assert status_with(app, tokens[0]) == 200
        assert tokens_of(app).revoke(token=tokens.pop(0)) == 1
    run(app)
    clock.advance(-4 * DAY)
    assert {status_with(app, token) for token in tokens} == {200}
    assert "rest" in partitions(app)


def killed(*arguments: Any, **more: Any) -> None:
    raise KeyboardInterrupt


def test_a_statement_about_one_token_touches_one_partition(app: Flask, now: int) -> None:
    run(app, "--ahead", "20")
    (token,) = store(app, 1, issued_at=now, expires_at=now + 3600)
    registered = register(app)
    with statements_of(database_of(app).engine) as told:
        assert status_with(app, token) == 200
        app.test_client().post(
            "/oauth/revoke",
            data={"token": token, "client_id": registered.client_id, "client_secret": registered.client_secret},
        )
    about = [(s, p) for s, p in told if "oauth_access_token" in s]
    assert len(about) >= 2
    with database_of(app).engine.connect() as connection:
        for mode in ("force_custom_plan", "force_generic_plan"):
            connection.exec_driver_sql(f"SET plan_cache_mode = {mode}")
            for statement, parameters in about:
                explain = f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {statement}"
                plan = "\n".join(row[0] for row in connection.exec_driver_sql(explain, parameters))
                steps = re.findall(r"Scan.* on oauth_access_token_(\w+).*?\((never|actual)", plan)
                scanned = {name for name, ran in steps if ran == "actual"}
                assert len(scanned) <= 1, plan
        connection.exec_driver_sql("RESET plan_cache_mode")


def test_flask_migrate_leaves_partitions_alone(app: Flask) -> None:
    run(app)
    mine = MetaData()
    add_to(mine)

    advice = re.search(r"```python\n(def include_object.*?)```", SCALING.read_text(), re.DOTALL)
    assert advice is not None
    found: dict[str, Any] = {}
    exec(advice[1], found)  # noqa: S102, as it stands on the page

    with database_of(app).engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": found["include_object"]})
        assert compare_metadata(context, mine) == []
        careless = MigrationContext.configure(connection)
        assert {difference[0] for difference in compare_metadata(careless, mine)} >= {"remove_table"}


def test_two_at_once_and_a_lock_that_is_not_to_be_had(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(locking, "ATTEMPTS", 2)
    with database_of(app).engine.connect() as plain:
        other = plain.execution_options(isolation_level="READ COMMITTED")
        with other.begin():
            other.exec_driver_sql("LOCK TABLE oauth_access_token IN ROW EXCLUSIVE MODE")
            refused = app.test_cli_runner().invoke(args=["oauth", "token", "partition"])
            assert refused.exit_code == 1
            assert refused.stderr.startswith("Error: "), refused.stderr
            assert refused.stderr.count("\n") == 1
    run(app)


def test_the_first_dry_run_says_all_that_the_run_makes(app: Flask) -> None:
    rehearsed = run(app, "--dry-run", "--ahead", "3")
    done = run(app, "--ahead", "3")
    assert "would become partitioned" in rehearsed
    assert done.count("is made") >= 2
    assert re.findall(r"(\w+) would be made", rehearsed) == re.findall(r"(\w+) is made", done)


def test_a_database_that_shows_bytes_in_another_way_has_the_same_partitions(app: Flask, clock: Clock) -> None:
    with _altered(app, "SET bytea_output = 'escape'", "RESET bytea_output"):
        run(app)
        clock.advance(60)  # what was stored until the first run is past now, however long that took
        assert re.fullmatch(r"The partition oauth_access_token_until_\w+ is dropped\.\n", run(app))
        assert run(app) == "Nothing was to be done.\n"
        clock.advance(2 * DAY)
        assert run(app).count("is dropped") >= 1


@contextmanager
def _altered(app: Flask, change: str, back: str) -> Iterator[None]:
    """Alter the database for the connections that are opened meanwhile."""
    database = database_of(app)

    def alter(what: str) -> None:
        with database.engine.connect() as connection:
            name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
            connection.exec_driver_sql(f"ALTER DATABASE {name} {what}")
        database.dispose()

    alter(change)
    try:
        yield
    finally:
        alter(back)


def test_with_every_day_dropped_by_hand_the_next_days_are_made(app: Flask) -> None:
    run(app, "--ahead", "2")
    with database_of(app).engine.connect() as connection:
        for name in partitions(app).keys() - {"rest"}:
            connection.exec_driver_sql(f"DROP TABLE oauth_access_token_{name}")
    assert run(app, "--dry-run", "--ahead", "2").count("would be made") == 2
    assert run(app, "--ahead", "2").count("is made") == 2
    assert set(partitions(app)) == {"rest", day(DAY), day(2 * DAY)}


def test_who_does_not_own_the_table_is_told_so(
    make_app: MakeApp, app: Flask, database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    with database_of(app).engine.connect() as connection:
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
        connection.exec_driver_sql("DROP ROLE IF EXISTS oauth_no_owner")
        connection.exec_driver_sql("CREATE ROLE oauth_no_owner LOGIN")
        try:
            connection.exec_driver_sql(f"GRANT ALL ON SCHEMA {schema} TO oauth_no_owner")
            connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO oauth_no_owner")
            other = make_app(OAUTH_DATABASE_URI=f"{database_uri}?options=-c%20role%3Doauth_no_owner")
            told = told_by(other, "token", "partition")
        finally:
            connection.exec_driver_sql("DROP OWNED BY oauth_no_owner")
            connection.exec_driver_sql("DROP ROLE oauth_no_owner")
    assert "must be owner of" in told
    assert "(ALTER TABLE … OWNER TO)" in caplog.text
    assert "GRANT" not in caplog.text
