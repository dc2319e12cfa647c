"""Runs prepared statements on PostgreSQL by libpq itself, through psycopg's own interface to it (`psycopg.pq`).

A cursor of psycopg's works out for every run what is always the same: which types, which conversions, which name. Without
it a look-up costs the client a third of the time. Parameters and results are binary, as libpq cuts a text at a NUL.

The connections are those of SQLAlchemy's pool, and one has one user at a time. A call blocks until its answer is there in
full, or the connection is lost, and nothing can break it off half-way: no answer is left for the next one who asks. Where
greenlets share a thread, nobody else's would go on meanwhile, so psycopg's cursor stays there.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer
from sqlalchemy import JSON, BigInteger, Boolean, Connection, Enum, Integer, LargeBinary, String
from sqlalchemy.types import NullType, TypeEngine

Encoder = Callable[[Any], bytes]
Decoder = Callable[[bytes], Any]
Decoders = list[tuple[int, Decoder]]  # with the place of each one's column

_BINARY = pq.Format.BINARY
_DONE = (int(pq.ExecStatus.COMMAND_OK), int(pq.ExecStatus.TUPLES_OK))
_IDLE, _BUSY = int(pq.TransactionStatus.IDLE), int(pq.TransactionStatus.ACTIVE)
# OIDs of PostgreSQL's types.
_BOOL, _BYTEA, _INT8, _INT2, _INT4, _TEXT, _JSON, _VARCHAR, _JSONB = 16, 17, 20, 21, 23, 25, 114, 1043, 3802
_HAS_A_NAME = -1  # instead of a number of runs
_NAME_IS_VOID = ("26000", "0A000")  # somebody has dropped it; its columns have other types since a change of the tables


class Statement:
    """A statement of which libpq knows how to run it. Raises `NotImplementedError` where it has a type of other columns.

    `text`: as for psycopg's cursor. `parameters` and `columns`: the types by name, in the latter case in their order.
    """

    def __init__(
        self,
        text: str,
        parameters: Mapping[str, TypeEngine[Any]],
        columns: Mapping[str, TypeEngine[Any]],
        dialect: Any,
    ) -> None:
        self._text = (text % {name: f"${number}" for number, name in enumerate(parameters, 1)}).encode()
        # After its text: behind a pooler that nobody has told of, a name then never stands for another statement of ours.
        self._name = b"oauth_" + sha256(self._text).hexdigest()[:40].encode()
        kinds = {name: _parameter(kind.dialect_impl(dialect), dialect) for name, kind in parameters.items()}
        self._encoders = [(name, encode) for name, (_, encode) in kinds.items()]
        self._oids = [oid for oid, _ in kinds.values()]
        self._formats = [_BINARY] * len(kinds)
        self._columns = list(enumerate(_column(kind.dialect_impl(dialect)) for kind in columns.values()))
        self._json: Decoder = dialect._json_deserializer or json.loads  # noqa: SLF001

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> tuple[int, list[list[Any]]] | None:
        """The number of rows that it touched, and the rows; `None` where it is left to the driver's cursor.

        Raises psycopg's errors.
        """
        link = link_of(connection)
        if link is None:
            return None
        try:
            values = [None if (value := parameters[name]) is None else encode(value) for name, encode in self._encoders]
        except (TypeError, ValueError, KeyError, struct.error):  # the driver's cursor says what is wrong with it
            return None
        result, known = link.run(self._name, self._text, values, self._oids, self._formats)
        touched = result.command_tuples
        return -1 if touched is None else touched, self._rows(result, known) if self._columns else []

    def _rows(self, result: Any, decoders: Decoders) -> list[list[Any]]:
        found = []
        for row in range(result.ntuples):
            if not decoders:
                decoders += [(place, self._decoder(result.ftype(place), kind)) for place, kind in self._columns]
            found.append(
                [
                    None if (value := result.get_value(row, place)) is None else decode(value)
                    for place, decode in decoders
                ]
            )
        return found

    def _decoder(self, oid: int, kind: type[TypeEngine[Any]]) -> Decoder:
        if kind is JSON and oid in (_JSON, _JSONB):
            return self._json if oid == _JSON else lambda value: self._json(value[1:])  # the first byte is a version
        decode = _DECODERS.get(oid)
        if decode is None:  # the owner of the tables has given a column another type
            decode = bytes.decode if kind is String else Transformer().get_loader(oid, _BINARY).load
        return decode


class Link:
    """One connection of the server's, and which statements have run on it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._runs: dict[bytes, int] = {}
        self._decoders: dict[bytes, Decoders] = {}  # of those that have a name: the server lets their types not change

    def run(
        self, name: bytes, text: bytes, values: Sequence[bytes | None], oids: Sequence[int], formats: Sequence[int]
    ) -> tuple[Any, Decoders]:
        """The result of one statement; the server gets to keep it after as many runs as psycopg has it for its own.

        And what decodes its columns, an empty list where that isn't known yet.
        """
        pgconn = self._pgconn
        if pgconn.transaction_status == _IDLE and self._has_a_name(name, text, oids):
            try:
                return self._result(pgconn.exec_prepared, name, values, formats, _BINARY), self._decoders[name]
            except psycopg.Error as error:  # within a transaction, this would undo all of it
                if error.sqlstate not in _NAME_IS_VOID:
                    raise
                with suppress(psycopg.Error):
                    self._result(pgconn.exec_, b'DEALLOCATE "%s"' % name)
                self._runs[name] = 0
        return self._result(pgconn.exec_params, text, values, oids, formats, _BINARY), []

    def command(self, text: str) -> None:
        """Run a statement without parameters, such as BEGIN. (psycopg's cursor drops every name after a ROLLBACK.)"""
        self._result(self._pgconn.exec_, text.encode())

    def _has_a_name(self, name: bytes, text: bytes, oids: Sequence[int]) -> bool:
        runs = self._runs.get(name, 0)
        if runs == _HAS_A_NAME:
            return True
        threshold = self._connection.prepare_threshold
        if threshold is None:  # behind a pooler, or forbidden
            return False
        if runs < threshold:
            self._runs[name] = runs + 1
            return False
        self._runs[name] = _HAS_A_NAME  # before it is so: what is broken off here is no "already exists" the next time
        self._decoders[name] = []
        try:
            self._result(self._pgconn.prepare, name, text, oids)
        except psycopg.Error:
            del self._runs[name]
            raise
        return True

    def _result(self, call: Callable[..., Any], *arguments: Any) -> Any:
        if self._pgconn.transaction_status == _BUSY:  # an answer of somebody else's may be under way
            self._connection.close()
        try:
            result = call(*arguments)
        finally:
            if self._pgconn.transaction_status == _BUSY:
                self._connection.close()
        if result.status not in _DONE:
            error = errors.error_from_result(result)
            raise error if error.sqlstate else psycopg.OperationalError(str(error))
        return result


