"""Behind PgBouncer in transaction mode, and behind pgpool: all works without a setting, and nothing of one reaches another."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import make_url

from flask_oauth_gateway import OAuthGateway
from tests.support.app import MakeApp, basic, close_app
from tests.support.app import ask as ask_as
from tests.support.pgbouncer import PgBouncer, own_pgbouncer
from tests.support.pgpool import Pgpool, own_pgpool
from tests.support.site import MakeSite, every_flow
from tests.support.stored import database_of, register, status_with

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_uri", ["postgresql"], indirect=True),
]
POOLERS = {"pgbouncer": own_pgbouncer, "pgpool": own_pgpool}
Pooler = PgBouncer | Pgpool
OFTEN = 8  # psycopg gives a statement a name when it runs for the sixth time on a connection


@pytest.fixture(scope="module", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in POOLERS])
def pooler(request: pytest.FixtureRequest) -> Iterator[Pooler]:
    with POOLERS[request.param]() as pooler:
        yield pooler


@pytest.fixture
def direct_uri(server_database: Any) -> str:
    database = server_database("postgresql")
    database.empty(keep_tables=True)
    return str(database.uri)


@pytest.fixture
def database_uri(direct_uri: str, pooler: Pooler) -> str:
    """Emptying the database has ended the pooler's connections: whoever comes first may be told so, and that is nobody's test."""
    uri = pooler.url_of(direct_uri)
    address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
    for _ in range(10):
        with suppress(psycopg.Error), ExitStack() as held:
            for _ in range(pooler.connections):  # each in a transaction, and so on a connection of its own
                neighbour = held.enter_context(psycopg.connect(address, prepare_threshold=None))
                neighbour.execute("SELECT 1")
            return uri
    raise AssertionError("The pooler gives no good connection.")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_every_flow_works_again_and_again(make_site: MakeSite, token_format: str) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT=token_format, OAUTH_REVOCATION_POLL_SECONDS=0)
    for _ in range(OFTEN):
        every_flow(site)


def test_each_of_many_at_once_gets_its_own_answer(make_app: MakeApp) -> None:
    """Every request names a client of its own, and is answered about that one."""
    app = make_app()
    clients = [register(app, client_id=f"client {number}") for number in range(20)]

    def use(number: int) -> None:
        client = clients[number % len(clients)]
        headers = basic(client.client_id, str(client.client_secret))
        browser = app.test_client()
        token = browser.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers).get_json()
        said = browser.post("/oauth/introspect", data={"token": token["access_token"]}, headers=headers).get_json()
        assert said["client_id"] == client.client_id
        weather = browser.get("/weather", headers={"Authorization": f"Bearer {token['access_token']}"})
        assert weather.get_json() == {"for": client.client_id}

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(use, range(400)))) == 400


def test_one_of_twenty_gets_the_tokens_of_a_code_or_refresh_token(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    code = site.code(client)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: site.redeem(client, code).status_code, range(20)))
        assert sorted(answers) == [200] + [400] * 19
        refresh_token = site.tokens(client)["refresh_token"]
        answers = list(pool.map(lambda _: site.refresh(client, refresh_token).status_code, range(20)))
        assert sorted(answers) == [200] + [400] * 19


def test_a_neighbour_s_statements_of_the_same_names_are_never_run(
    make_site: MakeSite, database_uri: str, pooler: Pooler
) -> None:
    """On each of the server's connections the names that psycopg would choose stand for something else."""
    site = make_site()
    every_flow(site)
    address = make_url(database_uri).set(drivername="postgresql").render_as_string(hide_password=False)
    neighbours = [psycopg.connect(address, autocommit=False, prepare_threshold=None) for _ in range(pooler.connections)]
    for neighbour in neighbours:  # each is in a transaction, and so on a connection of its own
        neighbour.execute("SELECT 1")
    for neighbour in neighbours:
        for number in range(40):
            neighbour.execute(f"PREPARE \"_pg3_{number}\" AS SELECT $1::text, 'the neighbour'")
        neighbour.commit()
    for _ in range(OFTEN):
        every_flow(site)
    for neighbour in neighbours:
        neighbour.execute("DEALLOCATE ALL")
        neighbour.commit()
        neighbour.close()


