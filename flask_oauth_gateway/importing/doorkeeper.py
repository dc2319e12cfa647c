"""Reads Doorkeeper's table `oauth_applications`, from its rows in JSON or from a SQLite file.

Secrets are there in plain (Doorkeeper's default), as their SHA-256 or hashed by bcrypt (`hash_application_secrets`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from ..crypto.hashing import SHA256_PREFIX
from . import Entry, Outcome
from .rows import known_scopes, known_secret, read_each, table, text

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings

FALSE = (False, 0, "0", "f", "false")  # as databases write it
HEX = re.compile(r"[0-9a-f]{64}")  # a SHA-256; but also what Doorkeeper before 5.1 made its ids and secrets of
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of the table: one for each application."""
    rows = table(file, "oauth_applications", columns=(("uid", "secret", "redirect_uri"),))
    hashed = any(isinstance(row, Mapping) and _is_sha256(row) for row in rows)

    def application(number: int, row: Mapping[str, Any]) -> Iterator[Entry]:
        yield _entry(f"row {row.get('id', number)}", row, settings, hashed=hashed)

    return list(read_each(rows, "row", application))


def _entry(where: str, row: Mapping[str, Any], settings: Settings, *, hashed: bool) -> Entry:
    public = row.get("confidential", True) in FALSE
    uris = str(row.get("redirect_uri") or "").split()
    redirect_uris = [uri for uri in uris if not uri.startswith(OUT_OF_BAND)]
    secrets, notes = ((), []) if public else _secrets(row, hashed=hashed)
    if len(redirect_uris) < len(uris):
        notes.append(f"without {OUT_OF_BAND}: there is no page here that shows a code")
    scopes, without = known_scopes(str(row.get("scopes") or "").split(), settings)
    owner = row.get("owner_id")
    return Entry(
        where=where,
        client_id=text(row, "uid"),
        metadata={
            "client_name": row.get("name") or "",
            "redirect_uris": redirect_uris,
            "grant_types": [
                *(["authorization_code", "refresh_token"] if redirect_uris else []),
                *([] if public else ["client_credentials"]),
            ],
            "token_endpoint_auth_method": "none" if public else None,
            # An application without scopes of its own may ask for every scope there.
            "scope": scopes if row.get("scopes") else settings.app_scopes,
        },
        secrets=secrets,
        owner=None if owner is None else str(owner),
        notes=[*notes, *without],
        says_grants=False,
        says_scopes=bool(row.get("scopes")),
    )


def _is_sha256(row: Mapping[str, Any]) -> bool:
    """Whether a row's secret is certainly a SHA-256: its id shows that such a row's secret would look otherwise in plain."""
    return bool(HEX.fullmatch(str(row.get("secret")))) and not HEX.fullmatch(str(row.get("uid")))


def _secrets(row: Mapping[str, Any], *, hashed: bool) -> tuple[tuple[KnownSecret, ...], list[str]]:
    """A row's secret. `hashed`: the file has SHA-256s, so that a secret that looks like one may be one."""
    secret = row.get("secret")
    if _is_sha256(row):
        return (KnownSecret(digest=f"{SHA256_PREFIX}{secret}"),), []
    if HEX.fullmatch(str(secret)) and hashed:
        return (), ["nothing shows whether its secret is in plain or a SHA-256: give it a new one with rotate-secret"]
    found, notes = known_secret(secret)
    if HEX.fullmatch(str(secret)):
        notes.append("its secret is taken for one in plain, as no row of the file is surely hashed")
    return found, notes
