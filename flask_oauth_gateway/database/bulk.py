"""Stores many rows at once in the way that costs each driver least: COPY, or one statement that the driver repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from json import JSONEncoder
from typing import Any

from sqlalchemy import JSON, Connection, Table, insert

from .prepared import raise_as_sqlalchemy

_encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows, all of the same columns, in the connection's transaction. Raises SQLAlchemy's `DBAPIError`s."""
    columns = tuple(rows[0])
    if connection.dialect.driver == "psycopg":
        _copy(connection, f"COPY {_into(connection, table, columns)} FROM STDIN", _values(table, columns, rows))
    elif connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(columns))
        text = f"INSERT INTO {_into(connection, table, columns)} VALUES ({places})"  # noqa: S608, our own names
        _repeat(connection, text, _values(table, columns, rows))
    else:
        connection.execute(insert(table), rows)


def _copy(connection: Connection, text: str, values: Iterator[tuple[Any, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(text) as copy:
            for each in values:
                copy.write_row(each)
    except connection.dialect.loaded_dbapi.Error as error:
        raise_as_sqlalchemy(error, connection, cursor, text)
    finally:
        cursor.close()


def _repeat(connection: Connection, text: str, values: Iterator[tuple[Any, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        cursor.executemany(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise_as_sqlalchemy(error, connection, cursor, text)
    finally:
        cursor.close()


def _into(connection: Connection, table: Table, columns: tuple[str, ...]) -> str:
    preparer = connection.dialect.identifier_preparer
    schema = connection.get_execution_options().get("schema_translate_map", {}).get(None)
    name = (
        preparer.quote(table.name)
        if schema is None
        else f"{preparer.quote_schema(schema)}.{preparer.quote(table.name)}"
    )
    return f"{name} ({', '.join(map(preparer.quote, columns))})"


def _values(table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """The values in the order of the columns, objects as JSON."""
    objects = {place for place, name in enumerate(columns) if isinstance(table.c[name].type, JSON)}
    for row in rows:
        values = row.values() if tuple(row) == columns else (row[name] for name in columns)
        yield tuple(
            _encode(value) if place in objects and value is not None else value for place, value in enumerate(values)
        )
