"""Finds what is weak in the database, or will soon be a problem: each function checks one thing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import text

from ..clients.sectors import lacks_sector
from ..crypto.hashing import BCRYPT, is_bcrypt_installed, is_known_digest
from ..database.sqlite.in_memory import InMemoryDatabase
from ..database.sqlite.journal import SLOW, SWITCH, has_rollback_journal
from ..features import SECRET_METHODS
from .settings import LONG_ACCESS_TOKEN
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client

SOON = 14 * 86400
CERTIFICATE_SOON = 30 * 86400  # a new one takes longer to get than a new secret
CLOCKS_APART = 30
NOW = {
    "postgresql": text("SELECT CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)"),
    "mysql": text("SELECT UNIX_TIMESTAMP()"),
    "mariadb": text("SELECT UNIX_TIMESTAMP()"),
}


def kept_in_memory(server: AuthorizationServer) -> Iterator[Weakness]:
    server.database.engine  # noqa: B018, shows what database it is
    if isinstance(server.database, InMemoryDatabase):
        yield Weakness(
            "OAUTH_DATABASE_URI",
            "a database in memory: clients and tokens end with the process, and each process has its own",
            "name a file or a server",
        )


def journal(server: AuthorizationServer) -> Iterator[Weakness]:
    if has_rollback_journal(server.database.engine):
        yield Weakness("the app's db", SLOW, SWITCH)


def clients(server: AuthorizationServer) -> Iterator[Weakness]:
    for client in server.clients.list():
        yield from of_client(server, client)


def of_client(server: AuthorizationServer, client: Client) -> Iterator[Weakness]:
    """What is weak in one client; nothing where it is disabled."""
    if client.enabled:
        for why, fix in _of_client(client):
            yield Weakness(f"client {client.client_id!r}", why, fix)
        if lacks_sector(client, server.settings):
            yield Weakness(
                f"client {client.client_id!r}",
                "it names no subject_type, so its subjects are pairwise, and its redirect URIs have several hosts:"
                " its users have new names, under a sector of its own (OpenID Connect Core section 8.1)",
                'register subject_type "public", as it was; or a sector_identifier_uri',
            )


def _of_client(client: Client) -> Iterator[tuple[str, str]]:
    if "implicit" in client.grant_types:
        yield (
            "it may use implicit (RFC 9700 section 2.1.2)",
            "take it out, and have it use authorization_code with PKCE",
        )
    if "password" in client.grant_types:
        yield "it may use password (RFC 9700 section 2.4)", "take it out, and have it use authorization_code"
    if any(urlsplit(uri).scheme == "http" and _is_localhost(uri) for uri in client.redirect_uris):
        yield "a redirect URI names localhost, which may be another host (RFC 8252 section 8.3)", "write 127.0.0.1"
    if (client.access_token_lifetime or 0) > LONG_ACCESS_TOKEN:
        yield "its access tokens live for more than a day", "shorten its access_token_lifetime, and let it refresh"
    if client.token_endpoint_auth_method in SECRET_METHODS:
        yield from _of_secrets(client)
    if client.certificate is not None:
        yield from _of_certificate(client.certificate)


def _is_localhost(uri: str) -> bool:
    return f".{urlsplit(uri).hostname or ''}".endswith(".localhost")


def _of_secrets(client: Client) -> Iterator[tuple[str, str]]:
    unknown = [secret.digest for secret in client.secrets if not is_known_digest(secret.digest)]
    if any(digest.startswith(BCRYPT) for digest in unknown) and not is_bcrypt_installed():
        yield "a secret is hashed by bcrypt, which isn't installed", "pip install 'flask-oauth-gateway[bcrypt]'"
    elif unknown:
        yield "a secret is hashed at too great a cost, and is never right", "flask oauth client rotate-secret"
    if any(secret.expires_at is None for secret in client.secrets):
        return
    last = max((secret.expires_at or 0 for secret in client.secrets), default=None)
    if last is None:
        yield "it has no secret, and can't authenticate", "flask oauth client rotate-secret"
    elif last < time.time() + SOON:
        yield f"its last secret {_ends(last)}", "flask oauth client rotate-secret, with an overlap"


def _of_certificate(pem: str) -> Iterator[tuple[str, str]]:
    from ..crypto.certificates import UnusableKey, certificate_of

    try:
        ends = certificate_of(pem.encode()).not_valid_after_utc
    except UnusableKey:  # a public key, which has no end
        return
    if ends.timestamp() < time.time() + CERTIFICATE_SOON:
        yield f"its certificate {_ends(ends.timestamp())}", "register the one that follows"


def _ends(moment: float) -> str:
    verb = "ends" if moment > time.time() else "ended"
    return f"{verb} on {datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def signing_keys(server: AuthorizationServer) -> Iterator[Weakness]:
    """Keys that can't sign any more. The next token would be signed by a new key, which other servers don't know yet."""
    rows = [row for row in server.keys.all() if row.retired_at is None]
    if server.sealing.has_key():
        for row in rows:
            if server.sealing.unseal(row.sealed) is None:
                yield Weakness(
                    f"key {row.kid!r}",
                    "it was encrypted under another SECRET_KEY than this app's, and can't sign",
                    "put the old one into SECRET_KEY_FALLBACKS, or retire the key (flask oauth key retire)",
                )


def audit_trail(server: AuthorizationServer) -> Iterator[Weakness]:
    for finding in server.audit.verify().findings:
        several = finding.last > finding.first
        yield Weakness(
            f"audit entries {finding.first} to {finding.last}" if several else f"audit entry {finding.first}",
            f"it {finding.what}",
            "find out who had the database (flask oauth audit verify)",
        )


def clocks(server: AuthorizationServer) -> Iterator[Weakness]:
    """The difference to the database's clock, where it has its own: other machines' clocks may differ as much."""
    statement = NOW.get(server.database.engine.dialect.name)
    row = None if statement is None else server.database.first(statement)
    if row is not None and abs(int(row[0]) - time.time()) > CLOCKS_APART:
        yield Weakness(
            "the clock", f"it is {abs(int(row[0]) - int(time.time()))} seconds off the database's", "set both by NTP"
        )


#: What is found at once, however many clients and entries there are.
QUICK = (kept_in_memory, journal, signing_keys, clocks)
STORED = (*QUICK, clients, audit_trail)
