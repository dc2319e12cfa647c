"""What is given and spent: approvals, access and refresh tokens, codes, device codes and pushed requests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from .columns import OPTIONS, ApprovalKey, Hash, Key, Object, Sid, Subject, metadata

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
    Column("sid", Sid),  # the session with which the approval ends; None: it outlives it, or there is none
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

personal_token = (
    Table(  # what a user knows of a token that they made; whether it is live, its row in oauth_access_token says
        "oauth_personal_token",
        metadata,
        Column("token_id", ApprovalKey, primary_key=True),  # half of token_hash
        Column("token_hash", Hash, nullable=False),
        Column("subject", Subject, nullable=False),
        Column("name", String(255), nullable=False),
        Column("expires_at", BigInteger, nullable=False, index=True),
        Column("last_used_at", BigInteger),
        Column("last_used_network", String(64)),  # with its last part left out; empty: it is not known
        Index("ix_oauth_personal_token_subject", "subject", "expires_at"),
        **OPTIONS,
    )
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
    # From this and the token, its successors are derived again (OAUTH_REFRESH_TOKEN_GRACE). Of one that stays: its key's hash.
    Column("salt", Hash),
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
    Column("sid", Sid),  # the session that the code belongs to, and with which it ends
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

pushed_request = Table(
    "oauth_pushed_request",
    metadata,
    Column("request_hash", Hash, primary_key=True),
    Column("client", Key, nullable=False),
    Column("parameters", Object, nullable=False),  # pairs of names and values, as the client sent them
    Column("is_signed", Boolean, nullable=False),  # they stood in a signed object
    Column("confirmation", Object),  # the key to which the code is bound
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),  # later, once a browser has come with it
    Column("opened_at", BigInteger),
    Column("used_at", BigInteger),
    **OPTIONS,
)
