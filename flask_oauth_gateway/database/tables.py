"""The schema. `add_to(metadata)` puts it beside an app's own tables.

Times are whole seconds since 1970, UTC. Identifiers of the gateway's own rows never leave the database. There is no
foreign key from a token to its client: on PostgreSQL it would lock the client's row at every issue; a token whose
client is gone is refused by the join that looks it up, and purged.
"""

from __future__ import annotations

import os
import time
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

metadata = MetaData()

#: Counts the changes that a table has seen: one more with each release that changes a column or a table.
SCHEMA_VERSION = 1

Key = BigInteger().with_variant(Integer, "sqlite")
Hash = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
ApprovalKey = LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
Object = JSON(none_as_null=True)
Subject = String(255)
# Names are told apart by case, by every accent and, on a mariadb:// URL, by spaces at the end; without this MariaDB takes
# "alice" and "Alice" for one subject. A mysql:// URL reads the mysql_ options alone, and MySQL knows no nopad_bin.
OPTIONS: Any = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
NEVER_REUSE_IDS: Any = {"sqlite_autoincrement": True}  # a new client must not inherit the tokens of a deleted one

application = Table(  # what a partner has: any number of clients, which work while it is approved
    "oauth_application",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("application_id", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False, default=1),  # counts every change
    Column("name", String(255), nullable=False),
    Column("folded_name", String(255), nullable=False),  # case folded: what a search looks through
    Column("owner", Subject, index=True),
    Column("status", String(16), nullable=False),  # "pending", "approved" or "revoked"
    Column("plan", String(255)),
    Column("attributes", Object),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    **OPTIONS,
    **NEVER_REUSE_IDS,
)

client = Table(
    "oauth_client",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("client_id", String(2048), nullable=False),
    Column("client_id_hash", Hash, nullable=False, unique=True),  # 2048 characters are more than MariaDB can index
    Column("version", Integer, nullable=False, default=1),  # counts every change, secrets' too
    Column("enabled", Boolean, nullable=False, default=True),  # what counts: switched on, and its application approved
    Column("switched_on", Boolean, nullable=False, default=True),  # the client's own switch
    Column("application", Key, ForeignKey("oauth_application.id")),
    Column("owner", Subject, index=True),
    Column("name", String(255)),  # how client_name begins, case folded: what a search looks through
    Column("metadata", Object, nullable=False),  # the rest of the registration, by RFC 7591's names
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("application", "id", name="uq_oauth_client_application"),  # the foreign key's index, see below
    **OPTIONS,
    **NEVER_REUSE_IDS,
)

client_secret = Table(
    "oauth_client_secret",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("client", Key, ForeignKey("oauth_client.id", ondelete="CASCADE"), nullable=False),
    Column("hint", String(8), nullable=False),  # its last characters
    Column("digest", Text, nullable=False),  # "sha256$…" of a generated one, argon2id of a brought one, or "sealed$…"
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    UniqueConstraint("client", "id", name="uq_oauth_client_secret_client"),  # the foreign key's index, see below
    **OPTIONS,
)

