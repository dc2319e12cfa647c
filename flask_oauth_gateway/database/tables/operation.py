"""What a server needs to work: things used once, signing keys, revocations, the audit trail, the version of the tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from .columns import OPTIONS, Hash, Key, Object, Subject, metadata

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

epoch = Table(  # how often the marks of a bucket have changed; who changes one holds this row until the commit
    "oauth_epoch",
    metadata,
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    **OPTIONS,
)

mark = Table(  # the marks for which stateless tokens are refused: few rows, which every process keeps in memory
    "oauth_mark",
    metadata,
    Column("mark", Hash, primary_key=True),  # the hash of a token, an approval, a client, a user, or both of these
    Column("bucket", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),  # the bucket's number when this row was changed
    Column("epoch", BigInteger, nullable=False),  # tokens that carry a lower number are refused
    Column("issued_until", BigInteger, nullable=False),  # and of those that don't carry `number`, what began up to then
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_oauth_mark_bucket", "bucket", "number"),
    **OPTIONS,
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
