"""What many clients are called, which may have a scope, and what would end with one."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, literal, or_, select

from ...crypto.hashing import sha256
from ...database.tables import access_token, approval, client, client_secret, personal_token
from ...features import SECRET_METHODS

if TYPE_CHECKING:
    from ...database.engine import Database
    from ..registered_client import Client

MOST_COUNTED = 10_000
MOST_LOOKED_AT = 500  # personal tokens, those that live longest


@dataclass(frozen=True, slots=True)
class Usage:
    """What a client has given out that is live, each counted up to `MOST_COUNTED`, and when somebody last used it.

    `last_used`: seconds since 1970, as far as it is known; `None`: never, or not since the last purge.
    """

    tokens: int
    users: int
    last_used: int | None


def names_of(database: Database, client_ids: Collection[str]) -> dict[str, str]:
    """The names of those clients that there still are, by their `client_id`; one without a name has its `client_id` as one."""
    if not client_ids:
        return {}
    rows = database.all(
        select(client.c.client_id, client.c.metadata).where(
            client.c.client_id_hash.in_([sha256(each) for each in client_ids])
        )
    )
    return {row.client_id: row.metadata.get("client_name") or row.client_id for row in rows}


def with_scope(database: Database, scope: str, limit: int) -> list[str]:
    """The `client_id` of some clients that may ask for a scope, the oldest first."""
    asked = literal(" ") + client.c.metadata["scope"].as_string() + literal(" ")
    found = select(client.c.client_id).where(asked.contains(f" {scope} ", autoescape=True))
    return [row.client_id for row in database.all(found.order_by(client.c.id).limit(limit))]


def last_secrets_that_end(database: Database, until: int, limit: int) -> list[tuple[str, str, int]]:
    """The clients that work by a secret and have none that lives longer: `client_id`, name, and when the last one ends."""
    other = client_secret.alias()
    lives_longer = exists().where(
        other.c.client == client_secret.c.client, or_(other.c.expires_at.is_(None), other.c.expires_at >= until)
    )
    ending = (  # first those that end, which are few, then what else their clients have
        select(client_secret.c.client, func.max(client_secret.c.expires_at).label("ends"))
        .where(client_secret.c.expires_at < until, ~lives_longer)
        .group_by(client_secret.c.client)
        .subquery()
    )
    method = client.c.metadata["token_endpoint_auth_method"].as_string()
    rows = database.all(
        select(client.c.client_id, client.c.metadata, ending.c.ends)
        .join(ending, ending.c.client == client.c.id)
        .where(client.c.enabled, or_(method.is_(None), method.in_(SECRET_METHODS)))
        .order_by(ending.c.ends.desc())
        .limit(limit)
    )
    return [(row.client_id, row.metadata.get("client_name") or row.client_id, int(row.ends)) for row in rows]


def usage_of(database: Database, found: Client) -> Usage:
    """What would end with a client."""
    now, tables = int(time.time()), (access_token, approval)
    live: dict[Any, Any] = {
        table: select(table.c.subject)
        .where(table.c.client == found.key, table.c.expires_at > now, table.c.revoked_at.is_(None))
        .limit(MOST_COUNTED)
        .subquery()
        for table in tables
    }
    tokens = database.first(select(func.count()).select_from(live[access_token]))
    users: set[str] = set()
    for rows in live.values():
        users |= {row.subject for row in database.all(select(rows.c.subject).distinct()) if row.subject is not None}
    newest = (
        select(access_token.c.issued_at)
        .where(access_token.c.client == found.key)
        .order_by(access_token.c.expires_at.desc())
        .limit(1)
    )
    last = database.first(newest)
    times = [found.used_at, None if last is None else last.issued_at, *(each.last_used_at for each in found.secrets)]
    if not found.grant_types:  # that of personal tokens, which may live for a year
        of_all = (
            select(personal_token.c.token_hash, personal_token.c.last_used_at)
            .where(personal_token.c.expires_at > now)
            .order_by(personal_token.c.expires_at.desc())
            .limit(MOST_LOOKED_AT)
            .subquery()
        )
        its = of_all.join(access_token, access_token.c.token_hash == of_all.c.token_hash)
        latest = select(func.max(of_all.c.last_used_at).label("at")).select_from(its)
        used = database.first(latest.where(access_token.c.client == found.key))
        times.append(None if used is None else used.at)
    return Usage(
        0 if tokens is None else int(tokens[0]), len(users), max((each for each in times if each), default=None)
    )
