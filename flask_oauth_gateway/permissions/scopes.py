"""Decides which scopes a request gets (RFC 6749 section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidScopeError, clean

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client


def names_of(asked: str, settings: Settings) -> list[str]:
    """The names in a `scope` parameter, separated by spaces; clients of Axway's gateway may use commas too."""
    return (asked.replace(",", " ") if settings.compatibility == "axway" else asked).split(" ")


def resolve_scopes(asked: str | None, client: Client, settings: Settings) -> tuple[str, ...]:
    """The scopes of a request by this client, in the order asked. Raises `InvalidScopeError`, which names the first bad one.

    A request that asks for none gets the client's `default_scope`, else those of `OAUTH_DEFAULT_SCOPES` that the client
    may have, else all that the client is registered for.
    """
    if asked is None:
        default = client.default_scope.split() or [s for s in settings.default_scopes if s in client.scopes]
        names = default or client.scope.split()
        return tuple(
            dict.fromkeys(name for name in names if name in settings.scopes and is_in_plan(name, client, settings))
        )
    names = names_of(asked, settings)
    for name in names:
        if name not in settings.scopes:
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not known here.")
        if name not in client.scopes:
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not one that this client may have.")
        if not is_in_plan(name, client, settings):
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not one that this client's plan has.")
    return tuple(dict.fromkeys(names))


def still_allowed(scope: str, client: Client, settings: Settings) -> tuple[str, ...]:
    """Those of the approved scopes (a text with spaces) that still exist, and that the client may still have."""
    return tuple(
        name
        for name in scope.split()
        if name in settings.scopes and name in client.scopes and is_in_plan(name, client, settings)
    )


def is_in_plan(name: str, client: Client, settings: Settings) -> bool:
    """Whether the client's plan has a scope. A client without a plan has no limits; a plan that is gone has no scopes."""
    if not settings.plans or client.plan_in_force is None:
        return True
    scopes = settings.plans.get(client.plan_in_force, {"scopes": ()})["scopes"]
    return scopes is None or name in scopes
