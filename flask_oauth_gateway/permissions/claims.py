"""Which scope lets which claim out (OIDC Core section 5.4), and what a request asks for by name beyond its scopes.

A user is asked for the second too. On the consent page, and in what is remembered of it, such a claim stands among the
scopes as `openid#name`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import Settings

MARK = "openid#"


@lru_cache(maxsize=1)
def _standard() -> Mapping[str, tuple[str, ...]]:
    from authlib.oidc.core import UserInfo  # apps without OpenID Connect never load it

    mapping = UserInfo.SCOPES_CLAIMS_MAPPING
    return {scope: tuple(names) for scope, names in mapping.items() if scope != "openid"}


def claims_by_scope(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The claims that each scope lets out: the standard ones, and those of `OAUTH_CLAIMS`."""
    found = dict(_standard())
    for scope, names in settings.claims.items():
        found[scope] = tuple(dict.fromkeys((*found.get(scope, ()), *names)))
    return found


def claim_of(name: str) -> str:
    """A claim's name without its language: `family_name#ja` is let out as `family_name` is (OIDC Core section 5.2)."""
    return name.partition("#")[0]


def beyond_the_scopes(names: Iterable[str], scopes: Collection[str], settings: Settings) -> tuple[str, ...]:
    """The claims among these names that only a scope lets out, and none of these scopes does; as they stand in a question."""
    by_scope = claims_by_scope(settings)
    governed = {claim for claims in by_scope.values() for claim in claims}
    let_out = {claim for scope in scopes for claim in by_scope.get(scope, ())}
    found = (claim_of(name) for name in names)
    return tuple(dict.fromkeys(MARK + claim for claim in found if claim in governed and claim not in let_out))


def scopes_in(allowed: Iterable[str]) -> tuple[str, ...]:
    """The scopes among what a user allowed."""
    return tuple(name for name in allowed if not name.startswith(MARK))


def still_asked_for(names: Iterable[str], allowed: Collection[str], settings: Settings) -> list[str]:
    """Those of the claims that were asked for by name that the user let out: by a scope, or by the claim itself."""
    refused = set(beyond_the_scopes(names, allowed, settings)).difference(allowed)
    return [name for name in names if MARK + claim_of(name) not in refused]
