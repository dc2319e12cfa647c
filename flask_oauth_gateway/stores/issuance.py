"""The last step of a grant, all or nothing: a code or token is spent, and the approval and tokens for it are stored.

So is a pushed request spent for a code.

On PostgreSQL this is one statement, in which each part waits for the one before it; elsewhere it is a transaction. One
round trip instead of six makes a refresh on PostgreSQL almost as quick as a new token. There, a rotation also does its
checks in the same statement (`rotate_at_once`): where no row comes back, one of them failed, and a look-up tells which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Insert, Update

from ..database.deadlocks import again_after_deadlock
from ..database.prepared import Prepared
from ..database.tables import access_token, approval, client, code, once, refresh_token
from .revocations.mark import standing
from .tokens import TokenStore, client_is_live

if TYPE_CHECKING:
    from ..database.engine import Database
    from .registered_client import Client


class AlreadyAnswered(Exception):
    """Another answer has used up the pushed request for which this one was to be given."""


@dataclass(frozen=True, slots=True)
class Spend:
    """A statement that spends something once: it updates a row that isn't spent yet, or inserts a row that isn't there yet.

    `ends_with_tokens`: where a user's tokens are revoked, that spends or ends this too.
    """

    statement: Prepared
    parameters: Mapping[str, Any]
    ends_with_tokens: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What the last step does: the statement that spends, and the rows to store, by column.

    `numbers`: those that the marks must still have that would revoke the tokens (`revocations`).
    """

    client: Client
    numbers: Mapping[bytes, int]
    spend: Spend | None
    approval: Mapping[str, Any] | None = None
    code: Mapping[str, Any] | None = None
    access_token: Mapping[str, Any] | None = None  # None: a stateless token, which isn't stored
    refresh_token: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the last step was done: nothing was stored unless both are true.

    `is_live`: the client and the marks were as they had been read.
    """

    is_live: bool
    spent: bool


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
            if deed.spend is not None and not _spends(connection, deed.spend):
                raise _Undo(Outcome(is_live=True, spent=False))
            if deed.approval is not None:
                _insert(approval, tuple(deed.approval)).execute(connection, deed.approval)
            if deed.code is not None:
                _insert(code, tuple(deed.code)).execute(connection, deed.code)
            if not TokenStore.add_in(connection, deed.access_token, deed.client, deed.numbers):
                raise _Undo(Outcome(is_live=False, spent=True))
            if deed.refresh_token is not None:
                _insert(refresh_token, tuple(deed.refresh_token)).execute(connection, deed.refresh_token)
    except _Undo as undone:
        return undone.outcome
    return Outcome(is_live=True, spent=True)


@again_after_deadlock
def _take_back(database: Database, deed: Deed) -> None:
    """Delete what the deed has stored, which nobody has been given, and give back what it has claimed."""
    with database.transaction() as connection:
        for table, row in ((refresh_token, deed.refresh_token), (access_token, deed.access_token)):
            if row is not None:
                connection.execute(delete(table).where(table.c.token_hash == row["token_hash"]))
        if deed.approval is not None:
            connection.execute(delete(approval).where(approval.c.id == deed.approval["id"]))
        if deed.spend is not None and "key" in deed.spend.parameters:
            connection.execute(delete(once).where(once.c.key == deed.spend.parameters["key"]))


def _spends(connection: Connection, spend: Spend) -> bool:
    try:
        return spend.statement.execute(connection, spend.parameters).rowcount == 1
    except IntegrityError:  # somebody else has inserted the row before
        return False


@lru_cache(maxsize=10)
def _insert(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table), columns)


def _in_one_statement(database: Database, deed: Deed) -> Outcome:
    given = {
        approval: deed.approval, code: deed.code, access_token: deed.access_token, refresh_token: deed.refresh_token,
    }  # fmt: skip
    rows = {table: row for table, row in given.items() if row is not None}
    shape = tuple((table, tuple(row)) for table, row in rows.items())
    statement = _statement(None if deed.spend is None else deed.spend.statement, shape, len(deed.numbers))
    parameters = {"owner": deed.client.key, "version": deed.client.version, **standing(deed.numbers)}
    for table, row in rows.items():
        parameters |= _named(table, row)
    if deed.spend is not None:
        spending, given_to_it = deed.spend.statement.statement, deed.spend.parameters
        parameters |= _named(spending.table, given_to_it) if isinstance(spending, Insert) else given_to_it
    found = database.first_once(statement, parameters)
    return Outcome(is_live=bool(found and found.live), spent=bool(found and found.spent))


@lru_cache(maxsize=100)
def _statement(spend: Prepared | None, shape: tuple[tuple[Table, tuple[str, ...]], ...], marks: int) -> Prepared:
    """WITH owner AS (the live client), spent AS (the spending, if there is an owner), … (the inserts, if that succeeded)."""
    owner = client_is_live(marks).cte("owner_row")
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
    """The statement, with a condition on which it depends."""
    if isinstance(statement, Update):
        return statement.where(condition)
    from sqlalchemy.dialects import postgresql

    table: Any = statement.table
    columns = tuple(table.c.keys())
    return postgresql.insert(table).from_select(columns, _values(table, columns, condition)).on_conflict_do_nothing()


def _values(table: Table, columns: tuple[str, ...], condition: Any) -> Select[Any]:
    """A SELECT of one row of parameters, or of none where the condition doesn't hold."""
    names = _named(table, dict.fromkeys(columns))
    binds = (bindparam(bind, type_=table.c[name].type) for name, bind in zip(columns, names, strict=True))
    return select(*binds).where(condition)


