"""The servers and programs that parts of the suite need: where they are expected, and whether they answer."""

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

POSTGRESQL_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
MARIADB_URL = os.environ.get("TEST_MARIADB_URL", "mariadb+pymysql://root@127.0.0.1:3306/test?charset=utf8mb4")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
# The one without windows takes a third of the time.
CHROMIUM = os.environ.get("TEST_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None
)
FIREFOX = os.environ.get("TEST_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
PLACES = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"  # Debian's place for servers
NGINX, CADDY, HAPROXY, APACHE, PGBOUNCER, PGPOOL, MARIADBD = (
    shutil.which(name, path=PLACES)
    for name in ("nginx", "caddy", "haproxy", "apache2", "pgbouncer", "pgpool", "mariadbd")
)
APACHE_MODULES = Path("/usr/lib/apache2/modules")
_POSTGRES = shutil.which(
    "postgres", path=os.pathsep.join([PLACES, *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
)
#: Where PostgreSQL's own programs are, with which a test makes servers of its own.
POSTGRESQL_PROGRAMS = None if _POSTGRES is None else Path(_POSTGRES).resolve().parent
REDIS_PROGRAMS = shutil.which("redis-server") and shutil.which("redis-cli")
GALERA = next((str(path) for path in Path("/usr").glob("lib*/galera*/libgalera_smm.so")), None)
NODE_CLIENTS = Path(__file__).parents[1] / "flows" / "node"
#: A Python with MCP's SDK for each of its generations, which can't be installed beside each other: `make mcp-sdks` makes them.
MCP_PYTHONS = {name: Path(__file__).parents[2] / f".venv-mcp{name}" / "bin" / "python" for name in ("1", "2")}

CONNECT_TIMEOUT = 2


def missing_services() -> dict[str, str]:
    """Why a service cannot be used, by the name of its marker; empty where all of them answer."""
    checks: dict[str, Callable[[], str | None]] = {
        "postgresql": lambda: _database_trouble(POSTGRESQL_URL),
        "mariadb": lambda: _database_trouble(MARIADB_URL),
        "redis": lambda: _redis_trouble(REDIS_URL),
        "chromium": _chromium_trouble,
        "firefox": lambda: None if FIREFOX else "not on the PATH; TEST_FIREFOX may name it",
        "node": _node_trouble,
        "xmlsec1": lambda: None if shutil.which("xmlsec1") else "no xmlsec1 on the PATH",
        "nginx": lambda: None if NGINX else "not on the PATH",
        "caddy": lambda: None if CADDY else "not on the PATH",
        "haproxy": lambda: None if HAPROXY else "not on the PATH",
        "apache": _apache_trouble,
        "pgbouncer": lambda: None if PGBOUNCER else "not on the PATH",
        "redis_programs": lambda: None if REDIS_PROGRAMS else "no redis-server or redis-cli on the PATH",
        "standby": lambda: None if POSTGRESQL_PROGRAMS else "no postgres on the PATH or in /usr/lib/postgresql",
        "pgpool": lambda: None if PGPOOL else "not on the PATH",
        "galera": _galera_trouble,
        "mcp_sdks": lambda: None if all(map(Path.exists, MCP_PYTHONS.values())) else "make mcp-sdks installs them",
    }
    return {name: reason for name, check in checks.items() if (reason := check())}


def _database_trouble(url: str) -> str | None:
    parsed = make_url(url)
    if reason := _nothing_answers(parsed):
        return reason
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT})
    try:
        engine.connect().close()
    except DBAPIError as error:
        return f"{parsed.host}:{parsed.port} refused: {str(error.orig).splitlines()[0]}"
    return None


def _redis_trouble(url: str) -> str | None:
    parsed = make_url(url)
    if reason := _nothing_answers(parsed):
        return reason
    with closing(_connect(parsed)) as connection:
        connection.sendall(b"PING\r\n")
        # -NOAUTH is an answer too: the tests then fail with the reason, which is better than silence
        if not connection.recv(64).startswith((b"+PONG", b"-NOAUTH")):
            return f"{parsed.host}:{parsed.port} is not Redis"
    return None


def _chromium_trouble() -> str | None:
    if CHROMIUM is None:
        return "not on the PATH; TEST_CHROMIUM may name it"
    return None if shutil.which(CHROMIUM) else f"{CHROMIUM} is no program"


def _node_trouble() -> str | None:
    if shutil.which("node") is None:
        return "no node on the PATH"
    if not all(
        NODE_CLIENTS.joinpath("node_modules", name).exists() for name in ("express-openid-connect", "xml-crypto")
    ):
        return "they need `npm ci` in tests/flows/node"
    return None


def _galera_trouble() -> str | None:
    if GALERA is None:
        return "no libgalera_smm.so"
    return None if MARIADBD and shutil.which("rsync") else "no mariadbd or no rsync on the PATH"


def _apache_trouble() -> str | None:
    if APACHE is None:
        return "no apache2 on the PATH"
    return None if APACHE_MODULES.joinpath("mod_auth_openidc.so").exists() else "no mod_auth_openidc"


def _nothing_answers(url: URL) -> str | None:
    try:
        _connect(url).close()
    except OSError:
        return f"nothing answered at {url.host}:{url.port}"
    return None


def _connect(url: URL) -> socket.socket:
    return socket.create_connection((url.host or "127.0.0.1", url.port or 0), timeout=CONNECT_TIMEOUT)
