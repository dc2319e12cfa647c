"""A verified access token, as `current_token` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import g

from ..users.accounts import users_of_current_app
from .sign_in import OPENID, details_of

if TYPE_CHECKING:
    from ..users.accounts import Users

PERSONAL = "personal"  # the grant_type of the tokens that users make for themselves
NOTHING: Mapping[Any, Any] = {}
MAX_TOKEN = 16384  # characters; what is longer is refused unread
#: Claims of our own in a JWT: the token's approval and when that began, the numbers of the marks that would revoke the token
#: (`revoked.py`), whether the token is the client's own, and its subject where the client knows the user by another name.
APPROVAL, BEGAN_AT, NUMBERS, CLIENT_ONLY = "family", "family_iat", "revocations", "client_only"
SEALED_SUBJECT = "sealed_sub"
#: Members of a token response, an introspection answer or a JWT, whose names no custom attribute may have.
RESERVED = frozenset(
    {
        "access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "issued_token_type", "active",
        "client_id", "sub", "aud", "iss", "exp", "iat", "nbf", "jti", "username", "cnf", "act", "acr", "amr", "auth_time",
        "audience", "user_id", "issued_at", "grant_type", "error", "error_description", "authorization_details", "state",
        OPENID, APPROVAL, BEGAN_AT, NUMBERS, CLIENT_ONLY, SEALED_SUBJECT,
    }
)  # fmt: skip


@lru_cache(maxsize=4096)
def _kept_once(text: str) -> str:
    """The same text, kept once however many tokens have it. `sys.intern` would keep it for good."""
    return text


@lru_cache(maxsize=1024)
def _names_in(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@lru_cache(maxsize=1024)
def _scopes_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


class AccessToken:
    """A verified token. Never holds the token's value."""

    __slots__ = (
        "attributes", "audience", "began_at", "client_id", "client_key", "details", "exp", "foreign_claims", "grant_type", "iat",
        "issuer", "key_id", "marks", "numbers", "plan", "refusal", "scope", "scopes", "subject", "token_id", "users",
    )  # fmt: skip

    def __init__(
        self,
        *,
        token_id: str,
        client_id: str,
        client_key: int | None,
        subject: str | None,
        scope: str,
        audience: str | tuple[str, ...] | None,
        grant_type: str,
        attributes: Mapping[str, Any] | None,
        details: Mapping[str, Any] | None,
        iat: int,
        exp: int,
        refusal: str | None = None,
        began_at: int | None = None,
        marks: tuple[bytes, ...] = (),
        numbers: Mapping[bytes, int] | None = None,
        key_id: str | None = None,
        issuer: str | None = None,
        foreign_claims: Mapping[str, Any] | None = None,
        users: Users | None = None,
    ) -> None:
        # Many cached tokens share these values, so each value is kept once: that halves their memory.
        self.token_id = token_id
        self.client_id = _kept_once(client_id)
        self.client_key = client_key
        self.subject = subject
        self.scope = _kept_once(scope)
        self.scopes = _scopes_in(scope)
        self.audience = audience if isinstance(audience, tuple) else _names_in(audience or "")
        self.grant_type = _kept_once(grant_type)
        self.attributes = attributes or NOTHING
        self.details = details or NOTHING
        self.iat = iat
        self.exp = exp
        self.key_id = key_id  # the key that signed a JWT
        self.began_at = iat if began_at is None else began_at  # when the token's approval began, or the token itself
        self.marks = marks  # the revocation marks that would cover a JWT, which isn't stored
        self.numbers = numbers or NOTHING  # those of its marks, when it was issued
        self.issuer = issuer  # the other server that issued the token; None: this one
        self.foreign_claims = foreign_claims  # all claims of another server's token, as that server names them
        self.users = users  # the app's users, of whom the subject may be one
        self.plan: str | None = None  # the client's plan, from OAUTH_PLANS
        self.refusal = refusal  # why a listed token is no longer valid

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle or a copy holds: everything save the app's users, which belong to a process."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "users"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.users = users_of_current_app()

    def __repr__(self) -> str:
        return f"<AccessToken {self.token_id} of {self.client_id!r}>"

    @property
    def issued_at(self) -> datetime:
        """When the token was issued, in UTC."""
        return datetime.fromtimestamp(self.iat, UTC)

    @property
    def expires_at(self) -> datetime:
        """When the token expires, in UTC."""
        return datetime.fromtimestamp(self.exp, UTC)

    @property
    def acr(self) -> str | None:
        """How strongly the user signed in, as far as it is known (RFC 9470)."""
        return self.details.get("acr")

    @property
    def auth_time(self) -> int | None:
        """When the user signed in, in seconds since 1970, as far as it is known."""
        return self.details.get("auth_time")

    @property
    def confirmation(self) -> Mapping[str, Any]:
        """What the token is bound to: `jkt` a key of DPoP's, `x5t#S256` a certificate. Empty, where whoever has it may use it."""
        found = self.details.get("cnf")
        return found if isinstance(found, Mapping) else NOTHING

    @property
    def shown_attributes(self) -> dict[str, Any]:
        """The attributes that clients see: all but those whose names begin with an underscore."""
        return {name: value for name, value in self.attributes.items() if not name.startswith("_")}

    @property
    def authorization_details(self) -> list[dict[str, Any]]:
        """What the token is good for beyond its scopes (RFC 9396), as a copy: a cached token is shared."""
        return deepcopy(details_of(self.details))

    @property
    def claims(self) -> dict[str, Any]:
        """The token's claims, by the names of RFC 7662 section 2.2; those of another server's token as that server has them."""
        if self.foreign_claims is not None:
            return dict(self.foreign_claims)
        claims: dict[str, Any] = {
            **self.shown_attributes,
            "client_id": self.client_id,
            "scope": self.scope,
            "token_type": "DPoP" if "jkt" in self.confirmation else "Bearer",
            "iat": self.iat,
            "exp": self.exp,
            "jti": self.token_id,
            "grant_type": self.grant_type,
            **{name: value for name, value in self.details.items() if name != OPENID},
        }
        if self.subject is not None:
            claims["sub"] = self.subject
        if self.audience:
            claims["aud"] = self.audience[0] if len(self.audience) == 1 else list(self.audience)
        return claims

    @property
    def user(self) -> Any:
        """The token's user, from the `load_user` hook, which is called on first use.

        `None` where the token has no subject, and where its subject belongs to a server whose users the app doesn't
        know.
        """
        users = self.users
        if users is None or self.subject is None or self.issuer != users.issuer:
            return None
        if not users.are_known():
            raise RuntimeError("current_token.user needs @gateway.load_user, a function from subject to user.")
        known = g.setdefault("oauth_users", {})  # not kept on the token, which other requests may share
        if self.subject not in known:
            known[self.subject] = users.load(self.subject)
        return known[self.subject]
