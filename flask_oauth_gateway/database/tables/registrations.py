"""Who is registered, and to whom a user has consented: applications, clients, their secrets and documents, consents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from .columns import NEVER_REUSE_IDS, OPTIONS, ApprovalKey, Hash, Key, Object, Subject, metadata

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
    Column("verified", Boolean),  # an administrator's mark: it is known who makes it; empty: no, too
    Column("application", Key, ForeignKey("oauth_application.id")),
    Column("owner", Subject, index=True),
    Column("name", String(255)),  # the beginning of client_name, case folded, for searches
    Column("metadata", Object, nullable=False),  # the rest of the registration, by RFC 7591's names
    Column("origin", String(16)),  # "registration" or "document" where nobody here registered it by hand
    Column("registration_digest", Hash),  # of its registration access token (RFC 7592)
    Column("used_at", BigInteger),  # about when one of no hand's making was last used; empty before its first tokens
    Column("fresh_until", BigInteger),  # of one that is in a document: until when what was read of it counts as new
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_oauth_client_unused", "origin", "used_at", "id"),
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

registration_token = Table(  # initial access tokens, with which programs register clients (RFC 7591 section 3)
    "oauth_registration_token",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("digest", Hash, nullable=False, unique=True),
    Column("hint", String(8), nullable=False),  # its last characters
    Column("scope", Text),  # the most that its clients may have; empty: what strangers may have
    Column("owner", Subject),  # of its clients
    Column("uses_left", Integer),  # empty: any number
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    **OPTIONS,
    **NEVER_REUSE_IDS,
)

client_document = Table(  # documents whose URLs are client_ids: who is reading one, and which can't be read just now
    "oauth_client_document",
    metadata,
    Column("client_id_hash", Hash, primary_key=True),
    Column("client_id", String(2048), nullable=False),
    Column("reader", ApprovalKey),  # who reads it just now, by a random name; empty: nobody
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("held_until", BigInteger, nullable=False),  # nobody reads it before, or while `reader` does
    Index("ix_oauth_client_document_held_until", "held_until"),
    **OPTIONS,
)

consent = Table(
    "oauth_consent",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("client", Key, ForeignKey("oauth_client.id", ondelete="CASCADE"), nullable=False),
    Column("subject", Subject, nullable=False),
    Column("scope", Text, nullable=False),
    Column("by_resource", Object),  # the scopes for each resource, by its identifier; NULL: for any, as it wasn't kept
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # A constraint that begins with the foreign key's column serves as its index: MariaDB refuses to drop an index that
    # a foreign key needs, and the downgrade that Alembic writes drops every index before its table.
    UniqueConstraint("client", "subject", name="uq_oauth_consent_client_subject"),
    Index("ix_oauth_consent_subject", "subject"),
    **OPTIONS,
)
