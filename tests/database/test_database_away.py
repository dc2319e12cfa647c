"""The database goes away: 503 with Retry-After, in JSON. It comes back: all works on, without a restart."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, make_url, select, text
from sqlalchemy.pool import NullPool
from werkzeug.test import TestResponse

from flask_oauth_gateway.database.tables import audit, once
from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.oidc.backchannel_logout import Delivered
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic, bearer, token_for
from tests.support.logout_receivers import receivers
from tests.support.proxy import Proxy
from tests.support.stored import clients_of, database_of, register, status_with, tokens_of
from tests.support.told_of_logouts import Provider

MakeApp = Callable[..., Flask]


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def server_uri(request: pytest.FixtureRequest) -> str:
    """The URI of an empty database on a server."""
    database = request.getfixturevalue("server_database")(request.param)
    database.empty(keep_tables=False)
    return str(database.uri)


@pytest.fixture
def proxy(server_uri: str) -> Iterator[Proxy]:
    url = make_url(server_uri)
    assert url.host
    assert url.port
    proxy = Proxy(url.host, url.port)
    yield proxy
    proxy.close()


@pytest.fixture
def uri_of_proxy(server_uri: str, proxy: Proxy) -> str:
    url = make_url(server_uri).set(host="127.0.0.1", port=proxy.port)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    from tests.support.app import build_app, close_app

    made: list[Flask] = []

    def make(uri: str, **config: Any) -> Flask:
        made.append(build_app(instance_path=str(tmp_path / "instance"), OAUTH_DATABASE_URI=uri, **config))
        return made[-1]

    yield make
    for app in made:
        close_app(app)


def answers(client: FlaskClient, registered: Client, token: str) -> Iterator[Any]:
    """What each endpoint and a protected view say."""
    headers = basic(registered.client_id, registered.client_secret)
    yield client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
    yield client.post("/oauth/introspect", data={"token": token}, headers=headers)
    yield client.post("/oauth/tokeninfo", data={"access_token": token})
    yield client.get("/weather", headers=bearer(token))
    yield client.post("/oauth/revoke", data={"token": token}, headers=headers)


def is_unavailable(response: TestResponse) -> bool:
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert response.get_json()["error"] == "temporarily_unavailable"
    return True


def test_away_and_back(uri_of_proxy: str, proxy: Proxy, make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(uri_of_proxy)
    client, registered = app.test_client(), register(app)
    token = token_for(client, registered)["access_token"]
    for _ in range(2):
        proxy.close()
        assert all(is_unavailable(response) for response in answers(client, registered, token))
        with app.app_context(), pytest.raises(TemporarilyUnavailable):
            clients_of(app).rotate_secret(registered.client_id)
        proxy.open()
        assert status_with(app, token) == 200
        assert token_for(client, registered)
    assert [response.status_code for response in answers(client, registered, token)] == [200] * 5
    assert status_with(app, token) == 401
    assert "The database did not answer" in caplog.text
    for secret in (token, registered.client_secret or ""):
        assert secret not in caplog.text


def test_away_from_the_start(uri_of_proxy: str, proxy: Proxy, make_app: MakeApp) -> None:
    proxy.close()
    app = make_app(uri_of_proxy)
    start = time.monotonic()
    assert is_unavailable(app.test_client().get("/weather", headers=bearer("anything")))
    assert time.monotonic() - start < 3
    proxy.open()
    assert status_with(app, token_for(app.test_client(), register(app))["access_token"]) == 200


def test_a_client_that_is_told_of_a_sign_out_meanwhile_is_told_once(
    uri_of_proxy: str, proxy: Proxy, make_app: MakeApp
) -> None:
    """Its answer comes when nothing can be written; once that is possible, what was told isn't told again."""
    with receivers() as found:
        provider = Provider(make_app(uri_of_proxy, OAUTH_OIDC=True), found)
        provider.owe(provider.register("shop", "wait"))
        outcomes: list[Delivered] = []
        thread = Thread(target=lambda: outcomes.append(provider.deliver()))
        thread.start()
        found.wait_for(1)
        proxy.close()
        found.go_on.set()
        thread.join()
        assert outcomes == [Delivered(told=1, waiting=0, given_up=0)]
        with pytest.raises(TemporarilyUnavailable):
            provider.deliver()
        proxy.open()
        assert set(provider.waiting()) == {"shop"}
        assert provider.deliver() == Delivered(0, 0, 0)
        assert provider.waiting() == {}
        assert len(found.told["shop"]) == 1


def end_every_connection(server_uri: str) -> int:
    """As an administrator or a firewall does; returns how many there were."""
    engine = create_engine(server_uri, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            ended = connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            ).all()
            return len(ended)
        found = connection.scalars(
            text("SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()")
        ).all()
        for number in found:
            connection.execute(text(f"KILL {number}"))
        return len(found)


def fill_the_pool(app: Flask, connections: int) -> None:
    open_ones = [database_of(app).engine.connect() for _ in range(connections)]
    for each in open_ones:
        each.close()


def test_connections_that_died_idle_are_replaced_at_once(make_app: MakeApp, server_uri: str) -> None:
    app = make_app(server_uri)
    client, registered = app.test_client(), register(app)
    token = token_for(client, registered)["access_token"]
    works: dict[str, Callable[[], bool]] = {
        "a protected view": lambda: status_with(app, token) == 200,
        "a token": lambda: bool(token_for(client, registered)),
        "every endpoint": lambda: {each.status_code for each in answers(client, registered, token)} == {200},
        "a new secret": lambda: bool(clients_of(app).rotate_secret(registered.client_id, overlap=60)),
        "a revocation in code": lambda: tokens_of(app).revoke(client_id=registered.client_id) == 2,
    }
    for name, work in works.items():
        fill_the_pool(app, 3)
        assert end_every_connection(server_uri) >= 3
        with app.app_context():
            assert work(), name


def test_a_transaction_begins_anew_on_a_live_connection(make_app: MakeApp, server_uri: str) -> None:
    app = make_app(server_uri)
    fill_the_pool(app, 3)
    assert end_every_connection(server_uri) >= 3
    with database_of(app).transaction() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_many_threads_meet_the_dead_connections(make_app: MakeApp, server_uri: str) -> None:
    app = make_app(server_uri)
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    fill_the_pool(app, 5)
    assert end_every_connection(server_uri) >= 5
    start = Barrier(10)

    def work(number: int) -> int:
        start.wait()
        if number % 2:
            return status_with(app, token)
        return 200 if token_for(app.test_client(), registered) else 0

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(work, range(10))) == [200] * 10


def test_what_must_not_be_done_twice_is_not_repeated(make_app: MakeApp, server_uri: str) -> None:
    app = make_app(server_uri)
    database = database_of(app)

    def spend(number: int) -> None:
        database.run(once.insert().values(key=bytes([number]) * 32, expires_at=1))

    spend(1)
    end_every_connection(server_uri)
    with pytest.raises(TemporarilyUnavailable):
        spend(2)
    spend(3)
    assert [row.key[0] for row in database.all(once.select().order_by(once.c.key))] == [1, 3]


def test_a_connection_that_ends_within_a_transaction_leaves_nothing(make_app: MakeApp, server_uri: str) -> None:
    app = make_app(server_uri)
    statement = audit.insert().values(id=1, at=1, event="half", outcome="ok", hash=bytes(32))

    def broken_off() -> None:
        with database_of(app).transaction() as connection:
            connection.execute(statement)
            end_every_connection(server_uri)
            connection.execute(statement)

    with pytest.raises(TemporarilyUnavailable):
        broken_off()
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 0
