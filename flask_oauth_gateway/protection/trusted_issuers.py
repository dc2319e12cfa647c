"""Checks the access tokens of other servers (`OAUTH_TRUSTED_TOKEN_ISSUERS`): by their keys, or by introspection.

A JWT names its issuer, whose entry says which keys and which audience count. An opaque token doesn't name its issuer:
each issuer with an introspection endpoint is asked in turn. An issuer that can't be reached delays its own tokens only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..config.checks import ConfigurationError, check_keys, names, one_of, optional_text
from ..crypto import fetching
from ..crypto.configured_keys import KEY_SOURCES, configured_algorithms, configured_keys
from ..crypto.hashing import sha256
from ..crypto.jose import JwtError, read, verify
from ..crypto.key_sets import KeySource
from ..errors import InvalidToken, TemporarilyUnavailable
from ..tokens.cache import TokenCache
from ..web.logs import logger
from .introspection import IntrospectionClient, load_introspection_client
from .token_shapes import (
    NoAccessToken,
    access_token,
    audience_of,
    check_any_kind,
    check_bound,
    check_kind,
    check_times,
    check_use,
)

if TYPE_CHECKING:
    from ..config import Settings
    from ..config.hardening.profiles import Profile
    from ..crypto.jose import Jwt
    from ..tokens.access_token import AccessToken
    from ..users.accounts import Users

JWT_CACHE_SECONDS = 300  # for so long a signature isn't checked again, even where the issuer withdraws its key
ENTRY_KEYS = (
    "jwks", "jwks_uri", "key", "introspection", "client_id", "client_secret", "audience", "algorithms", "scopes",
    "scope_claims", "subject_claim", "private_addresses", "kind",
)  # fmt: skip
REFUSED = "The access token was not accepted."


class Asked(NamedTuple):
    """The token as its issuer describes it, and the seconds that it may be kept; `None` where the issuer doesn't say."""

    token: AccessToken
    seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """One trusted server, which has keys (`source`) or is asked (`client`). `audience`: a token must be for one of these.

    `issuer`: its name; empty where it is asked and may name any.
    `any_kind`: its JWTs don't show that they are access tokens, and are taken for what they are.
    `proofs`: a token that is bound to a key is taken with its proof (`Guard.check_binding`).
    """

    issuer: str
    audience: frozenset[str]
    source: KeySource | None = None
    algorithms: tuple[str, ...] | None = None
    client: IntrospectionClient | None = None
    scopes: frozenset[str] | None = None
    scope_claims: tuple[str, ...] | None = None
    subject_claim: str = "sub"
    any_kind: bool = False
    proofs: bool = False

    @property
    def is_away(self) -> bool:
        """Whether the issuer didn't answer when it was asked last."""
        return self.client is not None and self.client.problem is not None

    def verify(self, jwt: Jwt, skew: int) -> AccessToken:
        """Check a JWT that names this issuer. Raises `JwtError`, `NoAccessToken`, and `TemporarilyUnavailable` without keys."""
        if self.source is None:
            raise JwtError("its issuer has no keys here")
        named = jwt.header.get("kid")
        kid = named if isinstance(named, str) else None
        keys = self.source.keys(kid)
        is_there = kid is None or any(key.get("kid") in (kid, None) for key in keys)
        if not keys or (self.source.problem is not None and not is_there):  # the kid may be that of a new key
            logger.error("The keys of %s can't be had: %s", self.issuer, self.source.problem)
            raise TemporarilyUnavailable("The keys of the access token's issuer can't be had at the moment.")
        verify(jwt, keys, self.algorithms)
        check_bound(jwt.claims, proofs=self.proofs)
        if self.any_kind:
            check_any_kind(jwt.header, jwt.claims, self.audience, self.subject_claim)
        else:
            check_kind(jwt.header, jwt.claims)
        return self.accept(jwt.claims, skew)

    def ask(self, token: str, skew: int, within: float = fetching.MAX_SECONDS) -> Asked | None:
        """Ask the issuer about a token, for at most `within` seconds; `None` where it isn't a live token of this issuer.

        Raises `NoAccessToken` and `TemporarilyUnavailable`.
        """
        if self.client is None:
            return None
        answer = self.client.ask(token, within)
        if answer is None:
            return None
        claims = answer.claims
        if self.issuer and claims.get("iss") not in (None, self.issuer):
            raise NoAccessToken("the issuer that was asked names another one")
        check_bound(claims, proofs=self.proofs)
        # Refresh tokens are active too. Without a token_type, only a token whose audience is an API is surely no
        # refresh token.
        if not check_use(claims) and not (self.audience - {self.client.client_id}).intersection(audience_of(claims)):
            raise NoAccessToken("nothing shows that it is an access token: no token_type, no audience of ours")
        return Asked(self.accept({"exp": int(time.time()) + 1, **claims}, skew), answer.seconds)

    def accept(self, claims: Mapping[str, Any], skew: int) -> AccessToken:
        """The token of these claims. Raises `NoAccessToken` where it has another audience or isn't valid now."""
        times = check_times(claims, skew)
        if self.audience and self.audience.isdisjoint(audience_of(claims)):
            named = " ".join(audience_of(claims))
            raise NoAccessToken(f"it is for {named[:200]!r}, not for us" if named else "it names no audience (aud)")
        return access_token(
            claims,
            issuer=self.issuer,
            times=times,
            scope_claims=self.scope_claims,
            most=self.scopes,
            subject_claim=self.subject_claim,
        )


