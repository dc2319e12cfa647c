"""`--from hydra`: the list of Ory Hydra's clients, and its table, which has the secrets' hashes."""

import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import HYDRA_LIST, SECRET, hydra_row
from tests.support.importing import clients, works

Bring = Callable[..., Any]
BOARD = HYDRA_LIST["items"][0]["client_id"]


def pbkdf2(secret: str, iterations: int = 25_000) -> str:
    """As Hydra hashes by default."""
    salt = bytes(range(100, 116))
    made = pbkdf2_hmac("sha256", secret.encode(), salt, iterations)
    salt_and_hash = [b64encode(part).decode().rstrip("=") for part in (salt, made)]
    return f"$pbkdf2-sha256$i={iterations},l=32${'$'.join(salt_and_hash)}"


def hashed(secret: str, cost: int = 4) -> str:
    return bcrypt.hashpw(secret.encode()[:72], bcrypt.gensalt(cost, prefix=b"2a")).decode()  # as Go writes it


@sqlite_only
def test_the_list_has_everything_but_the_secrets(app: Flask, bring: Bring) -> None:
    dry = bring("hydra", HYDRA_LIST, "--dry-run")
    assert clients(app).list() == []
    said = bring("hydra", HYDRA_LIST)
    assert said == dry
    assert said[BOARD]["notes"] == [
        "its secret is only in Hydra's table: import that instead, or give it a new one with rotate-secret",
        "without the scopes 'offline', 'offline_access', 'openid', which OAUTH_SCOPES lacks",
        "without its audience, authorization_code_grant_access_token_lifespan",
    ]
    board = clients(app).get(BOARD)
    assert (board.client_name, board.owner, board.scope, board.skip_consent) == ("Board", "alice", "READ WRITE", True)
    assert (board.redirect_uris, board.contacts) == (["https://board.example/cb"], ["b@example.com"])
    assert (board.token_endpoint_auth_method, board.access_token_format) == ("client_secret_post", "jwt")
    assert (board.grant_types, board.attributes) == (["authorization_code", "refresh_token"], {"team": "b"})
    assert bring("hydra", HYDRA_LIST["items"])[BOARD]["what"] == "there", "as GET /admin/clients lists them"
    clients(app).update(BOARD, grant_types=["client_credentials"])
    made = clients(app).rotate_secret(BOARD).client_secret
    assert works(app, BOARD, made), "it can be changed and gets a secret"


@sqlite_only
def test_secrets_from_the_table_go_on_working(app: Flask, bring: Bring) -> None:
    long = "l" * 70 + "onger than bcrypt reads"
    rows = [
        hydra_row("pbkdf2", pbkdf2(SECRET)),
        hydra_row("bcrypt", hashed(SECRET)),
        hydra_row("long", hashed(long)),
        hydra_row("rotated", pbkdf2(SECRET), rotated_secrets=f'["{pbkdf2("the one before")}"]'),
        hydra_row("public", "", token_endpoint_auth_method="none", grant_types="authorization_code|refresh_token",
                  redirect_uris="https://a.example/cb|https://b.example/cb", contacts=""),
    ]  # fmt: skip
    said = bring("hydra", rows)
    assert {each["what"] for each in said.values()} == {"new"}
    for name in ("pbkdf2", "bcrypt", "rotated"):
        assert works(app, name, SECRET), name
        assert works(app, name, SECRET), f"{name}, remembered"
        assert not works(app, name, "another"), name
    assert works(app, "long", long)
    assert works(app, "rotated", "the one before")
    public = clients(app).get("public")
    assert (public.is_public, public.secrets) == (True, ())
    assert public.redirect_uris == ["https://a.example/cb", "https://b.example/cb"], "as Hydra 1 stored them"
    assert {each["what"] for each in bring("hydra", rows).values()} == {"there"}
    exported = app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout
    for each in clients(app).list():
        clients(app).delete(each.client_id)
    bring("gateway", exported.encode())
    assert works(app, "pbkdf2", SECRET), "a backup keeps what was imported"


@sqlite_only
def test_the_table_may_come_as_a_sqlite_file(app: Flask, bring: Bring, tmp_path: Path) -> None:
    row = hydra_row("job", pbkdf2(SECRET))
    file = tmp_path / "hydra.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE hydra_client ({', '.join(row)})")
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO hydra_client VALUES ({marks})", list(row.values()))  # noqa: S608
    bring("hydra", file.read_bytes())
    assert works(app, "job", SECRET)


@sqlite_only
@pytest.mark.parametrize(
    ("costly", "why"),
    [
        (pbkdf2(SECRET, 1).replace("i=1,", "i=2000001,"), "pbkdf2-sha256, at too great a cost for each guess"),
        (f"$2a$16${'a' * 53}", "bcrypt, at too great a cost for each guess"),
        ("$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q", "scrypt, which can't be checked here"),
    ],
    ids=["pbkdf2", "bcrypt", "scrypt"],
)
def test_a_hash_that_would_cost_a_lot_at_each_guess_or_is_of_another_kind_is_left_out(
    app: Flask, bring: Bring, costly: str, why: str
) -> None:
    notes = bring("hydra", [hydra_row("job", costly)])["job"]["notes"]
    assert notes[0] == f"its secret is hashed by {why}: give it a new one with rotate-secret"
    assert clients(app).get("job").secrets == ()


@sqlite_only
def test_without_the_library_a_bcrypt_hash_is_left_out_and_the_note_names_it(
    app: Flask, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [hydra_row("before", hashed(SECRET)), hydra_row("job", hashed(SECRET))]
    bring("hydra", rows[:1])
    for place in ("crypto.hashing", "importing.rows", "doctor.stored"):
        monkeypatch.setattr(f"flask_oauth_gateway.{place}.is_bcrypt_installed", lambda: False)
    notes = bring("hydra", rows)["job"]["notes"]
    assert "pip install 'flask-oauth-gateway[bcrypt]'" in notes[0]
    assert not works(app, "before", SECRET)
    doctor = app.test_cli_runner().invoke(args=["oauth", "doctor"])
    assert "client 'before': a secret is hashed by bcrypt, which isn't installed" in doctor.output


@sqlite_only
def test_scopes_with_wildcards_grants_and_subjects_that_there_are_only_there_are_named(
    app: Flask, bring: Bring
) -> None:
    row = {**HYDRA_LIST["items"][0], "scope": "READ photos.*", "subject_type": "pairwise",
           "grant_types": ["client_credentials", "urn:example:own"]}  # fmt: skip
    notes = bring("hydra", [row])[BOARD]["notes"]
    assert "without 'photos.*': scopes have no wildcards here" in notes
    assert "there is no grant like 'urn:example:own' here" in notes
    assert "its users' subjects were pairwise there: they are others here" in notes
    assert (clients(app).get(BOARD).scope, clients(app).get(BOARD).grant_types) == ("READ", ["client_credentials"])
