"""The schema. `add_to(metadata)` puts it beside an app's own tables.

Times are whole seconds since 1970, UTC. Identifiers of the gateway's own rows never leave the database. There is no
foreign key from a token to its client: on PostgreSQL it would lock the client's row at every issue
(`docs/architecture.md`).
"""

from __future__ import annotations

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
# With these collations, names differ by case, by accents and, on a mariadb:// URL, by spaces at the end; otherwise
# MariaDB takes "alice" and "Alice" for one subject. A mysql:// URL reads only the mysql_ options, and MySQL has no
# nopad_bin.
OPTIONS: Any = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
NEVER_REUSE_IDS: Any = {"sqlite_autoincrement": True}  # a new client must not inherit the tokens of a deleted one

application = Table(  # a partner's group of clients, which work only while it is approved
    "oauth_application",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("application_id", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False, default=1),  # counts every change
    Column("name", String(255), nullable=False),
    Column("folded_name", String(255), nullable=False),  # case folded, for searches
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
    Column(
        "enabled", Boolean, nullable=False, default=True
    ),  # whether it works: switched on, and its application approved
    Column("switched_on", Boolean, nullable=False, default=True),  # the client's own switch
    Column("application", Key, ForeignKey("oauth_application.id")),
    Column("owner", Subject, index=True),
    Column("name", String(255)),  # the beginning of client_name, case folded, for searches
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
    Column("hint", String(8), nullable=False),  # the secret's last characters
    Column(
        "digest", Text, nullable=False
    ),  # "sha256$…" where it was generated, argon2id where a person chose it, or "sealed$…"
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
    # A constraint that begins with the foreign key's column serves as its index: MariaDB refuses to drop an index that
    # a foreign key needs, and the downgrade that Alembic writes drops every index before its table.
    UniqueConstraint("client", "subject", name="uq_oauth_consent_client_subject"),
    Index("ix_oauth_consent_subject", "subject"),
    **OPTIONS,
)

approval = Table(  # what a user allowed, once; the columns that refer to it have been called "family" since version 1
    "oauth_family",
    metadata,
    Column("id", ApprovalKey, primary_key=True),
    Column("client", Key, nullable=False),
    Column("subject", Subject),
    Column("scope", Text, nullable=False),
    Column("audience", Text),  # the resources that were approved, separated by spaces; None: the default
    Column("grant_type", String(255), nullable=False),
    Column("attributes", Object),
    Column("claims", Object),  # how the user signed in, and what the token is bound to
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
    Column("audience", Text),  # resource identifiers, separated by spaces
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
    Column("salt", Hash),  # from this and the token, its successors are derived again (OAUTH_REFRESH_TOKEN_GRACE)
    Index("ix_oauth_refresh_token_expires_at", "expires_at"),
    **OPTIONS,
)

code = Table(
    "oauth_code",
    metadata,
    Column("code_hash", Hash, primary_key=True),
    Column("client", Key, nullable=False),
    Column("family", ApprovalKey, nullable=False),  # the approval that begins with the code; a second use revokes it
    Column("subject", Subject, nullable=False),
    Column("scope", Text, nullable=False),
    Column("audience", Text),
    Column("redirect_uri", Text, nullable=False),
    Column("redirect_uri_sent", Boolean, nullable=False),  # whether the request had a redirect_uri
    Column("code_challenge", String(128)),
    Column("code_challenge_method", String(16)),
    Column("lasts_until", BigInteger),  # when the approval ends by the user's choice
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
    Column("subject", Subject),  # the user who typed the user code first; nobody else may use it
    Column("decision", String(8)),  # None while pending, "allow" or "deny"
    Column("claims", Object),
    Column("poll_interval", Integer, nullable=False),
    Column("last_polled_at", BigInteger),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("spent_at", BigInteger),
    **OPTIONS,
)

once = Table(  # things that may be used once: a second insert of the same key fails
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
    Column("generation", Integer, nullable=False, unique=True),  # where two processes make the next key, one wins
    Column("algorithm", String(16), nullable=False),
    Column("public", Object, nullable=False),
    Column("sealed", Text, nullable=False),  # the private key, encrypted
    Column("created_at", BigInteger, nullable=False),
    Column("active_from", BigInteger, nullable=False),  # the key is published before it signs
    Column("retired_at", BigInteger),  # from then on the key is neither published nor accepted
    **OPTIONS,
)

revocation = Table(  # the marks for which stateless tokens are refused: few rows, which every process keeps in memory
    "oauth_revocation",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("mark", Hash, nullable=False),  # the hash of a token, an approval, a client, a user, or both of these
    Column(
        "issued_until", BigInteger, nullable=False
    ),  # tokens issued up to then are refused; 0 undoes an earlier mark
    Column("revoked_at", BigInteger, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    **OPTIONS,
    **NEVER_REUSE_IDS,
)

audit = Table(
    "oauth_audit",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),  # the entry's number; there are no gaps
    Column("at", BigInteger, nullable=False),
    Column("event", String(64), nullable=False),
    Column("outcome", String(64), nullable=False),  # "ok", or the error
    Column("client_id", String(2048)),
    Column("subject", Subject),
    Column("actor", String(255)),  # who acted, where that is neither the client nor the subject
    Column("address", String(64)),  # the caller's address
    Column("details", Object),
    Column("hash", Hash, nullable=False),  # a keyed hash over the entry before and this entry's content
    Column("client_hash", BigInteger),  # 64 bits of the client_id's hash: a client_id is too long for an index
    Index("ix_oauth_audit_at", "at", "event"),
    Index("ix_oauth_audit_client", "client_hash", "id"),
    Index("ix_oauth_audit_subject", "subject", "id"),
    **OPTIONS,
)

audit_head = Table(  # one row: the end of the audit trail; a process that writes to the trail locks it
    "oauth_audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("hash", Hash, nullable=False),  # the last entry's hash
    Column("seal", Hash, nullable=False),  # a keyed hash over both
    **OPTIONS,
)


schema = Table(  # one row: the version of the tables
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
