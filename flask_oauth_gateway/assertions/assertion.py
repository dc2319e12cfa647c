"""A verified JWT or SAML assertion, and the checks that every JWT assertion must pass after its signature.

Sources: RFC 7521 section 5.2, RFC 7523 section 3, RFC 8725 section 3.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..stores.once import once_key

if TYPE_CHECKING:
    from ..crypto.jose import Jwt

MAX_NAME, MAX_ISSUER = 255, 2048
MAX_LIFETIME = 3600  # seconds, unless an issuer's entry says otherwise: most clients' libraries sign for an hour
GRANT_TYP, CLIENT_TYP = "authorization-grant+jwt", "client-authentication+jwt"


class AssertionRefused(Exception):
    """The assertion is not accepted. The message says why, for the log and `flask oauth issuer check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A verified assertion, as the `map_assertion` hook gets it. `kind` is "jwt" or "saml"."""

    kind: str
    issuer: str
    subject: str | None
    expires_at: int
    replay_key: bytes = field(repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, list[str]] = field(default_factory=dict)
    name_id_format: str | None = None
    scope: str | None = None


def check_jwt(
    jwt: Jwt,
    *,
    typ: str,
    audience: frozenset[str],
    skew: int,
    max_lifetime: int,
    numeric_strings: bool = False,
    needs_jti: bool = False,
    scope_claim: bool = True,
    plain: bool = True,
    aud_is_text: bool = False,
) -> Assertion:
    """Check the claims of a JWT assertion. Raises `AssertionRefused`.

    `typ` is the type that its header may name; `plain`: it may be a plain JWT too (RFC 8725 section 3.11). `scope_claim`:
    whether its `scope` asks for something here. `aud_is_text`: a list of audiences won't do, not even of one
    (FAPI 2.0 Security Profile section 5.3.2.1).
    """
    claims = jwt.claims
    check_kind(jwt, *(("JWT", typ) if plain else (typ,)))
    issuer = text_of(claims, "iss")
    if issuer is None:
        raise AssertionRefused("it names no issuer (iss)")
    check_audience(claims, audience, aud_is_text=aud_is_text)
    if claims.get("cnf") is not None:  # nothing here checks that the sender holds the key
        raise AssertionRefused("it is bound to a key, and proofs of that are not checked here")
    expires_at = _check_times(claims, skew, max_lifetime, numeric_strings)
    jti = text_of(claims, "jti")
    if jti is None and needs_jti:
        raise AssertionRefused("it has no jti")
    # Some libraries send no jti. Then the signed text identifies the assertion, as nobody else can write it
    # differently.
    distinct = ("jti", jti) if jti is not None else ("hash", hashlib.sha256(jwt.signed).hexdigest())
    scope = claims.get("scope") if scope_claim else None
    scope = " ".join(scope) if isinstance(scope, list) and all(isinstance(name, str) for name in scope) else scope
    if scope is not None and not isinstance(scope, str):
        raise AssertionRefused("its scope is neither a text nor a list of texts")
    return Assertion(
        kind="jwt",
        issuer=issuer,
        subject=text_of(claims, "sub"),
        expires_at=expires_at + skew,
        replay_key=once_key("assertion", issuer, *distinct),
        claims=claims,
        scope=scope or None,
    )


def check_kind(jwt: Jwt, *typs: str) -> None:
    """Check that a JWT is no other kind of token than these (RFC 8725 section 3.11). Raises `AssertionRefused`."""
    given = jwt.header.get("typ", "JWT")
    if not isinstance(given, str) or given.lower().removeprefix("application/") not in map(str.lower, typs):
        wanted = " or ".join(map(repr, typs))
        raise AssertionRefused(f"it is another kind of token: typ is {str(given)[:40]!r}, not {wanted}")


def check_audience(claims: Mapping[str, Any], audience: frozenset[str], *, aud_is_text: bool = False) -> None:
    """Check that a JWT is for one of these audiences, which this server has. Raises `AssertionRefused`."""
    aud = claims.get("aud")
    named = [aud] if isinstance(aud, str) else aud
    if aud_is_text and isinstance(aud, list):
        raise AssertionRefused(f"its aud is a list, and may only be the text {min(audience)!r}")
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        raise AssertionRefused("its aud is neither a text nor a list of texts")
    if not audience.intersection(named):
        here = " or ".join(map(repr, sorted(audience)))
        raise AssertionRefused(f"its aud is {', '.join(named)[:200]!r}, which does not name this server ({here})")


def _check_times(claims: Mapping[str, Any], skew: int, max_lifetime: int, numeric_strings: bool) -> int:
    """Check `exp`, which is required, `nbf` and `iat`. Returns the first whole second after the assertion's expiry."""
    now = time.time()
    exp, iat = check_moments(claims, skew, numeric_strings=numeric_strings)
    if exp is None:
        raise AssertionRefused("it does not say when it expires (exp)")
    life = exp - (now if iat is None else iat)
    if life > max_lifetime + skew or exp > now + max_lifetime + skew:
        raise AssertionRefused(f"it lives for {int(life)} seconds, longer than the {max_lifetime} that are allowed")
    return int(exp) + 1


def check_moments(
    claims: Mapping[str, Any], skew: int, *, numeric_strings: bool = False, now: float | None = None
) -> tuple[float | None, float | None]:
    """Check `exp`, `nbf` and `iat`, where they are there; returns the first and the last. Raises `AssertionRefused`.

    `now`: the moment at which they must be right, if that isn't this one, in seconds since 1970.
    """
    now = time.time() if now is None else now
    exp = _time(claims, "exp", numeric_strings)
    nbf = _time(claims, "nbf", numeric_strings)
    iat = _time(claims, "iat", numeric_strings)
    if exp is not None and exp + skew <= now:
        raise AssertionRefused(f"it expired {int(now - exp)} seconds ago (exp {exp:.0f}, {skew} seconds of skew)")
    if nbf is not None and nbf - skew > now:
        raise AssertionRefused(f"it is not valid yet, for {int(nbf - now)} seconds (nbf {nbf:.0f})")
    if iat is not None and iat - skew > now:
        raise AssertionRefused(f"it was issued {int(iat - now)} seconds in the future (iat {iat:.0f})")
    return exp, iat


def _time(claims: Mapping[str, Any], name: str, numeric_strings: bool) -> float | None:
    value = claims.get(name)
    if numeric_strings and isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value):
        value = float(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise AssertionRefused(f"its {name} is not a number of seconds since 1970")
    return float(value)


def text_of(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim that is a text, or `None`. Raises `AssertionRefused`."""
    value = claims.get(name)
    if value is None:
        return None
    if (
        not isinstance(value, str)
        or not value
        or not value.isprintable()
        or len(value) > (MAX_ISSUER if name == "iss" else MAX_NAME)
    ):
        raise AssertionRefused(f"its {name} is not a text of at most {MAX_NAME} characters (iss: {MAX_ISSUER})")
    return value
