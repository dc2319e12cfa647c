"""The last step of a grant, all or nothing: a code or token is spent, and the approval and tokens for it are stored.

So is a pushed request spent for a code.

On PostgreSQL this is one statement, in which each part waits for the one before it; elsewhere it is a transaction. One
round trip instead of six makes a refresh on PostgreSQL almost as quick as a new token; `approvals.py` goes further.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    CTE,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Update

from ..database.deadlocks import again_after_deadlock
from ..database.prepared import Prepared
from ..database.tables import access_token, approval, code, once, refresh_token
from .revocations.mark import is_live, standing
from .tokens import TokenStore, client_is_live

if TYPE_CHECKING:
    from ..database.engine import Database
    from .registered_client import Client


_KEEP = Prepared(update(approval).where(approval.c.id == bindparam("kept_id")).values(claims=bindparam("kept_claims")))


class AlreadyAnswered(Exception):
    """Another answer has used up the pushed request for which this one was to be given."""


class Spend(NamedTuple):
    """A statement that spends something once: it updates a row that isn't spent yet, or inserts a row that isn't there yet.

    `ends_with_tokens`: where a user's tokens are revoked, that spends or ends this too.
    """

    statement: Prepared
    parameters: Mapping[str, Any]
    ends_with_tokens: bool = True


class Deed(NamedTuple):
    """What the last step does: the statement that spends, and the rows to store, by column.

    `numbers`: those that the marks must still have that would revoke the tokens (`revocations`). `claim` inserts a row that
    nobody may have inserted, before anything is spent. `kept`: the `id` of an approval that began before, and the `claims`
    that it keeps from now on.
    """

    client: Client
    numbers: Mapping[bytes, int]
    spend: Spend | None
    claim: Spend | None = None
    approval: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] | None = None
    code: Mapping[str, Any] | None = None
    access_token: Mapping[str, Any] | None = None  # None: a stateless token, which isn't stored
    refresh_token: Mapping[str, Any] | None = None


class Outcome(NamedTuple):
    """Whether the last step was done: nothing was stored unless both are true.

    `is_live`: the client and the marks were as they had been read. `claimed`: whether the deed's `claim` is inserted now;
    False where another's was there, `None` where none was tried, or is left.
    """

    is_live: bool
    spent: bool
    claimed: bool | None = None


def do(database: Database, deed: Deed) -> Outcome:
    """Do all of the deed, if neither the client nor a mark has changed meanwhile, and nobody has spent it before."""
    if database.engine.dialect.name == "postgresql":
        return _in_one_statement(database, deed)
    outcome = _in_a_transaction(database, deed)
    if not (outcome.is_live and outcome.spent):
        return outcome
    if (
        deed.spend is not None and deed.spend.ends_with_tokens
    ):  # whichever of it and a revocation came second was undone
        return outcome
    if TokenStore(database).still_stands(deed.client, deed.numbers):
        return outcome
    _take_back(database, deed)
    return Outcome(is_live=False, spent=True)


class _Undo(Exception):
    """Rolls a transaction back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@again_after_deadlock
def _in_a_transaction(database: Database, deed: Deed) -> Outcome:
    try:
        with database.transaction() as connection:
            if deed.claim is not None and not _spends(connection, deed.claim):
                raise _Undo(Outcome(is_live=True, spent=False, claimed=False))
            if deed.spend is not None and not _spends(connection, deed.spend):
                raise _Undo(Outcome(is_live=True, spent=False))
            if deed.approval is not None:
                _insert(approval, tuple(deed.approval)).execute(connection, deed.approval)
            if deed.kept is not None:
                _KEEP.execute(connection, _named("kept", deed.kept))
            if not _stores_code_or_token(connection, deed):
                raise _Undo(Outcome(is_live=False, spent=True))
            if deed.refresh_token is not None:
                _insert(refresh_token, tuple(deed.refresh_token)).execute(connection, deed.refresh_token)
    except _Undo as undone:
        return undone.outcome
    return Outcome(is_live=True, spent=True)


def _stores_code_or_token(connection: Connection, deed: Deed) -> bool:
    """Store the code or the access token, if the client and the marks are as they had been read."""
    if deed.code is None:
        return TokenStore.add_in(connection, deed.access_token, deed.client, deed.numbers)
    row = {**_named(code.name, deed.code), "owner": deed.client.key, "version": deed.client.version}
    return _insert_for_live_client(code, tuple(deed.code)).execute(connection, row).rowcount == 1


@again_after_deadlock
def _take_back(database: Database, deed: Deed) -> None:
    """Delete what the deed has stored, which nobody has been given, and give back what it has claimed."""
    with database.transaction() as connection:
        for table, row in ((refresh_token, deed.refresh_token), (access_token, deed.access_token)):
            if row is not None:
                connection.execute(delete(table).where(table.c.token_hash == row["token_hash"]))
        if deed.code is not None:
            connection.execute(delete(code).where(code.c.code_hash == deed.code["code_hash"]))
        if deed.approval is not None:
            connection.execute(delete(approval).where(approval.c.id == deed.approval["id"]))
        for spend in (deed.spend, deed.claim):
            if spend is not None and "key" in spend.parameters:
                connection.execute(delete(once).where(once.c.key == spend.parameters["key"]))


