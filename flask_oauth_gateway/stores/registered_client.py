"""A registered client, as the parts of the gateway and the app's hooks see it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..crypto.hashing import SHA256_PREFIX

REGISTRATION, DOCUMENT, DEVELOPER = "registration", "document", "developer"
#: As searches name them; a client that an administrator registered by hand has none.
ORIGINS = {"hand": None, REGISTRATION: REGISTRATION, DOCUMENT: DOCUMENT, DEVELOPER: DEVELOPER}
#: The states of an application; those of its clients that a user registered may be tried while it is pending.
PENDING, APPROVED, REVOKED = STATUSES = ("pending", "approved", "revoked")
#: What an administrator vouches for who sets a client's mark: what users read and follow on the pages.
BEHIND_MARK = ("client_name", "logo_uri", "client_uri", "policy_uri", "tos_uri", "redirect_uris")
LAST_USED_SECONDS = 300  # the stored time of a secret's last use may be so many seconds old


def may_be_tried(origin: str | None, client_id: str, application: str | None) -> bool:
    """Whether a client works for its owner while its application is pending: a user registered both, under one name."""
    return origin == DEVELOPER and application == client_id


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """One of a client's secrets: everything about it except its plain text."""

    id: int
    hint: str
    digest: str = field(repr=False)
    created_at: int
    expires_at: int | None
    last_used_at: int | None

    is_generated: bool = field(init=False)  # whether it is 256 random bits, which nobody guesses
    ends_at: float = field(init=False)
    noted_until: int = field(init=False)  # until then no new use needs to be noted

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_generated", self.digest.startswith(SHA256_PREFIX))
        object.__setattr__(self, "ends_at", math.inf if self.expires_at is None else self.expires_at)
        object.__setattr__(self, "noted_until", (self.last_used_at or 0) + LAST_USED_SECONDS)

    def is_live(self, now: float) -> bool:
        """Whether the secret is valid at this time."""
        return now < self.ends_at


class UnreadableClient(LookupError):
    """A client says in a metadata document who it is, and that can't be read, or isn't good. The message says why."""


LISTED: Mapping[str, Any] = {"registered": True, "default": []}


