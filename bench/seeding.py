"""Puts tokens, codes and approvals into the gateway's tables, as if it had issued them: many at once, made ahead."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Table

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.crypto.hashing import new_token, time_ordered_key, token_key
from flask_oauth_gateway.database.tables import access_token, approval, code, refresh_token, session

HOUR = 3600
BATCH = 10_000


def seed_tokens(gateway: OAuthGateway, client: int, scope: str, number: int) -> list[str]:
    """Store so many access tokens of a client, by its key; returns them."""
    values = _new(number)
    common = {"client": client, "scope": scope, "grant_type": "client_credentials", **_times()}
    _insert(gateway, access_token, [{"token_hash": token_key(value), **common} for value in values])
    return values


def seed_refresh_tokens(gateway: OAuthGateway, client: int, scope: str, number: int) -> list[str]:
    """Store so many approvals of a client, each with a refresh token; returns the tokens."""
    values = _new(number)
    keys = [time_ordered_key() for _ in values]
    times = _times()
    common = {"client": client, "subject": "alice", "scope": scope, "grant_type": "authorization_code"}
    lives = {"created_at": times["issued_at"], "expires_at": times["expires_at"]}
    _insert(gateway, approval, [{"id": key, **common, **lives} for key in keys])
    rows = [{"token_hash": token_key(value), "family": key, **times} for value, key in zip(values, keys, strict=True)]
    _insert(gateway, refresh_token, rows)
    return values


def seed_codes(
    gateway: OAuthGateway,
    client: int,
    scope: str,
    number: int,
    redirect_uri: str,
    challenge: str,
    claims: dict[str, Any] | None = None,
    sid: str | None = None,
) -> list[str]:
    """Store so many authorization codes of a client, with PKCE's S256 challenge; returns them.

    `claims`: what is kept of the user's sign-in. `sid`: the session that they belong to.
    """
    values = _new(number)
    common = {
        "client": client, "subject": "alice", "scope": scope, "redirect_uri": redirect_uri, "redirect_uri_sent": True,
        "code_challenge": challenge, "code_challenge_method": "S256", "refreshable": True, "claims": claims, "sid": sid,
        **_times(),
    }  # fmt: skip
    _insert(
        gateway, code, [{"code_hash": token_key(value), "family": time_ordered_key(), **common} for value in values]
    )
    return values


def seed_session(gateway: OAuthGateway, client: int) -> str:
    """Begin a session of alice at a client; returns its `sid`."""
    times = _times()
    sid = new_token("", times["issued_at"])[:43]
    began = {"began_at": times["issued_at"], "expires_at": times["expires_at"]}
    _insert(gateway, session, [{"sid": sid, "browser": bytes(32), "client": client, "subject": "alice", **began}])
    return sid


def analyse(gateway: OAuthGateway) -> None:
    """Let the database look at what was stored, as it does by itself some time after."""
    engine = gateway.database.engine
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
        elif engine.dialect.name != "sqlite":  # SQLite never does it by itself
            connection.exec_driver_sql("ANALYZE TABLE oauth_access_token, oauth_client, oauth_client_secret")


def _new(number: int) -> list[str]:
    return [new_token("", int(time.time())) for _ in range(number)]


def _times() -> dict[str, int]:
    return {"issued_at": int(time.time()), "expires_at": int(time.time()) + HOUR}


def _insert(gateway: OAuthGateway, table: Table, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), BATCH):
        with gateway.database.transaction() as connection:
            connection.execute(table.insert(), rows[first : first + BATCH])
