"""A database of an older version, with clients, tokens, approvals, keys and an audit trail, is upgraded: nothing is lost.

A process asks all the while, and one of the older version stores tokens as it did: what was stored before counts afterwards.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import Migrate, init, migrate, stamp, upgrade
from sqlalchemy import create_engine, inspect, text

from flask_oauth_gateway.database.purge import purge_expired
from flask_oauth_gateway.database.tables import SCHEMA_VERSION
from tests.support.app import basic, bearer, build_app, close_app, register
from tests.support.app_database import AppDatabase, app_with_database, close_all
from tests.support.clock import Clock
from tests.support.older import CONFIG, PORTAL, SECRETS, TOLD, restore
from tests.support.other_process import PROCESSES
from tests.support.stored import database_of, gateway_of

pytestmark = pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")
REAL_TIME = time.time
by_version = pytest.mark.parametrize("version", [1, 2])


@pytest.fixture(autouse=True)
def then(clock: Clock) -> None:
    """The tokens of that time are good for thirty days, and JWTs can't be for longer."""
    clock.advance(TOLD["made_at"] + 3600 - time.time())


def issue_as_before(uri: str, ahead: float, until: Any, count: Any, told: Any) -> None:
    """A process of the older version that goes on: it stores tokens as that did."""
    engine, given = create_engine(uri), []
    statement = text(
        "INSERT INTO oauth_access_token (token_hash, client, scope, grant_type, issued_at, expires_at)"
        " SELECT :hash, id, 'weather:read', 'client_credentials', :now, :later FROM oauth_client"
        " WHERE client_id = 'machine' AND enabled"
    )
    while not until.is_set():
        token, now = secrets.token_urlsafe(32), int(time.time() + ahead)
        row = {"hash": hashlib.sha256(token.encode()).digest(), "now": now, "later": now + 86400}
        with engine.begin() as connection:
            stored = connection.execute(statement, row).rowcount
        if stored != 1:  # no assert: in another process pytest doesn't bring it back under -O
            raise RuntimeError("the client is gone")
        given.append(token)
        count.value += 1
        time.sleep(0.01)
    engine.dispose()
    told.put(given)


def ask(build: Callable[..., Flask], uri: str, folder: Path, ahead: float, until: Any, count: Any, told: Any) -> None:
    """A process of this version that asks with an old token; it tells the status of each answer."""
    real = time.time
    time.time = lambda: real() + ahead
    app = build(uri, folder)
    client, seen = app.test_client(), []
    while not until.is_set():
        seen.append(client.get("/weather", headers=bearer(TOLD["good"]["web"])).status_code)
        count.value += 1
        time.sleep(0.02)
    close_app(app)
    told.put(seen)


def own_database(uri: str, folder: Path) -> Flask:
    return build_app(**CONFIG, OAUTH_OIDC=True, OAUTH_DATABASE_URI=uri, instance_path=str(folder))


def app_s_database(uri: str, folder: Path) -> Flask:
    return app_with_database(uri, AppDatabase(), folder, **CONFIG, OAUTH_OIDC=True)


def upgraded_under_load(uri: str, folder: Path, build: Callable[..., Flask], do: Callable[[], object]) -> list[str]:
    """Upgrade while both processes go on; the tokens that were stored meanwhile."""
    until, stored, seen = PROCESSES.Event(), PROCESSES.Queue(), PROCESSES.Queue()
    ahead = time.time() - REAL_TIME()
    counts = [PROCESSES.Value("i", 0) for _ in range(2)]
    processes = [
        PROCESSES.Process(target=issue_as_before, args=(uri, ahead, until, counts[0], stored), daemon=True),
        PROCESSES.Process(target=ask, args=(build, uri, folder, ahead, until, counts[1], seen), daemon=True),
    ]
    for process in processes:
        process.start()
    try:
        wait_for(counts)
        do()
        wait_for(counts)
    finally:
        until.set()
    tokens, answers = stored.get(timeout=30), seen.get(timeout=30)
    for process in processes:
        process.join(20)
    assert set(answers) <= {200, 503}, "it waits for the tables, and doesn't refuse what is good"
    assert answers == sorted(answers, reverse=True), "once they are there it goes on"
    assert answers[-1] == 200
    return list(tokens)


def wait_for(counts: Any) -> None:
    """Until both have done their work five times more."""
    there, ends = [count.value for count in counts], time.monotonic() + 40
    while any(count.value < before + 5 for count, before in zip(counts, there, strict=True)):
        assert time.monotonic() < ends, "one of the processes doesn't go on"
        time.sleep(0.02)


