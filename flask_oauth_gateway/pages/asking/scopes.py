"""What a client won't be able to do with the scopes that it asks for, where their descriptions say so."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...config.permissions import ScopeWords, with_implied

if TYPE_CHECKING:
    from ...config import Settings


def limits(settings: Settings, asked: Collection[str]) -> list[str]:
    """What isn't in reach of these scopes together, in the words of `OAUTH_SCOPES`.

    One scope's limit may be what another scope allows: then it is no limit of both, and isn't said. Nor is one of a scope that
    another one includes, by which the client may do more.
    """
    included = {name for one in asked for name in settings.scope_implies.get(one, ())}
    has = with_implied(frozenset(asked), settings.scope_implies)
    allowed = {settings.scopes[name].casefold() for name in has if name in settings.scopes}
    found: dict[str, None] = {}
    for name in asked:
        words = None if name in included else settings.scopes.get(name)
        for limit in words.limits if isinstance(words, ScopeWords) else ():
            text = settings.scopes.get(limit) or limit
            if limit not in has and text.casefold() not in allowed:
                found[str(text)] = None
    return [*found]