def _spends(connection: Connection, spend: Spend) -> bool:
    try:
        return spend.statement.execute(connection, spend.parameters).rowcount == 1
    except IntegrityError:  # somebody else has inserted the row before
        return False


@lru_cache(maxsize=10)
def _insert(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table), columns)


@lru_cache(maxsize=2)
def _insert_for_live_client(table: Table, columns: tuple[str, ...]) -> Prepared:
    row = _values(table.name, table, columns, is_live(bindparam("owner"), bindparam("version")))
    return Prepared(insert(table).from_select(columns, row))


def _in_one_statement(database: Database, deed: Deed) -> Outcome:
    given = {
        approval: deed.approval, code: deed.code, access_token: deed.access_token, refresh_token: deed.refresh_token,
    }  # fmt: skip
    rows = {table: row for table, row in given.items() if row is not None}
    shape = tuple((table, tuple(row)) for table, row in rows.items())
    spending, claiming = (None if each is None else each.statement for each in (deed.spend, deed.claim))
    statement = _statement(spending, claiming, shape, len(deed.numbers), keeps=deed.kept is not None)
    parameters = {"owner": deed.client.key, "version": deed.client.version, **standing(deed.numbers)}
    for table, row in rows.items():
        parameters |= _named(table.name, row)
    if deed.spend is not None:
        updates = isinstance(deed.spend.statement.statement, Update)
        parameters |= deed.spend.parameters if updates else _named("spend", deed.spend.parameters)
    if deed.kept is not None:
        parameters |= _named("kept", deed.kept)
    if deed.claim is not None:
        parameters |= _named("claim", deed.claim.parameters)
    found = database.first_once(statement, parameters)
    is_live = bool(found and found.live)
    claimed = bool(found and found.claimed) if deed.claim is not None and is_live else None
    return Outcome(is_live=is_live, spent=bool(found and found.spent), claimed=claimed)


@lru_cache(maxsize=100)
def _statement(
    spend: Prepared | None,
    claim: Prepared | None,
    shape: tuple[tuple[Table, tuple[str, ...]], ...],
    marks: int,
    *,
    keeps: bool,
) -> Prepared:
    """WITH owner AS (the live client), claimed AS (the claim, if there is an owner), spent AS (the spending, if that
    succeeded), … (the inserts, and what else an approval keeps, if that did).
    """
    owner = client_is_live(marks).cte("owner_row")
    claimed = owner if claim is None else _done("claimed", "claim", claim, owner)
    spent = select(claimed.c.id).cte("spent") if spend is None else _done("spent", "spend", spend, claimed)
    was_spent = exists(select(spent.c.id))
    parts = []
    for table, columns in shape:
        values = _values(table.name, table, columns, was_spent)
        parts.append(insert(table).from_select(columns, values).cte(f"new_{table.name}"))
    if keeps:
        parts.append(_if(_KEEP.statement, "kept", was_spent).cte("kept"))
    given = {"live": owner, "spent": spent} if claim is None else {"live": owner, "claimed": claimed, "spent": spent}
    counts = (select(func.count()).select_from(cte).scalar_subquery().label(name) for name, cte in given.items())
    return Prepared(select(*counts).add_cte(*parts))


def _done(name: str, prefix: str, statement: Prepared, before: CTE) -> CTE:
    """A CTE that executes a statement where the one before it has a row; it then has one too."""
    found = _if(statement.statement, prefix, exists(select(before.c.id)))
    return found.returning(literal_column("1").label("id")).cte(name)  # type: ignore[no-any-return]


def _if(statement: Any, prefix: str, condition: Any) -> Any:
    """The statement, with a condition on which it depends; `prefix`: that of an INSERT's parameters."""
    if isinstance(statement, Update):
        return statement.where(condition)
    from sqlalchemy.dialects import postgresql

    table: Any = statement.table
    columns = tuple(table.c.keys())
    values = _values(prefix, table, columns, condition)
    return postgresql.insert(table).from_select(columns, values).on_conflict_do_nothing()


def _values(prefix: str, table: Table, columns: tuple[str, ...], condition: Any) -> Select[Any]:
    """A SELECT of one row of parameters, or of none where the condition doesn't hold."""
    names = _named(prefix, dict.fromkeys(columns))
    binds = (bindparam(bind, type_=table.c[name].type) for name, bind in zip(columns, names, strict=True))
    return select(*binds).where(condition)


def _named(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under names that no column has: SQLAlchemy would set a column of the same name in any UPDATE."""
    return {f"{prefix}_{column}": value for column, value in row.items()}
