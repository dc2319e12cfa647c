"""Compiles statements by SQLAlchemy: for some dialects before there is a connection, and so before the first request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any]
#: For these drivers the text of our statements is the same whatever a dialect learns of its server when it connects.
_KNOWN_AHEAD = ("psycopg", "pysqlite")

# Only members of its own tell how a dialect is set.
# ruff: noqa: SLF001


def kind_of(dialect: Any, schemas: Mapping[str | None, str] | None) -> tuple[Any, ...] | None:
    """What a compiled statement depends on; `None` where that is this very dialect, and the server it connects to."""
    if dialect.driver not in _KNOWN_AHEAD:
        return None
    lengths = dialect.label_length, dialect.max_identifier_length
    json = dialect._json_serializer, dialect._json_deserializer
    return type(dialect), dialect.paramstyle, lengths, json, None if not schemas else tuple(schemas.items())


class Parts(NamedTuple):
    """What a statement is in one dialect and for one schema.

    `order`: of the parameters, where they have places instead of names. `fixed`: those that no caller gives.
    `types`: those of the columns, in their order. `by_libpq`: the statement as libpq runs it, or `None`.
    """

    text: str
    order: Sequence[str] | None
    fixed: dict[str, Any]
    to_driver: dict[str, Processor]
    types: dict[str, TypeEngine[Any]]
    by_libpq: Any


def compile_statement(
    statement: Executable, columns: Sequence[str] | None, dialect: Dialect, schemas: Mapping[str | None, str] | None
) -> Parts:
    """Compile a statement. `columns`: those that an INSERT sets; `schemas`: a `schema_translate_map`."""
    compiler = cast(
        "SQLCompiler",
        statement.compile(  # type: ignore[attr-defined]
            dialect=dialect,
            column_keys=columns,
            schema_translate_map=schemas and dict(schemas),  # SQLAlchemy writes into it
            render_schema_translate=bool(schemas),
        ),
    )
    text = str(compiler)
    fixed: dict[str, Any] = {}
    to_driver: dict[str, Processor] = {}
    for bind, name in compiler.bind_names.items():
        if not bind.required:
            fixed[name] = bind.effective_value
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            to_driver[name] = process
    returned = getattr(
        statement, "_returning", ()
    )  # `exported_columns` would stay those of statements made from this one
    columns_of: list[Any] = list(getattr(statement, "selected_columns", returned))
    types: dict[str, TypeEngine[Any]] = {column.key: column.type for column in columns_of}
    if len(types) != len(columns_of):
        raise ValueError(f"Two columns have the same name: {[column.key for column in columns_of]}")
    by_libpq = None
    if dialect.driver == "psycopg":
        from .libpq import Statement  # an app without PostgreSQL has no psycopg

        with suppress(NotImplementedError):
            binds = {name: bind.type for bind, name in compiler.bind_names.items()}
            by_libpq = Statement(text, binds, types, dialect)
    return Parts(text, compiler.positiontup, fixed, to_driver, types, by_libpq)
