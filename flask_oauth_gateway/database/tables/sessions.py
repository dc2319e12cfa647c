"""Who is signed in at which client by OpenID Connect, and which clients must still be told that somebody isn't any more."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint

from .columns import OPTIONS, ApprovalKey, Hash, Key, Sid, Subject, metadata

session = Table(  # one row for each browser session and client, live ones only: to end one is to delete its row
    "oauth_session",
    metadata,
    Column("sid", Sid, primary_key=True),
    Column("browser", Hash, nullable=False),  # the hash of the browser session's value and the subject
    Column("client", Key, nullable=False),
    Column("subject", Subject, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    UniqueConstraint("browser", "client", name="uq_oauth_session_browser_client"),
    Index("ix_oauth_session_subject", "subject", "client"),
    Index("ix_oauth_session_client", "client", "expires_at"),
    **OPTIONS,
)

logout = Table(  # a logout that a client must still be told; deleted when it was told, or given up
    "oauth_logout",
    metadata,
    Column("id", ApprovalKey, primary_key=True),  # time-ordered
    Column("client", Key, nullable=False),
    Column("subject", Subject, nullable=False),
    Column("sid", Sid),
    Column("created_at", BigInteger, nullable=False),
    Column("give_up_at", BigInteger, nullable=False, index=True),
    Column("next_try_at", BigInteger, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("claimed_until", BigInteger),  # until then a process is sending it
    **OPTIONS,
)
