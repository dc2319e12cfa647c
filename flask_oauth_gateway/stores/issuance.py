"""What a grant does at its end, all of it or nothing: something is spent, and what it was good for is stored.

On PostgreSQL that is one statement, of which each part waits for the one before it; elsewhere it is a transaction. One round
trip instead of six is what makes a refresh there almost as quick as a new token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Insert, Update

from ..database.prepared import Prepared
from ..database.tables import access_token, approval, client, refresh_token
from .tokens import TokenStore

if TYPE_CHECKING:
    from ..database.engine import Database
    from .clients import Client

_IS_LIVE = and_(client.c.id == bindparam("owner"), client.c.version == bindparam("owner_version"), client.c.enabled)
_CLIENT_IS_LIVE = select(client.c.id).where(_IS_LIVE)


@dataclass(frozen=True, slots=True)
class Spend:
    """One statement that spends something: it touches a row where that was still to be had, or inserts one only once."""

    statement: Prepared
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is stored for a token: rows by column."""

    client: Client
    spend: Spend | None
    approval: Mapping[str, Any] | None = None
    access_token: Mapping[str, Any] | None = None  # None: a stateless one
    refresh_token: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Nothing was stored unless both are true."""

    client_is_live: bool
    spent: bool


def do(database: Database, deed: Deed) -> Outcome:
    """Do all of it, if the client is still what it was when it proved who it is, and what is to be spent is still there."""
    if database.engine.dialect.name == "postgresql":
        return _in_one_statement(database, deed)
    return _in_a_transaction(database, deed)


class _Undo(Exception):
    """Leaves a transaction behind as if it hadn't been."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def _in_a_transaction(database: Database, deed: Deed) -> Outcome:
    try:
        with database.transaction() as connection:
            if deed.spend is not None and not _spends(connection, deed.spend):
                raise _Undo(Outcome(client_is_live=True, spent=False))
            if deed.approval is not None:
                _insert(approval, tuple(deed.approval)).execute(connection, deed.approval)
            if not TokenStore.add_in(connection, deed.access_token, deed.client):
                raise _Undo(Outcome(client_is_live=False, spent=True))
            if deed.refresh_token is not None:
                _insert(refresh_token, tuple(deed.refresh_token)).execute(connection, deed.refresh_token)
    except _Undo as undone:
        return undone.outcome
    return Outcome(client_is_live=True, spent=True)


def _spends(connection: Connection, spend: Spend) -> bool:
    try:
        return spend.statement.execute(connection, spend.parameters).rowcount == 1
    except IntegrityError:  # an insert that somebody else was first to make
        return False


@lru_cache(maxsize=10)
def _insert(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table), columns)


def _in_one_statement(database: Database, deed: Deed) -> Outcome:
    given = {approval: deed.approval, access_token: deed.access_token, refresh_token: deed.refresh_token}
    rows = {table: row for table, row in given.items() if row is not None}
    shape = tuple((table, tuple(row)) for table, row in rows.items())
    statement = _statement(None if deed.spend is None else deed.spend.statement, shape)
    parameters = {
        "owner": deed.client.key,
        "owner_version": deed.client.version,
    }
    for table, row in rows.items():
        parameters |= _named(table, row)
    if deed.spend is not None:
        spending, given_to_it = deed.spend.statement.statement, deed.spend.parameters
        parameters |= _named(spending.table, given_to_it) if isinstance(spending, Insert) else given_to_it
    found = database.first_once(statement, parameters)
    return Outcome(client_is_live=bool(found and found.live), spent=bool(found and found.spent))


@lru_cache(maxsize=100)
def _statement(spend: Prepared | None, shape: tuple[tuple[Table, tuple[str, ...]], ...]) -> Prepared:
    """WITH owner AS (the live client), spent AS (what is spent, if there is an owner), … (the rest, if that was spent)."""
    owner = _CLIENT_IS_LIVE.cte("owner_row")
    is_live = exists(select(owner.c.id))
    if spend is None:
        spent = select(owner.c.id).cte("spent")
    else:
        spent = _if(spend.statement, is_live).returning(literal_column("1").label("id")).cte("spent")
    was_spent = exists(select(spent.c.id))
    parts = []
    for table, columns in shape:
        parts.append(insert(table).from_select(columns, _values(table, columns, was_spent)).cte(f"new_{table.name}"))
    counts = (select(func.count()).select_from(cte).scalar_subquery() for cte in (owner, spent))
    live, done = counts
    return Prepared(select(live.label("live"), done.label("spent")).add_cte(*parts))


def _if(statement: Any, condition: Any) -> Any:
    """The statement, made to wait for a condition."""
    if isinstance(statement, Update):
        return statement.where(condition)
    table: Any = statement.table
    columns = tuple(table.c.keys())
    return postgresql_insert(table).from_select(columns, _values(table, columns, condition)).on_conflict_do_nothing()


def _values(table: Table, columns: tuple[str, ...], condition: Any) -> Select[Any]:
    """A row of parameters, where a condition holds."""
    names = _named(table, dict.fromkeys(columns))
    binds = (bindparam(bind, type_=table.c[name].type) for name, bind in zip(columns, names, strict=True))
    return select(*binds).where(condition)


def _named(table: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by names that no column has: SQLAlchemy would set a column of that name in any UPDATE it finds."""
    return {f"{table.name}_{column}": value for column, value in row.items()}