def nothing_is_lost(app: Flask, stored: list[str], version: int) -> None:
    client = app.test_client()

    def status(token: str) -> int:
        return client.get("/weather", headers=bearer(token)).status_code

    def post(path: str, who: str, **form: str) -> Any:
        return client.post(f"/oauth/{path}", data=form, headers=basic(who, SECRETS[who]))

    assert len(stored) > 5
    assert {status(token) for token in (*TOLD["good"].values(), TOLD["good_jwt"], *stored)} == {200}
    assert {name: status(token) for name, token in TOLD["revoked"].items()} == dict.fromkeys(TOLD["revoked"], 401)
    refreshed = [
        post("token", "web", grant_type="refresh_token", refresh_token=token)
        for token in TOLD["refresh_tokens"].values()
    ]
    assert [answer.status_code for answer in refreshed] == [200, 200]
    again = post("token", "web", grant_type="refresh_token", refresh_token=refreshed[0].get_json()["refresh_token"])
    assert again.status_code == 200
    assert status(again.get_json()["access_token"]) == 200
    assert post("token", "web", grant_type="refresh_token", refresh_token=TOLD["spent"]).status_code == 400
    assert status(TOLD["good"]["rotated"]) == 401, "a spent refresh token came again"
    if version == 2:
        signed_in = post("token", "portal", grant_type="refresh_token", refresh_token=PORTAL["refresh_token"])
        assert "id_token" in signed_in.get_json(), "whoever signed in before there were sessions goes on without one"
    assert post("introspect", "machine", token=TOLD["good"]["machine"]).get_json()["active"]
    assert post("token", "disabled", grant_type="client_credentials").status_code == 401
    gateway = gateway_of(app)
    gateway.clients.update("disabled", enabled=True)
    assert status(TOLD["revoked"]["jwt of a disabled client"]) == 200, "that client works again"
    assert [each.name for each in gateway.applications.find().applications] == ["Partner"]
    consents = database_of(app).all(text("SELECT subject, scope FROM oauth_consent ORDER BY client, subject"))
    assert [tuple(row) for row in consents] == [(who, "weather:read weather:write") for who in ("alice", "bob") * 2]
    assert gateway.tokens.revoke(subject="alice") > 0
    assert status(TOLD["good"]["web"]) == 401
    checked = app.test_cli_runner().invoke(args=["oauth", "audit", "verify"])
    assert checked.exit_code == 0, checked.output
    assert int(re.findall(r"Entries: (\d+)", checked.output)[0]) > 25
    assert database_of(app).all(text("SELECT version FROM oauth_schema")) == [(SCHEMA_VERSION,)]


def init_db(app: Flask) -> Callable[[], object]:
    def run() -> None:
        result = app.test_cli_runner().invoke(args=["oauth", "init-db"])
        assert result.exit_code == 0, result.output

    return run


@by_version
def test_by_init_db_on_the_gateway_s_own_database(database_uri: str, tmp_path: Path, version: int) -> None:
    restore(database_uri, version)
    does = own_database(database_uri, tmp_path)
    stored = upgraded_under_load(database_uri, tmp_path, own_database, init_db(does))
    with does.app_context():
        nothing_is_lost(does, stored, version)
    close_app(does)


@by_version
def test_by_init_db_on_the_app_s_database(database_uri: str, tmp_path: Path, version: int) -> None:
    restore(database_uri, version)
    does = app_s_database(database_uri, tmp_path)
    stored = upgraded_under_load(database_uri, tmp_path, app_s_database, init_db(does))
    with does.app_context():
        nothing_is_lost(does, stored, version)
    close_all(does)


def test_by_first_use_where_only_pushed_requests_are_lacking(database_uri: str, tmp_path: Path) -> None:
    before = own_database(database_uri, tmp_path)
    token = gateway_of(before).tokens.issue(register(before).client_id)["access_token"]
    for change in ("DROP TABLE oauth_pushed_request", "UPDATE oauth_schema SET version = 3"):
        database_of(before).run(text(change))
    close_app(before)
    does = own_database(database_uri, tmp_path)
    assert does.test_client().get("/weather", headers=bearer(token)).status_code == 200
    assert purge_expired(database_of(does), batch=100) == 0, "which looks at every table"
    assert database_of(does).all(text("SELECT version FROM oauth_schema")) == [(SCHEMA_VERSION,)]
    close_app(does)


def without_the_drop(script: str) -> str:
    """The migration as the changelog says: `oauth_revocation` stays until its rows are brought over at the first start."""
    up, _, down = script.partition("def downgrade")
    up = re.sub(r"    with op.batch_alter_table\('oauth_revocation'.*?\n\n", "", up, flags=re.DOTALL)
    up = re.sub(r"    op.drop_table\('oauth_revocation'\)\n", "", up)
    return f"{up}def downgrade{down}"


@by_version
def test_by_flask_migrate(database_uri: str, tmp_path: Path, version: int) -> None:
    restore(database_uri, version)
    mine = AppDatabase()
    does = app_with_database(database_uri, mine, tmp_path, **CONFIG, OAUTH_OIDC=True)
    folder = tmp_path / "migrations"
    Migrate(does, mine.db, directory=str(folder))
    with does.app_context():
        with mine.db.engine.begin() as connection:
            connection.execute(text("CREATE TABLE note (id INTEGER NOT NULL PRIMARY KEY, words VARCHAR(80) NOT NULL)"))
        init()
        env = folder / "env.py"
        env.write_text(env.read_text().replace("fileConfig(config.config_file_name)", "pass"))
        stamp()
        migrate(message="OAuth gateway")
        (script,) = (folder / "versions").glob("*.py")
        written = script.read_text()
        made = "oauth_mark" if version == 1 else "oauth_session"
        assert f"op.create_table('{made}'" in written
        script.write_text(without_the_drop(written))
        stored = upgraded_under_load(database_uri, tmp_path, app_s_database, upgrade)
        assert inspect(mine.db.engine).has_table("oauth_revocation") == (version == 1)
        nothing_is_lost(does, stored, version)
    close_all(does)
