"""Verifies software statements: what somebody who is trusted here says of a program that registers (RFC 7591 section 2.3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.members import ClientMetadataError
from ..crypto.jose import JwtError, read, verify
from ..crypto.key_sets import keys_for
from .assertion import AssertionRefused, check_moments
from .jwt import JwtIssuer, load_jwt_issuers

if TYPE_CHECKING:
    from ..config import Settings
    from ..crypto.jose import Jwt

STATEMENT_KEYS = ("jwks", "jwks_uri", "key", "algorithms", "audience", "scopes", "private_addresses")
TYPES = ("jwt", "software-statement+jwt")
OF_THE_JWT = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})  # what says something of the statement itself


def statements_of(settings: Settings, *, relaxed: bool) -> SoftwareStatements | None:
    """The statements of `OAUTH_SOFTWARE_STATEMENT_ISSUERS`; `None` where it names nobody. Raises `ConfigurationError`."""
    setting, configured = "OAUTH_SOFTWARE_STATEMENT_ISSUERS", settings.software_statement_issuers
    if not configured:
        return None
    issuers = load_jwt_issuers(configured, settings, relaxed=relaxed, setting=setting, known=STATEMENT_KEYS)
    return SoftwareStatements(issuers, skew=settings.clock_skew)


class SoftwareStatements:
    """Verifies statements of these issuers. `skew` is in seconds. A statement may be used any number of times."""

    def __init__(self, issuers: Mapping[str, JwtIssuer], *, skew: int) -> None:
        self._issuers = issuers
        self._skew = skew

    def read(self, statement: Any) -> tuple[Mapping[str, Any], Collection[str] | None]:
        """What a statement says of its program, and the most scopes that its clients may have; `None`: the usual.

        Raises `ClientMetadataError`.
        """
        if not isinstance(statement, str):
            raise _invalid("is not a text")
        try:
            unverified = read(statement)
            issuer = self._issuers.get(unverified.claims["iss"]) if _names_issuer(unverified) else None
            if issuer is None:
                raise ClientMetadataError(
                    "The issuer of the software_statement is not trusted here.", "unapproved_software_statement"
                )
            jwt = verify(unverified, keys_for(issuer.source, unverified.header.get("kid")), issuer.algorithms)
            check_moments(jwt.claims, self._skew)
        except (JwtError, AssertionRefused) as error:
            raise _invalid(f"can't be used: {error}") from error
        typ = jwt.header.get("typ", "JWT")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in TYPES:
            raise _invalid("is another kind of token")
        aud = jwt.claims.get("aud")
        named = [aud] if isinstance(aud, str) else aud if isinstance(aud, list) else []
        if issuer.audience is not None and not any(each in issuer.audience for each in named if isinstance(each, str)):
            raise _invalid("is for another audience")
        return {name: value for name, value in jwt.claims.items() if name not in OF_THE_JWT}, issuer.scopes


def _names_issuer(jwt: Jwt) -> bool:
    return isinstance(jwt.claims.get("iss"), str)


def _invalid(why: str) -> ClientMetadataError:
    return ClientMetadataError(f"The software_statement {why}.", "invalid_software_statement")
