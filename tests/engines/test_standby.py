"""PostgreSQL with a standby: the primary is killed under load, the standby promoted, and two processes of the app go on."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.database.libpq import link_of
from tests.support.app import add_weather, basic, build_app, close_app, gateway_of, register
from tests.support.command_line import told_by
from tests.support.other_process import OtherProcess
from tests.support.standby import Cluster, Server, own_cluster
from tests.support.working import Told, Working

pytestmark = pytest.mark.standby
THREADS = 3
ENOUGH = 40  # good answers of each process, before and after


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_cluster() as cluster:
        yield cluster


class Two:
    """Two processes of one app, at work, and what was told by both."""

    def __init__(self, stack: ExitStack, uri: str, folder: Path) -> None:
        config = {"OAUTH_DATABASE_URI": uri, "OAUTH_ISSUER": "http://localhost"}
        self.sides = [stack.enter_context(OtherProcess(config, folder, Working)) for _ in range(2)]
        self.sides[0].ask("register")
        for side in self.sides:
            side.ask("start", threads=THREADS)

    def wait_until_good(self, since: float) -> None:
        until = time.monotonic() + 40
        for side in self.sides:
            while side.ask("good_since", moment=since) < ENOUGH:
                assert time.monotonic() < until, side.ask("stop").statuses
                time.sleep(0.05)

    def stop(self) -> list[Told]:
        return [side.ask("stop") for side in self.sides]

    def lost(self, told: Told) -> list[float]:
        """When those tokens were asked for that are refused now."""
        statuses = self.sides[0].ask("statuses_of", tokens=[token for token, _ in told.tokens])
        assert set(statuses) <= {200, 401}, statuses
        return [at for (_, at), status in zip(told.tokens, statuses, strict=True) if status == 401]


def fail_over(cluster: Cluster, standby: Server, two: Two) -> tuple[float, list[Told]]:
    """Kill the primary amid the work, promote the standby, and let the work go on; the moment, and what was told."""
    two.wait_until_good(time.monotonic())
    killed_at = time.monotonic()
    cluster.primary.kill()
    standby.promote()
    two.wait_until_good(time.monotonic())
    return killed_at, two.stop()


def test_nothing_is_lost_where_the_standby_is_synchronous(cluster: Cluster, tmp_path: Path) -> None:
    standby = cluster.standby("other")
    cluster.primary.set(synchronous_standby_names="other")
    with ExitStack() as stack:
        two = Two(stack, cluster.several_hosts(cluster.primary, standby), tmp_path)
        cluster.primary.wait_until(lambda: cluster.primary.ask("SELECT sync_state = 'sync' FROM pg_stat_replication"))
        killed_at, both = fail_over(cluster, standby, two)
        for told in both:
            assert set(told.statuses) <= {200, 302, 400, 503}, told.statuses
            assert sum(at < killed_at for _, at in told.tokens) >= ENOUGH // 2
            assert two.lost(told) == [], "tokens that a client was given"
            # A code is good once, whoever brings it and however often.
            assert max(told.raced.values()) == 1
            for code, good in (told.codes | told.raced).items():
                now = [side.ask("trade", code=code) for side in two.sides]
                assert good + now.count(200) <= 1, "a code that was good is good again"
                assert set(now) <= {200, 400}
            # A client that got no answer asked again: what it was told before and after is the same.
            assert {len(set(followers)) for followers in told.refreshed.values()} == {1}
        for told in both:
            followed = [old for old, new in told.refreshed.items() if new[0] in told.refreshed]
            assert len(followed) > 10
            assert {two.sides[1].ask("refresh_once_more", refresh_token=old) for old in followed} == {400}


def test_a_standby_that_is_not_may_lack_the_last_moments(cluster: Cluster, tmp_path: Path) -> None:
    """And no more than these: `docs/engines/standby.md` has figures."""
    standby = cluster.standby("other")
    with ExitStack() as stack:
        two = Two(stack, cluster.several_hosts(cluster.primary, standby), tmp_path)
        killed_at, both = fail_over(cluster, standby, two)
        for told in both:
            assert set(told.statuses) <= {200, 302, 400, 503}, told.statuses
            assert all(killed_at - 2 < at < killed_at + 1 for at in two.lost(told))


def token_status(app: Flask, client: Any) -> int:
    headers = basic(client.client_id, str(client.client_secret))
    data = {"grant_type": "client_credentials"}
    return app.test_client().post("/oauth/token", data=data, headers=headers).status_code


def make(kind: str, uri: str, folder: Path) -> Flask:
    """An app that names the database by our setting, or by that of Flask-SQLAlchemy."""
    if kind == "own":
        return build_app(instance_path=str(folder), OAUTH_DATABASE_URI=uri)
    app = Flask("weather", instance_path=str(folder))
    app.config.update(TESTING=True, SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=uri)
    app.config["OAUTH_SCOPES"] = {"weather:read": "Read", "weather:write": "Write"}
    db = SQLAlchemy(app)
    OAuthGateway(app)
    add_weather(app)
    with app.app_context():
        db.create_all()
    return app


def close(app: Flask) -> None:
    close_app(app)
    if "sqlalchemy" in app.extensions:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


@pytest.mark.parametrize("kind", ["own", "app"])
def test_a_primary_that_takes_no_writes_any_more_is_left_for_the_one_that_does(
    cluster: Cluster, tmp_path: Path, kind: str
) -> None:
    """Its connections stay open: each is found out by what it refuses, and no request fails."""
    standby = cluster.standby("other")
    app = make(kind, cluster.several_hosts(cluster.primary, standby), tmp_path)
    try:
        client = register(app)
        with app.app_context():
            token = gateway_of(app).tokens.issue(client.client_id)["access_token"]
        # Several connections in the pool, all of which lead to the same server.
        engine = gateway_of(app).database.engine
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(engine.connect())
        cluster.wait_for(standby)
        standby.promote()
        cluster.primary.set(default_transaction_read_only="on")
        cluster.primary.wait_until(lambda: cluster.primary.ask("SHOW default_transaction_read_only") == "on")
        time.sleep(0.2)  # each session of the old one hears of it
        assert [token_status(app, client) for _ in range(8)] == [200] * 8
        with app.app_context():
            assert gateway_of(app).tokens.revoke(token=token) == 1, "a transaction begins anew too"
            gateway_of(app).clients.rotate_secret(client.client_id)
        assert standby.ask("SELECT count(*) FROM oauth_access_token") == 9
        assert cluster.primary.ask("SELECT count(*) FROM oauth_access_token") == 1
    finally:
        close(app)


def test_a_standby_alone_reads_and_says_what_to_do_where_it_should_write(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = build_app(instance_path=str(tmp_path / "a"), OAUTH_DATABASE_URI=cluster.primary.uri)
    client = register(app)
    with app.app_context():
        token = gateway_of(app).tokens.issue(client.client_id)["access_token"]
    close_app(app)
    standby = cluster.standby("other")
    app = build_app(instance_path=str(tmp_path / "b"), OAUTH_DATABASE_URI=standby.uri)
    try:
        with caplog.at_level(logging.ERROR):
            assert token_status(app, client) == 503
        assert "read-only transaction" in caplog.text
        assert "target_session_attrs=read-write" in caplog.text
        assert "it is a standby" in told_by(app, "doctor")
        headers = {"Authorization": f"Bearer {token}"}
        assert app.test_client().get("/weather", headers=headers).status_code == 200
    finally:
        close_app(app)


@pytest.mark.parametrize("separator", ["&host=", ","])
def test_a_url_of_several_hosts_is_taken_everywhere(cluster: Cluster, tmp_path: Path, separator: str) -> None:
    """Also as libpq writes it; the first of these is a host where nobody is."""
    uri = cluster.several_hosts(cluster.primary, cluster.primary).replace("&host=", separator)
    uri = uri.replace(cluster.primary.host, "127.0.0.1:1", 1)
    app = build_app(instance_path=str(tmp_path), OAUTH_DATABASE_URI=uri, OAUTH_ISSUER="https://auth.example.com")
    try:
        assert "Error" not in told_by(app, "init-db")
        client = register(app)
        assert [token_status(app, client) for _ in range(8)] == [200] * 8
        assert "the database" not in told_by(app, "doctor")
        with gateway_of(app).database.engine.connect() as connection:
            link = link_of(connection)
            assert link is not None
            assert connection.connection.dbapi_connection.prepare_threshold == 5  # type: ignore[union-attr]
    finally:
        close_app(app)