def test_an_app_with_a_db_of_its_own_works_too(tmp_path: Path, database_uri: str, pooler: Pooler) -> None:
    app = Flask("weather", instance_path=str(tmp_path))
    app.config.update(TESTING=True, SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=database_uri)
    app.config["OAUTH_SCOPES"] = {"weather:read": "Read", "weather:write": "Write"}
    SQLAlchemy(app)
    OAuthGateway(app)
    try:
        client = register(app)
        headers = basic(client.client_id, str(client.client_secret))
        for _ in range(OFTEN):
            for _ in range(pooler.connections):
                answer = app.test_client().post(
                    "/oauth/token", data={"grant_type": "client_credentials"}, headers=headers
                )
                assert answer.status_code == 200
        with database_of(app).engine.connect() as connection:
            threshold = connection.connection.dbapi_connection.prepare_threshold  # type: ignore[union-attr]
        assert threshold == (5 if pooler.keeps_names else None)
    finally:
        close_app(app)


def test_after_the_pooler_s_end_all_works_again(make_app: MakeApp, database_uri: str, pooler: Pooler) -> None:
    app = make_app()
    client = register(app)
    headers = basic(client.client_id, str(client.client_secret))

    def ask() -> int:
        data = {"grant_type": "client_credentials"}
        return app.test_client().post("/oauth/token", data=data, headers=headers).status_code

    assert [ask() for _ in range(OFTEN)] == [200] * OFTEN
    pooler.stop()
    try:
        assert ask() == 503
    finally:
        pooler.start()
    assert [ask() for _ in range(OFTEN)] == [200] * OFTEN


def test_the_server_ends_connections_and_nothing_is_lost_or_mixed_up(make_app: MakeApp, direct_uri: str) -> None:
    """Behind a pooler too: who was cut off is told to come back, and all others get what is theirs."""
    app = make_app()
    clients = [register(app, client_id=f"client {number}") for number in range(4)]
    issued: list[tuple[str, str]] = []
    told: Counter[int] = Counter()
    address = make_url(direct_uri).set(drivername="postgresql").render_as_string(hide_password=False)

    def ask(number: int) -> None:
        client = clients[number % len(clients)]
        response = ask_as(app.test_client(), client)
        told[response.status_code] += 1
        if response.status_code == 200:
            issued.append((client.client_id, response.get_json()["access_token"]))
        if number % 40 == 20:
            # Another thread may be ending connections too, and this one's among them.
            with suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as direct:
                direct.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with ThreadPoolExecutor(len(clients)) as pool:
        assert len(list(pool.map(ask, range(240)))) == 240
    assert set(told) <= {200, 503}
    assert told[200] > 120
    while ask_as(app.test_client(), clients[0]).status_code != 200:  # what was cut off may still be found, once each
        told[503] += 1
        assert told[503] < 240
    for client_id, token in issued:
        seen = app.test_client().get("/weather", headers={"Authorization": f"Bearer {token}"})
        assert seen.get_json() == {"for": client_id}


@pytest.mark.parametrize("pooler", [pytest.param("pgbouncer", marks=pytest.mark.pgbouncer)], indirect=True)
def test_names_against_better_knowledge_are_a_fault_that_says_what_to_do(
    make_app: MakeApp, database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The check of the checks above: with names, it fails here."""
    app = make_app(OAUTH_DATABASE_PREPARED=True)
    client = register(app)
    headers = basic(client.client_id, str(client.client_secret))

    def ask(number: int) -> int:
        data = {"grant_type": "client_credentials"}
        return app.test_client().post("/oauth/token", data=data, headers=headers).status_code

    with caplog.at_level(logging.ERROR), ThreadPoolExecutor(8) as pool:
        assert 503 in set(pool.map(ask, range(200)))
    assert "set it to False" in caplog.text
    assert client.client_secret not in caplog.text
    assert json.dumps(caplog.text).count("Were the tables made") == 0


@pytest.mark.parametrize(
    ("query", "config", "threshold"),
    [
        ("", {}, 5),
        ("", {"OAUTH_DATABASE_PREPARED": False}, None),
        ("", {"OAUTH_DATABASE_PREPARED": True}, 5),
        ("prepare_threshold=None", {}, None),
        ("prepare_threshold=3", {}, 3),
    ],
)
def test_without_a_pooler_statements_have_names_unless_the_url_or_a_setting_forbids_it(
    make_app: MakeApp, direct_uri: str, query: str, config: dict[str, Any], threshold: int | None
) -> None:
    uri = f"{direct_uri}{'&' if '?' in direct_uri else '?'}{query}" if query else direct_uri
    app = make_app(OAUTH_DATABASE_URI=uri, **config)
    assert status_with(app, "unknown") == 401
    with database_of(app).engine.connect() as connection:
        assert connection.connection.dbapi_connection.prepare_threshold == threshold  # type: ignore[union-attr]
