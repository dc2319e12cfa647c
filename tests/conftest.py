"""Fixtures for every test, where a test runs on three databases, and what becomes of tests whose server is missing.

A test that asks for `app`, `client` or `database_uri` runs on SQLite, and in the folders of `STORED` on PostgreSQL and MariaDB
too. Where a server does not answer its tests are skipped, and the end of the report says so; with TEST_REQUIRE_ALL=1 the run
fails at once instead.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import StrictUndefined

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support import services
from tests.support.app import MakeApp, build_app, close_app, gateway_of
from tests.support.clock import Clock
from tests.support.compiled import keep_what_is_compiled, make_tables
from tests.support.databases import DATABASES, EVERY_DATABASE, ServerDatabase
from tests.support.other_process import begin_to_load
from tests.support.rsa_keys import keep_rsa_keys
from tests.support.signing import Signer
from tests.support.site import GRANT_TYPES, MakeSite, Site
from tests.support.trading import GRANT_TYPES as TRADING_GRANT_TYPES
from tests.support.trading import IDP, MakeTrading, Trading
from tests.support.warm import begin_to_warm, warm_commands
from tests.support.workers import run_in_forks

if TYPE_CHECKING:
    from tests.support.browser import Browser

#: The folders that are about what is stored: their tests run on every database. A test in another folder that is so too says
#: it with `tests.support.databases.every_database`; one of these in which the database has no part, with `sqlite_only`.
STORED = {
    "authentication",
    "authorization",
    "clients",
    "database",
    "grants",
    "importing",
    "observing",
    "stores",
    "tokens",
}
#: These tests, by folder or file, begin with an empty database; others may find the gateway's tables there.
WITHOUT_TABLES = {
    "cli", "doctor", "test_app_database.py", "test_app_schema.py", "test_app_session.py", "test_embedded_database.py",
    "test_fork.py", "test_kill.py", "test_migrations.py", "test_plans_without_statistics.py", "test_prepared.py",
    "test_schema.py", "test_upgrade.py",
}  # fmt: skip
#: The folders whose tests take long, or wait for other processes: they are the first to be run.
LONG = {"browser", "database", "docs", "example_app", "flows", "stores", "tokens"}
#: The servers whose tables the last of those tests may have changed; the next test gets new ones.
CHANGED: set[str] = set()
MISSING = pytest.StashKey[dict[str, str]]()
SERVER_URLS = {"postgresql": services.POSTGRESQL_URL, "mariadb": services.MARIADB_URL}
NAMES = {
    "postgresql": "PostgreSQL",
    "mariadb": "MariaDB",
    "redis": "Redis",
    "chromium": "Chromium",
    "firefox": "Firefox",
    "node": "clients on Node.js",
    "xmlsec1": "xmlsec1",
    "nginx": "nginx",
    "caddy": "Caddy",
    "haproxy": "HAProxy",
    "apache": "Apache with mod_auth_openidc",
    "pgbouncer": "PgBouncer",
    "standby": "PostgreSQL's own programs",
    "redis_programs": "Redis's own programs",
    "pgpool": "pgpool",
    "galera": "Galera",
    "mcp_sdks": "MCP's SDKs",
}

# Half of what a test on SQLite took was waiting for the disk. Nobody needs its data after a power cut.
MEMORY = Path("/dev/shm")  # noqa: S108 (pytest makes a folder there that is its user's alone)
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30 and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# A slow moment of the machine is not a bug.
hypothesis.settings.register_profile("gateway", deadline=None)
hypothesis.settings.load_profile("gateway")

# What a template names must be there, or be said to be missing: in every app of the tests, and in no other.
Flask.jinja_options = {"undefined": StrictUndefined}
keep_what_is_compiled()
keep_rsa_keys()
gc.disable()  # until everything is collected: nearly nothing of it is garbage


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=1, help="how many processes run the tests, which one collects")


def pytest_configure(config: pytest.Config) -> None:
    # The services are asked once: xdist's workers are told what the main process found.
    if hasattr(config, "workerinput"):
        config.stash[MISSING] = config.workerinput["missing_services"]
        return
    missing = config.stash[MISSING] = services.missing_services()
    if missing and os.environ.get("TEST_REQUIRE_ALL") == "1":
        raise pytest.UsageError(f"TEST_REQUIRE_ALL=1, but {_left_out(missing)}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["missing_services"] = node.config.stash[MISSING]


def pytest_collection(session: pytest.Session) -> None:
    if session.config.option.workers > 1 and _is_everything(session.config):
        begin_to_warm()  # this and the next while the tests are collected, and for all workers
        begin_to_load()


def pytest_collection_finish() -> None:
    """What is loaded by now stays loaded: that the collector needn't look through it saves a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)  # a test leaves its whole app: to look for it more often found nothing
    gc.enable()


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    option = session.config.option
    if option.workers == 1 or option.collectonly or option.usepdb or session.testsfailed:
        return None  # pytest's own loop
    if _is_everything(session.config):
        warm_commands()
    run_in_forks(session, option.workers, takes_long=lambda item: not LONG.isdisjoint(folders_of(item)))
    return True


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, reason in item.config.stash[MISSING].items():
        if item.get_closest_marker(name):
            pytest.skip(f"{NAMES[name]}: {reason}")
    make_tables(anew=not WITHOUT_TABLES.isdisjoint(folders_of(item)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = []
    if missing := config.stash[MISSING]:
        lines.append(f"Left out on this machine: {_left_out(missing)}.")
    if _is_everything(config):
        lines.append("Left out: poolers, standbys and clusters, which `make engines` starts and tests.")
        lines.append("Left out: MCP's own clients and servers, which `make mcp` installs and tests with.")
    if lines:
        terminalreporter.section("Left out")
    for line in lines:
        terminalreporter.line(line)


def _is_everything(config: pytest.Config) -> bool:
    """Whether all tests are asked for, save those of `norecursedirs`."""
    return config.args_source is not pytest.Config.ArgsSource.ARGS


def _left_out(missing: dict[str, str]) -> str:
    return ", ".join(f"{NAMES[name]} ({reason})" for name, reason in missing.items())


@pytest.fixture(scope="session")
def server_database() -> Iterator[Callable[[str], ServerDatabase]]:
    """This worker's database on a server, by the server's name; made on first use, dropped at the end."""
    databases: dict[str, ServerDatabase] = {}

    def server_database(kind: str) -> ServerDatabase:
        if kind not in databases:
            worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
            databases[kind] = DATABASES[kind](SERVER_URLS[kind], f"oauth_test_{worker}_{os.getpid()}")
        return databases[kind]

    yield server_database
    for database in databases.values():
        database.remove()


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the gateway's tables, to be copied."""
    folder = tmp_path_factory.mktemp("tables")
    app = build_app(instance_path=str(folder), OAUTH_DATABASE_URI=f"sqlite:///{folder / 'oauth.db'}")
    with app.extensions["oauth_gateway"].database.engine.connect():
        pass  # which makes them
    close_app(app)
    return folder / "oauth.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marks = metafunc.definition.iter_markers("parametrize")
    if "database_uri" not in metafunc.fixturenames or any("database_uri" in mark.args[0] for mark in marks):
        return
    kinds = EVERY_DATABASE if folders_of(metafunc.definition) & STORED else ["sqlite"]
    metafunc.parametrize("database_uri", kinds, indirect=True)


def folders_of(item: pytest.Item) -> set[str]:
    """The folders below tests/ in which a test stands, and its file."""
    return set(item.path.relative_to(Path(__file__).parent).parts)


@pytest.fixture
def database_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of an empty database, of the kind that the test was made for; the gateway's tables may be there already."""
    keep_tables = WITHOUT_TABLES.isdisjoint(folders_of(request.node))
    if request.param == "sqlite":
        if keep_tables:
            shutil.copyfile(request.getfixturevalue("sqlite_with_tables"), tmp_path / "oauth.db")
        return f"sqlite:///{tmp_path / 'oauth.db'}"
    server_database = request.getfixturevalue("server_database")
    database: ServerDatabase = server_database(request.param)
    database.empty(keep_tables=keep_tables and request.param not in CHANGED)
    (CHANGED.discard if keep_tables else CHANGED.add)(request.param)
    return database.uri


@pytest.fixture
def redis_url() -> str:
    """Redis, shared by everything that runs at this moment: a test picks keys that nobody else has.

    A test that asks for it carries `@pytest.mark.redis`.
    """
    return services.REDIS_URL


@pytest.fixture
def make_app(database_uri: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Builds apps on this test's database, as `tests.support.app.build_app` does; takes configuration."""
    apps: list[Flask] = []

    def make_app(**config: Any) -> Flask:
        defaults = {"instance_path": str(tmp_path / "instance"), "OAUTH_DATABASE_URI": database_uri}
        app = build_app(**defaults | config)
        apps.append(app)
        return app

    yield make_app
    for app in apps:
        close_app(app)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An app as in the quick start, with two scopes and `GET /weather`."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def gateway(app: Flask) -> OAuthGateway:
    return gateway_of(app)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def registered(app: Flask) -> Client:
    """A confidential client with both scopes; the only place where its `client_secret` is to be had."""
    with app.app_context():
        return gateway_of(app).clients.create(
            client_name="Weather station",
            grant_types=["client_credentials"],
            scope="weather:read weather:write",
        )


@pytest.fixture
def make_site(make_app: MakeApp) -> MakeSite:
    """Builds a `tests.support.site.Site`: an app with every grant, where alice is signed in; takes configuration."""
    return lambda **config: Site(make_app(**{"OAUTH_GRANT_TYPES": GRANT_TYPES} | config))


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def make_trading(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> MakeTrading:
    """Builds a `tests.support.trading.Trading`; takes its signer, what its issuer's entry says beside the key, configuration."""

    def make_trading(signer: Signer | None = None, *, entry: dict[str, Any] | None = None, **config: Any) -> Trading:
        signer = signer or Signer()
        issuers = {IDP: {"jwks": signer.jwks(), "client_id": "partner"} | (entry or {})}
        app = make_app(**{"OAUTH_GRANT_TYPES": TRADING_GRANT_TYPES, "OAUTH_JWT_ISSUERS": issuers} | config)
        return Trading(app, signer, caplog)

    return make_trading


@pytest.fixture
def trading(make_trading: MakeTrading) -> Trading:
    return make_trading()


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium, one for all of a worker's tests, which carry `@pytest.mark.chromium`."""
    from tests.support.browser import Browser

    browser = Browser()
    yield browser
    browser.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that uses the browser runs in the browser's thread."""
    if not (pyfuncitem.get_closest_marker("chromium") and "browser" in pyfuncitem.funcargs):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.funcargs["browser"].run(partial(pyfuncitem.obj, **arguments))
    return True