def link_of(connection: Connection) -> Link | None:
    """The connection as libpq has it; `None` where statements are left to the driver's cursor."""
    known = connection.connection.info
    try:
        return known[__name__]  # type: ignore[no-any-return]
    except KeyError:
        found = known[__name__] = _link(connection.connection.dbapi_connection)
        return found


def _link(connection: Any) -> Link | None:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("socket"):
        return None
    if type(connection) is not psycopg.Connection or connection.cursor_factory is not psycopg.Cursor:
        return None  # somebody wants to see what runs, or runs it in a way of their own
    if connection.pgconn.parameter_status(b"client_encoding") != b"UTF8":
        return None
    return Link(connection)


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise TypeError
    return value


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_PARAMETERS: tuple[tuple[type[TypeEngine[Any]], int, Encoder], ...] = (
    (BigInteger, _INT8, struct.Struct("!q").pack),
    (Integer, _INT4, struct.Struct("!i").pack),
    (Boolean, _BOOL, {False: b"\0", True: b"\1"}.__getitem__),
    (LargeBinary, _BYTEA, _bytes),
    (String, _TEXT, str.encode),
)
_DECODERS: dict[int, Decoder] = {
    _BOOL: b"\1".__eq__,
    _BYTEA: bytes,
    **dict.fromkeys((_INT2, _INT4, _INT8), _number),
    **dict.fromkeys((_TEXT, _VARCHAR), bytes.decode),
}
_COLUMNS: tuple[type[TypeEngine[Any]], ...] = (Integer, Boolean, LargeBinary, String, JSON, NullType)


def _parameter(kind: TypeEngine[Any], dialect: Any) -> tuple[int, Encoder]:
    """The OID of a parameter, and what turns a value into its binary form."""
    if isinstance(kind, JSON) and kind.none_as_null:
        serialize = dialect._json_serializer or json.dumps  # noqa: SLF001
        return _JSON, lambda value: str.encode(serialize(value))
    for known, oid, encode in _PARAMETERS:
        if isinstance(kind, known) and not isinstance(kind, Enum):
            return oid, encode
    raise NotImplementedError(f"A parameter of the type {kind!r}")


def _column(kind: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    """Which of the known types a column is of."""
    for known in _COLUMNS:
        if isinstance(kind, known) and not isinstance(kind, Enum):
            return known
    raise NotImplementedError(f"A column of the type {kind!r}")
