"""What every new app compiles anew is kept for the next: its templates, its routes, its SQL, and the tables of SQLite.

Nearly every test has an app of its own, and compiling was half of the time that its pages took. All of it comes out of nothing
but its source, which is the key here; of SQL the dialect is a part. Nor is a hash as slow as one is on purpose.
"""

import os
from functools import lru_cache, partial
from sqlite3 import OperationalError
from types import CodeType
from typing import Any

import pymysql
import sqlalchemy
from flask import Flask
from flask.templating import Environment
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import URL, Engine, event, inspect
from werkzeug.routing import Rule
from werkzeug.security import generate_password_hash

from flask_oauth_gateway.crypto import hashing
from flask_oauth_gateway.database import connect
from flask_oauth_gateway.database.tables import metadata


class KeptTemplates(BytecodeCache):
    """For Flask's own environment: another may compile in a way of its own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if type(bucket.environment) is Environment:
            bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if type(bucket.environment) is Environment and bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


def keep_what_is_compiled() -> None:
    """For all apps of this process from now on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": KeptTemplates()}
    Rule._compile_builder = _kept_builder  # type: ignore[method-assign]
    Rule.compile = _kept_rule  # type: ignore[method-assign]
    connect.create_engine = _engine  # type: ignore[attr-defined]
    sqlalchemy.util.get_cls_kwargs = lru_cache(sqlalchemy.util.get_cls_kwargs)  # what its engines look up of each class
    connect.create_tables = _tables.create
    hashing._ARGON2_MEMORY_KIB, hashing._ARGON2_TIME = 64, 1
    generate_password_hash.__defaults__ = ("scrypt:128:1:1", 16)
    # Reads the machine's certificates for every connection, also for those without TLS.
    pymysql.connections.Connection._create_ssl_ctx = _ssl_context


_compile_rule: Any = Rule.compile
_compile_builder: Any = Rule._compile_builder
_rules: dict[Any, tuple[Any, ...]] = {}
_builders: dict[Any, Any] = {}


def _kept_rule(rule: Any) -> None:
    """Compile a route, once where its path and its host have no variables; the other ones belong to their map."""
    where = (rule.rule, rule.host if rule.map.host_matching else rule.subdomain)
    if any("<" in (each or "") for each in where):
        _compile_rule(rule)
        return
    key = (type(rule), *where, rule.merge_slashes, repr(rule.defaults))
    if key not in _rules:
        _compile_rule(rule)
        _rules[key] = rule._parts, rule._trace, rule._build.__func__, rule._build_unknown.__func__
    rule._converters = {}
    rule._parts, rule._trace, build, build_unknown = _rules[key]
    rule._build, rule._build_unknown = build.__get__(rule, None), build_unknown.__get__(rule, None)


def _kept_builder(rule: Any, append_unknown: bool = True) -> Any:
    converters = tuple((name, type(converter)) for name, converter in rule._converters.items())
    key = (repr(rule.defaults), converters, tuple(rule._trace), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


class KeptTables:
    """Makes the tables of SQLite as they were made the first time. `anew` is for tests of how they are made."""

    def __init__(self) -> None:
        self.anew = False
        self._script = ""

    def create(self, engine: Engine) -> None:
        with engine.connect() as connection:
            is_empty = engine.dialect.name == "sqlite" and not inspect(connection).get_table_names()
            if is_empty and self._script and not self.anew:
                try:
                    connection.connection.executescript(self._script)  # type: ignore[attr-defined]
                except OperationalError:  # another process is making them: the package knows what to do then
                    connection.connection.rollback()
                else:
                    return
        _create_tables(engine)
        if is_empty and not self.anew:
            with engine.connect() as connection:
                if metadata.tables.keys() <= set(inspect(connection).get_table_names()):  # an app's may be in a schema
                    self._script = ";".join(connection.connection.iterdump())  # type: ignore[attr-defined]


_create_tables = connect.create_tables
_tables = KeptTables()


KEPT = "TESTS_KEEP_TABLES"  # in the environment of the tests' commands, too


def make_tables(*, anew: bool) -> None:
    """Whether the tables of SQLite are made as a user's app makes them, also by this test's commands (`warm.py`)."""
    _tables.anew = anew
    if anew:
        os.environ.pop(KEPT, None)
    else:
        os.environ[KEPT] = "1"


#: What the package itself uses: memory in KiB, and time (argon2).
COST = hashing._ARGON2_MEMORY_KIB, hashing._ARGON2_TIME
_create_ssl_ctx: Any = pymysql.connections.Connection._create_ssl_ctx
_default_ssl_context = lru_cache(partial(_create_ssl_ctx, None, {}))


def _ssl_context(connection: Any, wanted: Any) -> Any:
    return _create_ssl_ctx(connection, wanted) if wanted else _default_ssl_context()


_dialects: dict[Any, Any] = {}


def _nothing(connection: Any) -> None:
    pass


def _engine(url: URL, **options: Any) -> Engine:
    """An engine for one server and with the same options as one before has that one's dialect, once it has connected."""
    engine = sqlalchemy.create_engine(url, **options)
    if "creator" in options or "poolclass" in options:  # SQLite in memory, whose dialect may be changed
        return engine
    key = (url.drivername, url.host, url.port, repr(sorted(options.items(), key=str)))
    if key in _dialects:
        engine.dialect.initialize = _nothing  # type: ignore[method-assign]  # the other one has asked the server already
        engine.dialect, engine._compiled_cache = _dialects[key]
        engine.pool._dialect = engine.dialect
    else:
        event.listen(
            engine, "first_connect", lambda *_: _dialects.setdefault(key, (engine.dialect, engine._compiled_cache))
        )
    return engine
