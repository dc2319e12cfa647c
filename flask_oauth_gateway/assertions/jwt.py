"""Verifies JWT assertions of the issuers of `OAUTH_JWT_ISSUERS`, and of clients that sign for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config.checks import ConfigurationError, boolean, check_keys, names, optional_text, positive
from ..crypto.configured_keys import configured_algorithms, configured_keys
from ..crypto.jose import JwtError, read, verify
from ..crypto.key_sets import KeySource, keys_for
from .assertion import GRANT_TYP, MAX_LIFETIME, Assertion, AssertionRefused, check_jwt
from .identity_grant import ID_JAG_TYP

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..config import Settings
    from ..config.hardening.profiles import Profile
    from ..crypto.jose import Jwt
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client

JWT_KEYS = (
    "jwks", "jwks_uri", "key", "algorithms", "audience", "scopes", "scope_claim", "max_lifetime", "client_id",
    "numeric_strings", "private_addresses", "id_jag",
)  # fmt: skip
#: What an entry with `id_jag` can't have: who brings an ID-JAG, for whom it is and what it gives, it says itself.
NOT_WITH_ID_JAG = ("client_id", "audience", "scope_claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer whose assertions are accepted. `scopes`: the most that its assertions may give; `None`: no further limit.

    `client_id`: the client that gets the tokens; `is_client`: the issuer is that client itself. `max_lifetime` is in
    seconds. `id_jag`: its assertions are ID-JAGs, and nothing else (`identity_grant.py`).
    """

    issuer: str
    audience: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    max_lifetime: int = MAX_LIFETIME
    client_id: str | None = None
    is_client: bool = False
    id_jag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuer(TrustedIssuer):
    """An issuer of JWTs, with its keys. `scope_claim`: whether the `scope` in them asks for something here."""

    source: KeySource
    algorithms: tuple[str, ...] | None = None
    numeric_strings: bool = False
    scope_claim: bool = True


def load_jwt_issuers(
    configured: Mapping[str, Any],
    settings: Settings,
    *,
    relaxed: bool,
    setting: str = "OAUTH_JWT_ISSUERS",
    known: Sequence[str] = JWT_KEYS,
) -> dict[str, JwtIssuer]:
    """Load the issuers of a setting, and parse their keys.

    `known`: what an issuer's entry may have. Raises `ConfigurationError`.
    """
    issuers = {}
    for name, entry in configured.items():
        key = f"{setting}[{name!r}]"
        issuers[name] = issuer = _load(key, name, entry, relaxed, known, settings.in_profile)
        for scope in issuer.scopes or ():
            if scope not in settings.scopes:
                raise ConfigurationError(f"{key}['scopes']", scope, "names from OAUTH_SCOPES")
    return issuers


class JwtAssertions:
    """Verifies JWT assertions: of the configured issuers, and of clients that sign for themselves.

    `skew` is in seconds; `numeric_strings`: clients may write times as texts, as Axway's documentation does.
    """

    def __init__(
        self,
        issuers: Mapping[str, JwtIssuer],
        clients: ClientStore,
        client_keys: ClientKeys,
        *,
        skew: int,
        numeric_strings: bool,
        algorithms: tuple[str, ...] | None,
    ) -> None:
        """`algorithms`: those by which clients may sign; `None`: all that their keys are good for."""
        self.issuers = issuers
        self._clients = clients
        self._client_keys = client_keys
        self._skew = skew
        self._numeric_strings = numeric_strings
        self._algorithms = algorithms

    def verify(self, token: str, audience: frozenset[str]) -> tuple[Assertion, JwtIssuer]:
        """Verify the signature and the claims of a trusted issuer's JWT assertion. Raises `AssertionRefused`."""
        try:
            unverified = read(token)
            trusted = self._issuer_named(unverified.claims.get("iss"))
            try:
                jwt = _verify(unverified, trusted)
            except JwtError:
                if not trusted.is_client or trusted.issuer in self.issuers:
                    raise
                self._clients.forget(trusted.issuer)  # another process may have given the client a new key
                trusted = self._issuer_named(trusted.issuer)
                jwt = _verify(unverified, trusted)
        except JwtError as error:
            raise AssertionRefused(str(error)) from error
        checked = check_jwt(
            jwt,
            typ=ID_JAG_TYP if trusted.id_jag else GRANT_TYP,
            plain=not trusted.id_jag,
            audience=trusted.audience or audience,
            skew=self._skew,
            max_lifetime=trusted.max_lifetime,
            numeric_strings=trusted.numeric_strings,
            needs_jti=trusted.id_jag,
            scope_claim=trusted.scope_claim,
        )
        return checked, trusted

    def issuer_of_client(self, client: Client) -> JwtIssuer | None:
        """A client as the issuer of its own assertions, with its registered keys; `None` where it has none."""
        source = self._client_keys.of(client)
        if source is None:
            return None
        return JwtIssuer(
            issuer=client.client_id,
            source=source,
            algorithms=self._algorithms,
            client_id=client.client_id,
            is_client=True,
            numeric_strings=self._numeric_strings,
        )

    def _issuer_named(self, name: Any) -> JwtIssuer:
        """The issuer of this name: a configured one, or a client that signs for itself. Raises `AssertionRefused`."""
        if not isinstance(name, str) or not name:
            raise AssertionRefused("it names no issuer (iss)")
        trusted = self.issuers.get(name)
        if trusted is None:
            client = self._clients.get(name)
            trusted = None if client is None else self.issuer_of_client(client)
        if trusted is None:
            raise AssertionRefused(f"its issuer {name[:200]!r} is not trusted here")
        return trusted


def _verify(unverified: Jwt, trusted: JwtIssuer) -> Jwt:
    return verify(unverified, keys_for(trusted.source, unverified.header.get("kid")), trusted.algorithms)


def _load(key: str, name: str, entry: Any, relaxed: bool, known: Sequence[str], profile: Profile) -> JwtIssuer:
    if not isinstance(entry, Mapping):
        raise ConfigurationError(key, entry, "a dict with a key set")
    check_keys(key, entry, known)
    id_jag = boolean(f"{key}['id_jag']", entry.get("id_jag", False))
    for other in NOT_WITH_ID_JAG if id_jag else ():
        if other in entry:
            raise ConfigurationError(f"{key}[{other!r}]", entry[other], "left out where 'id_jag' is True")
    source = configured_keys(key, entry, relaxed=relaxed, symmetric=True)
    return JwtIssuer(
        issuer=name,
        source=source,
        algorithms=configured_algorithms(f"{key}['algorithms']", entry.get("algorithms"), source, profile),
        audience=frozenset(names(f"{key}['audience']", entry["audience"])) if "audience" in entry else None,
        scopes=frozenset(names(f"{key}['scopes']", entry["scopes"])) if "scopes" in entry else None,
        max_lifetime=positive(f"{key}['max_lifetime']", entry.get("max_lifetime", MAX_LIFETIME)),
        client_id=optional_text(f"{key}['client_id']", entry.get("client_id")),
        is_client=entry.get("client_id") == name,
        numeric_strings=boolean(f"{key}['numeric_strings']", entry.get("numeric_strings", False)),
        scope_claim=boolean(f"{key}['scope_claim']", entry.get("scope_claim", True)),
        id_jag=id_jag,
    )