class TrustedTokens:
    """Checks the tokens of trusted issuers, and remembers JWTs whose signature was good."""

    def __init__(self, issuers: Mapping[str, TokenIssuer], users: Users, skew: int) -> None:
        self.issuers = issuers
        self._users = users
        self._skew = skew
        self._asked = tuple(each for each in issuers.values() if each.client is not None)
        self._jwts = TokenCache(JWT_CACHE_SECONDS)

    @property
    def can_ask(self) -> bool:
        """Whether any issuer can be asked about opaque tokens."""
        return bool(self._asked)

    def read_jwt(self, token: str, cache: TokenCache | None) -> AccessToken | None:
        """A trusted issuer's JWT; `None` where it names no such issuer. Raises `InvalidToken` or `TemporarilyUnavailable`."""
        token_hash, now = sha256(token), time.time()
        found = self._jwts.get(token_hash, now)
        if found is not None:
            return found
        try:
            jwt = read(token)
            name = jwt.claims.get("iss")
            issuer = self.issuers.get(name) if isinstance(name, str) else None
            if issuer is None:
                return None
            if issuer.source is None:
                return self._answer_of(issuer, token, cache, fetching.MAX_SECONDS)
            found = issuer.verify(jwt, self._skew)
        except (JwtError, NoAccessToken) as error:
            raise _refused(error) from error
        found.users = self._users
        self._jwts.put(token_hash, found, now)
        return found

    def read_opaque(self, token: str, cache: TokenCache | None) -> AccessToken:
        """An opaque token, as the first issuer that knows it describes it.

        Where no issuer knows it, raises `TemporarilyUnavailable` if some issuer couldn't be asked, else `InvalidToken`.
        """
        known = None if cache is None else cache.get(sha256(token), time.time())
        if known is not None:
            return known
        unreachable, reasons = None, []
        deadline = time.monotonic() + fetching.MAX_SECONDS  # for all of them together
        asked = sorted(self._asked, key=lambda each: each.is_away)
        for left, issuer in zip(range(len(asked), 0, -1), asked, strict=True):
            try:
                return self._answer_of(issuer, token, cache, (deadline - time.monotonic()) / left)
            except TemporarilyUnavailable as error:
                unreachable = error
            except InvalidToken as error:
                reasons.append(f"{issuer.issuer}: {error.reason or error.description}")
        if unreachable is not None:
            raise unreachable
        unknown = InvalidToken("The access token is not known here.")
        unknown.reason = "; ".join(reasons)
        raise unknown

    def _answer_of(self, issuer: TokenIssuer, token: str, cache: TokenCache | None, within: float) -> AccessToken:
        """The token, from the cache or by asking its issuer. Raises `InvalidToken` or `TemporarilyUnavailable`."""
        token_hash, now = sha256(token), time.time()
        found = None if cache is None else cache.get(token_hash, now)
        if found is not None:
            return found
        try:
            asked = issuer.ask(token, self._skew, within)
        except NoAccessToken as error:
            raise _refused(error) from error
        if asked is None:
            raise InvalidToken("The access token is not known here.")
        asked.token.users = self._users
        if cache is not None:
            cache.put(token_hash, asked.token, now, seconds=asked.seconds)
        return asked.token