def _named(table: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under names that no column has: SQLAlchemy would set a column of the same name in any UPDATE."""
    return {f"{table.name}_{column}": value for column, value in row.items()}


# A refresh on PostgreSQL in one statement, where nothing has to be decided between reading and writing.

_A, _R, _T = approval.c, refresh_token.c, access_token.c
_NOW = bindparam("moment", type_=BigInteger)


def can_rotate_at_once(database: Database) -> bool:
    """Whether the database allows statements that write inside one that reads."""
    return database.engine.dialect.name == "postgresql"


def rotate_at_once(
    database: Database, client: Client, values: Mapping[str, Any], now: int, *, idle: int | None
) -> Row[Any] | None:
    """Spend a refresh token and store its successors; returns the approval's values, or `None` where nothing was done.

    `values`: `old_hash`, `salt`, `token_hash`, `refresh_hash`, `audience` (where the approval names none),
    `grant_type`, `expires_at`, `scopes` (all that the client may have: where another one was approved, nothing is done
    here). `now`: seconds since 1970. `idle`: the seconds without use after which the refresh token ends.
    """
    given = {"owner": client.key, "owner_version": client.version, "moment": now, "idle": idle}
    return database.first_once(
        _rotation(ends_idle=idle is not None), {**given, **{f"p_{k}": v for k, v in values.items()}}
    )


@lru_cache(maxsize=2)
def _rotation(*, ends_idle: bool) -> Prepared:
    live_client = exists().where(
        client.c.id == bindparam("owner"), client.c.version == bindparam("owner_version"), client.c.enabled
    )
    live = [_R.spent_at.is_(None), _R.expires_at > _NOW, _A.revoked_at.is_(None), _A.expires_at > _NOW]
    from sqlalchemy.dialects import postgresql

    words = partial(func.string_to_array, type_=postgresql.ARRAY(Text))
    live.append(words(_A.scope, " ").contained_by(words(bindparam("p_scopes", type_=Text), " ")))
    # What becomes of authorization details has to be decided.
    live.append(_A.claims.op("->")(literal_column("'authorization_details'")).is_(None))
    if ends_idle:
        live.append(func.coalesce(_R.last_used_at, _R.issued_at) + bindparam("idle", type_=BigInteger) > _NOW)
    spent = (
        update(refresh_token)
        # "+ 0", or a plan that was made without statistics reads every approval of the client by the index on `client`.
        .where(_R.token_hash == bindparam("p_old_hash"), _A.id == _R.family, _A.client + 0 == bindparam("owner"))
        .where(and_(*live), live_client)
        .values(spent_at=_NOW, salt=bindparam("p_salt"))
        .returning(
            _R.family,
            _R.expires_at,
            _A.subject,
            _A.scope,
            _A.audience,
            _A.attributes,
            _A.claims,
            _A.expires_at.label("approval_expires_at"),
        )
    ).cte("spent")
    approved = spent.c
    expires_at = func.least(bindparam("p_expires_at", type_=BigInteger), approved.approval_expires_at)
    token = {
        _T.token_hash: bindparam("p_token_hash", type_=_T.token_hash.type),
        _T.client: bindparam("owner", type_=_T.client.type),
        _T.family: approved.family,
        _T.subject: approved.subject,
        _T.scope: approved.scope,
        _T.audience: func.coalesce(approved.audience, bindparam("p_audience", type_=Text)),
        _T.grant_type: bindparam("p_grant_type", type_=Text),
        _T.attributes: approved.attributes,
        _T.claims: approved.claims,
        _T.issued_at: _NOW,
        _T.expires_at: expires_at,
    }
    following = {
        _R.token_hash: bindparam("p_refresh_hash", type_=_R.token_hash.type),
        _R.family: approved.family,
        _R.issued_at: _NOW,
        _R.expires_at: approved.expires_at,
    }
    parts = [
        insert(table).from_select(list(row), select(*row.values()).select_from(spent)).cte(f"new_{table.name}")
        for table, row in ((access_token, token), (refresh_token, following))
    ]
    return Prepared(select(spent, expires_at.label("token_expires_at")).add_cte(*parts))