consent = Table(
    "oauth_consent",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("client", Key, ForeignKey("oauth_client.id", ondelete="CASCADE"), nullable=False),
    Column("subject", Subject, nullable=False),
    Column("scope", Text, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # A constraint that begins with the foreign key is its index too: MariaDB refuses to drop an index that a foreign key
    # needs, and the downgrade that Alembic writes drops every index before its table.
    UniqueConstraint("client", "subject", name="uq_oauth_consent_client_subject"),
    Index("ix_oauth_consent_subject", "subject"),
    **OPTIONS,
)

approval = Table(  # what a user allowed, once; the columns that name one are called "family", as since version 1
    "oauth_family",
    metadata,
    Column("id", ApprovalKey, primary_key=True),
    Column("client", Key, nullable=False),
    Column("subject", Subject),
    Column("scope", Text, nullable=False),
    Column("audience", Text),  # the resources that were approved, with spaces between; None: whatever is the default
    Column("grant_type", String(255), nullable=False),
    Column("attributes", Object),
    Column("claims", Object),  # how the user signed in, what the token is bound to
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("ix_oauth_family_subject", "subject", "client"),
    Index("ix_oauth_family_client", "client", "expires_at"),
    Index("ix_oauth_family_expires_at", "expires_at"),
    **OPTIONS,
)

access_token = Table(
    "oauth_access_token",
    metadata,
    Column("token_hash", Hash, primary_key=True),
    Column("client", Key, nullable=False),
    Column("family", ApprovalKey),
    Column("subject", Subject),
    Column("scope", Text, nullable=False),
    Column("audience", Text),  # resource identifiers, with spaces between
    Column("grant_type", String(255), nullable=False),
    Column("attributes", Object),
    Column("claims", Object),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("ix_oauth_access_token_client", "client", "expires_at"),
    Index("ix_oauth_access_token_subject", "subject", "expires_at"),
    Index("ix_oauth_access_token_expires_at", "expires_at"),
    **OPTIONS,
)

refresh_token = Table(
    "oauth_refresh_token",
    metadata,
    Column("token_hash", Hash, primary_key=True),
    Column("family", ApprovalKey, nullable=False, index=True),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("spent_at", BigInteger),
    Column("salt", Hash),  # with the token itself it gives its successors again (OAUTH_REFRESH_TOKEN_GRACE)
    Index("ix_oauth_refresh_token_expires_at", "expires_at"),
    **OPTIONS,
)

code = Table(
    "oauth_code",
    metadata,
    Column("code_hash", Hash, primary_key=True),
    Column("client", Key, nullable=False),
    Column(
        "family", ApprovalKey, nullable=False
    ),  # the approval that redeeming it begins, so that a second use can end that
    Column("subject", Subject, nullable=False),
    Column("scope", Text, nullable=False),
    Column("audience", Text),
    Column("redirect_uri", Text, nullable=False),
    Column("redirect_uri_sent", Boolean, nullable=False),  # whether the request named it
    Column("code_challenge", String(128)),
    Column("code_challenge_method", String(16)),
    Column("lasts_until", BigInteger),  # how long the user lets it last at the most
    Column("refreshable", Boolean, nullable=False),
    Column("claims", Object),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("spent_at", BigInteger),
    **OPTIONS,
)

device_code = Table(
    "oauth_device_code",
    metadata,
    Column("device_code_hash", Hash, primary_key=True),
    Column("user_code_hash", Hash, nullable=False, unique=True),
    Column("client", Key, nullable=False),
    Column("family", ApprovalKey, nullable=False),
    Column("scope", Text, nullable=False),
    Column("granted_scope", Text),
    Column("audience", Text),
    Column("subject", Subject),  # whoever typed the user code first; nobody else may go on with it
    Column("decision", String(8)),  # None while pending, "allow" or "deny"
    Column("claims", Object),
    Column("poll_interval", Integer, nullable=False),
    Column("last_polled_at", BigInteger),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("spent_at", BigInteger),
    **OPTIONS,
)

once = Table(  # one-time things: a second insert of the same key fails
    "oauth_once",
    metadata,
    Column("key", Hash, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    **OPTIONS,
)

key = Table(
    "oauth_key",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("generation", Integer, nullable=False, unique=True),  # of two processes that make the next one, one wins
    Column("algorithm", String(16), nullable=False),
    Column("public", Object, nullable=False),
    Column("sealed", Text, nullable=False),  # the private key, encrypted
    Column("created_at", BigInteger, nullable=False),
    Column("active_from", BigInteger, nullable=False),  # published before it signs
    Column("retired_at", BigInteger),  # from here on it is neither published nor believed
    **OPTIONS,
)

revocation = Table(  # what stateless tokens are refused for: few rows, which every process knows by heart
    "oauth_revocation",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("mark", Hash, nullable=False),  # of a token, an approval, a client, a user, or both
    Column("issued_until", BigInteger, nullable=False),  # tokens issued up to then; 0 takes an earlier mark back
    Column("revoked_at", BigInteger, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    **OPTIONS,
    **NEVER_REUSE_IDS,
)

audit = Table(
    "oauth_audit",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),  # its number: they have no gaps
    Column("at", BigInteger, nullable=False),
    Column("event", String(64), nullable=False),
    Column("outcome", String(64), nullable=False),  # "ok", or the error
    Column("client_id", String(2048)),
    Column("subject", Subject),
    Column("actor", String(255)),  # who did it, where that is neither the client nor the subject
    Column("address", String(64)),  # where it came from
    Column("details", Object),
    Column("hash", Hash, nullable=False),  # keyed, over the entry before it and this one's content
    Column("client_hash", BigInteger),  # the client_id's first 64 bits: the whole is more than an index can hold
    Index("ix_oauth_audit_at", "at", "event"),
    Index("ix_oauth_audit_client", "client_hash", "id"),
    Index("ix_oauth_audit_subject", "subject", "id"),
    **OPTIONS,
)

audit_head = Table(  # one row: where the audit trail ends; locked by whoever writes to it
    "oauth_audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("hash", Hash, nullable=False),  # the last entry's
    Column("seal", Hash, nullable=False),  # keyed, over both
    **OPTIONS,
)


schema = Table(  # one row: which version of this module made the tables
    "oauth_schema",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    **OPTIONS,
)


def add_to(other: MetaData) -> None:
    """Put the gateway's tables on an app's metadata, where `db.create_all()` and Flask-Migrate see them."""
    for table in metadata.sorted_tables:
        if table.name not in other.tables:
            table.to_metadata(other)


def new_approval_key() -> bytes:
    """A key for an approval: the time in ms and 80 random bits, so that new rows stand together in the index."""
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10)