def registered(default: Any) -> Any:
    """A field that is stored in the `metadata` column."""
    metadata = {"registered": True, "default": default}
    return (
        field(default_factory=list, metadata=metadata) if default == [] else field(default=default, metadata=metadata)
    )


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Client:
    """A registered client: RFC 7591's members and our own. `client_secret` is set only when the secret was just made.

    `enabled`: whether the client may do anything: it is switched on, and its application, if it has one, is approved.
    """

    key: int
    client_id: str
    version: int
    enabled: bool
    switched_on: bool = True
    owner: str | None
    created_at: int
    updated_at: int
    secrets: tuple[ClientSecret, ...] = ()
    client_secret: str | None = None
    verified: bool = False  # somebody here knows who makes it, and says so to users
    # How it came here, if no administrator registered it: `REGISTRATION`, `DOCUMENT` or `DEVELOPER`.
    origin: str | None = None
    registration_digest: bytes | None = None  # of its registration access token (RFC 7592 section 3)
    used_at: int | None = None
    fresh_until: int | None = None  # of a `DOCUMENT`: when it must be read again, in seconds since 1970
    application: str | None = None  # the application's `application_id`; then its values
    application_status: str | None = None
    application_plan: str | None = None
    application_attributes: Mapping[str, Any] | None = None

    client_name: str = registered("")
    grant_types: list[str] = field(default_factory=list, metadata=LISTED)
    redirect_uris: list[str] = field(default_factory=list, metadata=LISTED)
    scope: str = registered("")
    default_scope: str = registered("")
    token_endpoint_auth_method: str = registered("client_secret_basic")
    jwks: Mapping[str, Any] | None = registered(None)
    jwks_uri: str | None = registered(None)
    contacts: list[str] = field(default_factory=list, metadata=LISTED)
    logo_uri: str | None = registered(None)
    client_uri: str | None = registered(None)
    policy_uri: str | None = registered(None)
    tos_uri: str | None = registered(None)
    software_id: str | None = registered(None)
    software_version: str | None = registered(None)
    skip_consent: bool = registered(False)
    access_token_format: str | None = registered(None)
    access_token_lifetime: int | None = registered(None)
    refresh_token_lifetime: int | None = registered(None)
    certificate: str | None = registered(None)
    attributes: Mapping[str, Any] | None = registered(None)
    resource_server: bool = registered(False)
    plan: str | None = registered(None)
    id_token_signed_response_alg: str | None = registered(None)
    id_token_claims: str | None = registered(None)
    application_type: str | None = registered(None)
    response_types: list[str] = field(default_factory=list, metadata=LISTED)
    post_logout_redirect_uris: list[str] = field(default_factory=list, metadata=LISTED)
    initiate_login_uri: str | None = registered(None)
    default_max_age: int | None = registered(None)
    require_auth_time: bool = registered(False)
    default_acr_values: list[str] = field(default_factory=list, metadata=LISTED)
    require_pkce: bool | None = registered(None)
    id_token_encrypted_response_alg: str | None = registered(None)
    id_token_encrypted_response_enc: str | None = registered(None)
    userinfo_signed_response_alg: str | None = registered(None)
    userinfo_encrypted_response_alg: str | None = registered(None)
    userinfo_encrypted_response_enc: str | None = registered(None)
    subject_type: str | None = registered(None)
    sector_identifier_uri: str | None = registered(None)
    backchannel_logout_uri: str | None = registered(None)
    backchannel_logout_session_required: bool = registered(False)
    require_pushed_authorization_requests: bool = registered(False)
    pushed_redirect_uris: bool = registered(False)
    request_object_signing_alg: str | None = registered(None)
    require_signed_request_object: bool = registered(False)
    request_uris: list[str] = field(default_factory=list, metadata=LISTED)
    authorization_signed_response_alg: str | None = registered(None)
    authorization_details_types: list[str] = field(default_factory=list, metadata=LISTED)
    dpop_bound_access_tokens: bool = registered(False)
    tls_client_certificate_bound_access_tokens: bool = registered(False)
    tls_client_auth_subject_dn: str | None = registered(None)
    tls_client_auth_san_dns: str | None = registered(None)
    tls_client_auth_san_uri: str | None = registered(None)
    tls_client_auth_san_ip: str | None = registered(None)
    tls_client_auth_san_email: str | None = registered(None)

    scopes: frozenset[str] = field(init=False)
    plan_in_force: str | None = field(init=False)  # the client's own plan, or its application's

    is_on_trial: bool = field(init=False)  # a user's own app that waits for an administrator
    binds_tokens: bool = field(init=False)  # to a key (RFC 9449 section 5.2) or a certificate (RFC 8705 section 3.4)

    def __post_init__(self) -> None:
        binds = self.dpop_bound_access_tokens or self.tls_client_certificate_bound_access_tokens
        object.__setattr__(self, "binds_tokens", binds)
        waits = self.application_status == PENDING and may_be_tried(self.origin, self.client_id, self.application)
        object.__setattr__(self, "is_on_trial", waits)
        object.__setattr__(self, "scopes", frozenset(self.scope.split()))
        object.__setattr__(self, "plan_in_force", self.plan if self.plan is not None else self.application_plan)

    def __repr__(self) -> str:
        return f"<Client {self.client_id!r}>"

    def with_secret(self, client_secret: str | None) -> Client:
        """This client, with the secret that was just made for it, or without."""
        return replace(self, client_secret=client_secret)

    def is_as(self, other: Client) -> bool:
        """Whether this is the same client without a change; one that was deleted and made anew begins with version 1 again."""
        return (self.key, self.version) == (other.key, other.version)

    @property
    def is_unchecked(self) -> bool:
        """Whether no administrator registered or approved it: what it says of itself is its author's word."""
        return self.origin is not None and not (self.origin == DEVELOPER and self.application_status == APPROVED)

    def may_act_for(self, subject: str | None) -> bool:
        """Whether the client may get tokens of this user, or of nobody: while it is on trial, of its owner alone."""
        return not self.is_on_trial or (subject is not None and subject == self.owner)

    @property
    def is_stranger(self) -> bool:
        """Whether users are told that nobody here knows who makes it."""
        return self.is_unchecked and not self.verified

    def keeps_mark(self, values: Mapping[str, Any]) -> bool:
        """Whether it is still `verified` with these registered values, whoever sets them."""
        return self.verified and all(
            (values.get(name) or DEFAULTS[name]) == getattr(self, name) for name in BEHIND_MARK
        )

    def changes_by(self, values: Mapping[str, Any]) -> list[str]:
        """Which members these registered values change; `verified` is among them where the mark goes by that."""
        changed = [name for name in REGISTERED if values.get(name, DEFAULTS[name]) != getattr(self, name)]
        return sorted([*changed, *(["verified"] if self.verified and not self.keeps_mark(values) else [])])

    @property
    def state_for_owner(self) -> str:
        """How a user's own app stands: "works", "waits" for an administrator, or was "rejected" or "disabled" by one."""
        if self.application_status == REVOKED:
            return "rejected"
        if not self.enabled:
            return "disabled"
        return "waits" if self.application_status == PENDING else "works"

    @property
    def is_public(self) -> bool:
        """Whether the client can't keep a secret (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def attributes_in_force(self) -> dict[str, Any]:
        """The client's attributes and its application's; of two with one name, the client's own."""
        return {**(self.application_attributes or {}), **(self.attributes or {})}

    # The methods of a client that Authlib's grants call.

    def get_client_id(self) -> str:
        return self.client_id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


REGISTERED = tuple(item.name for item in fields(Client) if item.metadata.get("registered"))
DEFAULTS = {item.name: item.metadata["default"] for item in fields(Client) if item.metadata.get("registered")}
