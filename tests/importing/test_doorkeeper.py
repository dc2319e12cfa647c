"""`--from doorkeeper`: the table `oauth_applications`, with secrets in plain, as SHA-256, or hashed by bcrypt."""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import DOORKEEPER, SECRET, doorkeeper_row
from tests.support.importing import clients, works

Bring = Callable[..., Any]
PLAIN = secrets.token_urlsafe(32)  # as Doorkeeper makes them
UIDS = [row["uid"] for row in DOORKEEPER]


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@sqlite_only
def test_applications_come_over_with_their_plain_secrets(app: Flask, bring: Bring) -> None:
    dry = bring("doorkeeper", DOORKEEPER, "--dry-run")
    assert clients(app).list() == []
    said = bring("doorkeeper", DOORKEEPER)
    assert said == dry
    assert works(app, UIDS[0], f"{SECRET}-plain_1")
    assert not works(app, UIDS[0], "another")
    first, second = (clients(app).get(uid) for uid in UIDS)
    assert (first.client_name, first.scope, first.grant_types) == ("App 1", "READ", ["client_credentials"])
    assert (second.redirect_uris, second.owner) == (["https://a.example/cb"], "7")
    assert second.grant_types == ["authorization_code", "refresh_token", "client_credentials"]
    assert second.scope == "READ WRITE", "without scopes of its own it may ask for every scope"
    assert said[UIDS[1]]["notes"] == ["without urn:ietf:wg:oauth:2.0:oob: there is no page here that shows a code"]
    assert {each["what"] for each in bring("doorkeeper", DOORKEEPER).values()} == {"there"}


@sqlite_only
@pytest.mark.parametrize(
    "stored",
    [sha256(PLAIN), bcrypt.hashpw(PLAIN.encode(), bcrypt.gensalt(4, prefix=b"2a")).decode()],
    ids=["sha256", "bcrypt"],
)
def test_hashed_secrets_go_on_working(app: Flask, bring: Bring, stored: str) -> None:
    bring("doorkeeper", [doorkeeper_row(1, secret=stored)])
    assert works(app, UIDS[0], PLAIN)
    assert not works(app, UIDS[0], "another")
    assert not works(app, UIDS[0], stored), "the hash is no secret"


@sqlite_only
def test_a_secret_of_hexadecimal_digits_is_plain_only_where_no_row_is_hashed(app: Flask, bring: Bring) -> None:
    """Before 5.1 ids and secrets had 64 hexadecimal digits, as a SHA-256 has."""
    old, plain = "a" * 64, secrets.token_hex(32)
    notes = bring("doorkeeper", [doorkeeper_row(1, uid=old, secret=plain)])[old]["notes"]
    assert notes == ["its secret is taken for one in plain, as no row of the file is surely hashed"]
    assert works(app, old, plain)
    other = "b" * 64
    mixed = [doorkeeper_row(1, uid=other, secret=plain), doorkeeper_row(2, secret=sha256(PLAIN))]
    notes = bring("doorkeeper", mixed)[other]["notes"]
    assert notes == ["nothing shows whether its secret is in plain or a SHA-256: give it a new one with rotate-secret"]
    assert not works(app, other, plain)


@sqlite_only
@pytest.mark.parametrize("false", [False, 0, "f"])
def test_a_public_application_has_no_secret(app: Flask, bring: Bring, false: Any) -> None:
    bring("doorkeeper", [doorkeeper_row(1, confidential=false, redirect_uri="com.example.app:/cb", secret="")])
    client = clients(app).get(UIDS[0])
    assert (client.is_public, client.secrets) == (True, ())
    assert client.grant_types == ["authorization_code", "refresh_token"]


@sqlite_only
def test_the_table_may_come_as_a_sqlite_file_and_grants_may_be_named(app: Flask, bring: Bring, tmp_path: Path) -> None:
    row = doorkeeper_row(1, confidential=1)
    file = tmp_path / "development.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE users (id)")
        connection.execute(f"CREATE TABLE oauth_applications ({', '.join(row)})")
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO oauth_applications VALUES ({marks})", list(row.values()))  # noqa: S608
    bring("doorkeeper", file.read_bytes(), "--grant", "password")
    assert clients(app).get(UIDS[0]).grant_types == ["password"]


@sqlite_only
def test_what_a_running_server_has_written_last_comes_over_too(app: Flask, tmp_path: Path) -> None:
    """With a write-ahead log, as Rails has it, new rows stand in a file beside the database for a while."""
    file = tmp_path / "production.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute(f"CREATE TABLE oauth_applications ({', '.join(doorkeeper_row(1))})")
        connection.execute("PRAGMA wal_checkpoint(truncate)")
        row = doorkeeper_row(1)
        connection.execute(f"INSERT INTO oauth_applications VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608
        connection.commit()
        before = {each.name: each.read_bytes() for each in tmp_path.glob("production*")}
        result = app.test_cli_runner().invoke(args=["oauth", "client", "import", str(file), "--from", "doorkeeper"])
        assert result.exit_code == 0, result.output
        assert {each.name: each.read_bytes() for each in tmp_path.glob("production*")} == before
    assert clients(app).get(UIDS[0]).client_name == "App 1"
