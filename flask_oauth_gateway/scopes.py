"""Which scopes a request gets (RFC 6749 section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import InvalidScopeError, clean

if TYPE_CHECKING:
    from .config import Settings
    from .stores.clients import Client


def resolve_scopes(asked: str | None, client: Client, settings: Settings) -> tuple[str, ...]:
    """The scopes of a request by this client, in the order asked. Raises `InvalidScopeError`, which names the first bad one.

    Where none is asked for: the client's `default_scope`, else `OAUTH_DEFAULT_SCOPES` as far as the client may have
    them, else all that it is registered for.
    """
    if asked is None:
        default = client.default_scope.split() or [s for s in settings.default_scopes if s in client.scopes]
        names = default or client.scope.split()
        return tuple(dict.fromkeys(name for name in names if name in settings.scopes))
    names = asked.split(" ")
    for name in names:
        if name not in settings.scopes:
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not known here.")
        if name not in client.scopes:
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not one that this client may have.")
    return tuple(dict.fromkeys(names))
