"""The table of tokens in partitions: the command, what there is, and tokens as they would have been issued at any time."""

import secrets
import time

from click.testing import Result
from flask import Flask
from sqlalchemy import text

from flask_oauth_gateway.crypto.hashing import new_token, token_key
from flask_oauth_gateway.database.tables import access_token
from tests.support.stored import database_of, register

DAY = 86400


def run(app: Flask, *options: str) -> str:
    result: Result = app.test_cli_runner().invoke(args=["oauth", "token", "partition", *options])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def partitions(app: Flask) -> dict[str, int]:
    """The partitions, each with the number of its rows."""
    with database_of(app).engine.connect() as connection:
        names = connection.scalars(text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
                                        " 'oauth_access_token'::regclass ORDER BY 1")).all()  # fmt: skip
        return {
            name.removeprefix("oauth_access_token_"): connection.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608
            for name in names
        }


def day(seconds: float = 0) -> str:
    return time.strftime("%Y%m%d", time.gmtime(time.time() + seconds))


def store(app: Flask, number: int, *, issued_at: int, expires_at: int, old: bool = False) -> list[str]:
    """Tokens in the table, as they would have been issued then; `old`: as an older version did."""
    tokens = [secrets.token_urlsafe(32) if old else new_token("", issued_at) for _ in range(number)]
    client = register(app)
    row = {
        "scope": "weather:read",
        "grant_type": "client_credentials",
        "issued_at": issued_at,
        "expires_at": expires_at,
    }
    with database_of(app).engine.connect() as connection:
        key = connection.scalar(text("SELECT id FROM oauth_client WHERE client_id = :id"), {"id": client.client_id})
        rows = [{**row, "client": key, "token_hash": token_key(token)} for token in tokens]
        connection.execute(access_token.insert(), rows)
    return tokens
