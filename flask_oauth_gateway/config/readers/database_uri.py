"""`OAUTH_DATABASE_URI`: what it may be, and whether what it needs is installed.

No error message repeats the URL, which may hold a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import ConfigurationError, secret_text

KEY = "OAUTH_DATABASE_URI"
PLACE = "<user>:<password>@<host>/<name>"
SEVERAL_HOSTS = (
    "postgresql+psycopg://<user>:<password>@/<name>?host=<host>:5432&host=<host>:5432&target_session_attrs=read-write"
)
POSTGRESQL = (f"postgresql+psycopg://{PLACE}", "postgres")
#: For each kind of database, as people write it: a URL that works, and the extra that installs its driver.
WORKING = {
    "postgresql": POSTGRESQL,
    "postgres": POSTGRESQL,
    "psycopg": POSTGRESQL,
    "mariadb": (f"mariadb+pymysql://{PLACE}", "mariadb"),
    "mysql": (f"mysql+pymysql://{PLACE}", "mariadb"),
    "sqlite": ("sqlite:////<folder>/oauth.db", None),
}


def read_database_uri(key: str, value: Any) -> str | None:
    """An SQLAlchemy URL, or `None`."""
    text = secret_text(key, value)
    if text is not None:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        allowed = f"a URL such as '{POSTGRESQL[0]}'"
        try:
            host = make_url(text).host
        except (ArgumentError, ValueError):
            if "," in text.rpartition("@")[2]:
                raise ConfigurationError(key, "a URL with several hosts where one is", f"'{SEVERAL_HOSTS}'") from None
            raise ConfigurationError(key, "what SQLAlchemy can't read", allowed) from None
        if make_url(text).query.get("prepare_threshold", "None") not in ("None", *map(str, range(1000))):
            raise ConfigurationError(
                key, "a URL with another prepare_threshold", "one with None, or a number below 1000"
            )
        if "@" in (host or ""):  # the end of a password, which an error of the database would repeat
            raise ConfigurationError(key, "a URL with two @", f"{allowed}, with %40 for an @ in the password")
    return text


def read_database_uris(key: str, value: Any) -> tuple[str, ...]:
    """SQLAlchemy URLs of servers that are read from."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise ConfigurationError(key, type(value), f"a list of URLs such as '{POSTGRESQL[0]}'")
    uris = [read_database_uri(key, each) or "" for each in value]
    for uri in uris:
        kind = uri.partition(":")[0].partition("+")[0]
        if kind in ("", "sqlite"):
            raise ConfigurationError(
                key, f"a list with {kind or None}", "a list of URLs of PostgreSQL's or MariaDB's replicas"
            )
        check_driver(uri, key)
    return tuple(uris)


def check_replicas(uris: Sequence[str], primary: object) -> None:
    """Raise `ConfigurationError` where one of the `uris` leads to another kind of database than the primary's URL.

    `primary`: `None` where it is the default, a file of SQLite.
    """
    theirs = "sqlite" if primary is None else _kind(primary)
    for place, uri in enumerate(uris):
        ours = _kind(uri)
        if theirs is not None and ours != theirs:
            key = f"OAUTH_DATABASE_READ_URIS[{place}]"
            raise ConfigurationError(key, f"a URL of {ours}", f"one of a replica of the primary, which is {theirs}")


def _kind(uri: object) -> str | None:
    """The kind of database that a URL leads to; `None` where it can't be read."""
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    try:
        name = make_url(uri).get_backend_name() if isinstance(uri, (str, URL)) else None
    except (ArgumentError, ValueError):
        return None
    return "mariadb" if name == "mysql" else name


def check_driver(uri: str, key: str = KEY) -> None:
    """Load what SQLAlchemy needs for a URL. Raises `ConfigurationError` where that isn't there, or can't be used."""
    from sqlalchemy import make_url

    name = make_url(uri).drivername
    try:
        dialect = make_url(uri).get_dialect()
        dialect.import_dbapi()
    except ImportError as error:
        missing = f"whose driver {error.name} isn't installed" if error.name else "whose driver can't be loaded"
        raise _wrong(key, name, missing) from None
    except Exception:  # noqa: BLE001, a name of none is an error of whatever class
        raise _wrong(key, name, "which SQLAlchemy doesn't know") from None
    if dialect.is_async:
        raise _wrong(key, name, "whose driver is for asyncio alone")


def _wrong(key: str, name: str, why: str) -> ConfigurationError:
    kind = name.partition("+")[0]
    urls = [
        f"'{url}'" + (f" (pip install 'flask-oauth-gateway[{extra}]')" if extra else "")
        for url, extra in dict.fromkeys([WORKING[kind]] if kind in WORKING else WORKING.values())
    ]
    return ConfigurationError(key, f"a URL of {name}://, {why}", f"a URL such as {' or '.join(urls)}")