def _refused(error: Exception) -> InvalidToken:
    """The error for the client, which is always the same; the log gets the reason."""
    answer = InvalidToken(REFUSED)
    answer.reason = str(error)
    return answer


def load_trusted_tokens(settings: Settings, users: Users, *, relaxed: bool) -> TrustedTokens:
    """Load the issuers of `OAUTH_TRUSTED_TOKEN_ISSUERS` and parse their keys. Raises `ConfigurationError`."""
    configured = settings.trusted_token_issuers
    proofs = bool(settings.dpop or settings.mtls)
    issuers = {
        name: _load(name, entry, relaxed, settings.in_profile, proofs=proofs) for name, entry in configured.items()
    }
    if settings.issuer in issuers:
        raise ConfigurationError("OAUTH_TRUSTED_TOKEN_ISSUERS", settings.issuer, "other servers than this one")
    return TrustedTokens(issuers, users, settings.clock_skew)


def _load(name: str, entry: Any, relaxed: bool, profile: Profile, *, proofs: bool) -> TokenIssuer:
    key = f"OAUTH_TRUSTED_TOKEN_ISSUERS[{name!r}]"
    if not isinstance(entry, Mapping):
        raise ConfigurationError(key, entry, "a dict with a key set, or with 'introspection'")
    check_keys(key, entry, ENTRY_KEYS)
    asks = "introspection" in entry
    sources = [name for name in (*KEY_SOURCES, "introspection") if entry.get(name)]
    if asks and len(sources) > 1:
        raise ConfigurationError(key, sources, f"a dict with one of {', '.join(KEY_SOURCES)} and introspection")
    audience = _audience(f"{key}['audience']", entry, asks=asks)
    source = None if asks else configured_keys(key, entry, relaxed=relaxed)
    return TokenIssuer(
        issuer=name,
        audience=audience,
        source=source,
        algorithms=None
        if source is None
        else configured_algorithms(f"{key}['algorithms']", entry.get("algorithms"), source, profile),
        client=load_introspection_client(key, entry, relaxed=relaxed) if asks else None,
        scopes=frozenset(names(f"{key}['scopes']", entry["scopes"])) if "scopes" in entry else None,
        scope_claims=names(f"{key}['scope_claims']", entry["scope_claims"]) if "scope_claims" in entry else None,
        subject_claim=optional_text(f"{key}['subject_claim']", entry.get("subject_claim")) or "sub",
        any_kind=_any_kind(f"{key}['kind']", entry.get("kind"), asks=asks),
        proofs=proofs,
    )


def _any_kind(key: str, given: Any, *, asks: bool) -> bool:
    """Whether JWTs are taken that don't show that they are access tokens."""
    if asks and given is not None:
        raise ConfigurationError(key, given, "left out with 'introspection': nothing else tells a refresh token there")
    return bool(one_of("any", None)(key, given) == "any")


def _audience(key: str, entry: Mapping[str, Any], *, asks: bool) -> frozenset[str]:
    """The audiences that a token has to name: an issuer has tokens for others too (RFC 8725 section 3.9).

    A text is one name, even with spaces. `()` is allowed only where the issuer is asked: every token that it calls
    active is then taken.
    """
    given = entry.get("audience")
    if given or (asks and given == ()):
        return frozenset((given,) if isinstance(given, str) else names(key, given))
    allowed = "what its tokens name us: a text or a list" + (
        "; () takes every one that it calls active" if asks else ""
    )
    raise ConfigurationError(key, given, allowed)
