"""What every new app compiles anew is kept for the next: its templates, what builds the URLs of its routes, and its SQL.

Nearly every test has an app of its own, and compiling was half of the time that its pages took. All of it comes out of nothing
but its source, which is the key here; of SQL the dialect is a part.
"""

from functools import lru_cache, partial
from types import CodeType
from typing import Any

import pymysql
import sqlalchemy
from flask import Flask
from flask.templating import Environment
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import URL, Engine, event
from werkzeug.routing import Rule

from flask_oauth_gateway.database import connect


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
    compile_builder = Rule._compile_builder
    kept: dict[Any, Any] = {}

    def kept_builder(rule: Any, append_unknown: bool = True) -> Any:
        converters = tuple((name, type(converter)) for name, converter in rule._converters.items())
        about = (rule.rule, rule.subdomain, rule.host, rule.map.host_matching, repr(rule.defaults), converters)
        key = (*about, tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = kept_builder  # type: ignore[method-assign]
    connect.create_engine = _engine  # type: ignore[attr-defined]
    # Reads the machine's certificates for every connection, also for those without TLS.
    pymysql.connections.Connection._create_ssl_ctx = _ssl_context


_create_ssl_ctx: Any = pymysql.connections.Connection._create_ssl_ctx
_default_ssl_context = lru_cache(partial(_create_ssl_ctx, None, {}))


def _ssl_context(connection: Any, wanted: Any) -> Any:
    return _create_ssl_ctx(connection, wanted) if wanted else _default_ssl_context()


_dialects: dict[Any, Any] = {}


def _engine(url: URL, **options: Any) -> Engine:
    """An engine for one server and with the same options as one before has that one's dialect, once it has connected."""
    engine = sqlalchemy.create_engine(url, **options)
    if "creator" in options or "poolclass" in options:  # SQLite in memory, whose dialect may be changed
        return engine
    key = (url.drivername, url.host, url.port, repr(sorted(options.items(), key=str)))
    if key in _dialects:
        engine.dialect, engine._compiled_cache = _dialects[key]
        engine.pool._dialect = engine.dialect
    else:
        event.listen(
            engine, "first_connect", lambda *_: _dialects.setdefault(key, (engine.dialect, engine._compiled_cache))
        )
    return engine
