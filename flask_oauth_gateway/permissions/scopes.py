"""Decides which scopes a request gets (RFC 6749 section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import OFFLINE_ACCESS
from ..config.permissions import narrowed, with_implied
from ..errors import InvalidScopeError, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..config import Settings
    from ..stores.registered_client import Client


def names_of(asked: str, settings: Settings) -> list[str]:
    """The names in a `scope` parameter. Spaces too many are forgiven; clients of Axway's gateway may use commas too."""
    text = asked.replace(",", " ") if settings.compatibility == "axway" else asked
    return [name for name in text.split(" ") if name]


def resolve_scopes(asked: str | None, client: Client, settings: Settings, *, offline: bool = False) -> tuple[str, ...]:
    """The scopes of a request by this client, in the order asked. Raises `InvalidScopeError`, which names the first bad one.

    A request that asks for none gets the client's `default_scope`, else those of `OAUTH_DEFAULT_SCOPES` that the client
    may have, else all that the client is registered for. `offline`: whether a refresh token may come of the request;
    where none may, `offline_access` is passed over.
    """
    names = [] if asked is None else names_of(asked, settings)
    if not names:
        default = client.default_scope.split() or [s for s in settings.default_scopes if s in client.scopes]
        names = default or client.scope.split()
        return tuple(
            dict.fromkeys(name for name in names if name in settings.scopes and is_in_plan(name, client, settings))
        )
    found = without_offline_access(names, settings)
    for name in found:
        if name not in settings.scopes:
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not known here.")
        if name not in may_have(client, settings):
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not one that this client may have.")
        if not is_in_plan(name, client, settings):
            raise InvalidScopeError(f"The scope '{clean(name, 60)}' is not one that this client's plan has.")
    return tuple(dict.fromkeys((*found, OFFLINE_ACCESS) if offline and len(found) < len(names) else found))


def without_offline_access(names: list[str], settings: Settings) -> list[str]:
    """The names without `offline_access`. Raises `InvalidScopeError` where it stands alone: it gives access to nothing."""
    if OFFLINE_ACCESS not in names or OFFLINE_ACCESS in settings.scopes:
        return names
    found = [name for name in names if name != OFFLINE_ACCESS]
    if not found:
        raise InvalidScopeError("The scope 'offline_access' alone gives access to nothing.")
    return found


def may_have(client: Client, settings: Settings) -> frozenset[str]:
    """The scopes that a client is registered for, and those that they include: it may always ask for less."""
    return with_implied(client.scopes, settings.scope_implies) if settings.scope_implies else client.scopes


def still_allowed(scope: str, client: Client, settings: Settings) -> tuple[str, ...]:
    """Those of the approved scopes (a text with spaces) that still exist, and that the client may still have."""
    allowed = may_have(client, settings)
    names: Iterable[str] = scope.split()
    if settings.scope_implies:
        in_plan = {name for name in allowed if is_in_plan(name, client, settings)}
        names = narrowed(names, in_plan | {OFFLINE_ACCESS}, settings.scope_implies)
    return tuple(
        name
        for name in names
        if name == OFFLINE_ACCESS
        or (name in settings.scopes and name in allowed and is_in_plan(name, client, settings))
    )


def is_in_plan(name: str, client: Client, settings: Settings) -> bool:
    """Whether the client's plan has a scope. A client without a plan has no limits; a plan that is gone has no scopes."""
    if not settings.plans or client.plan_in_force is None:
        return True
    scopes = settings.plans.get(client.plan_in_force, {"scopes": ()})["scopes"]
    return scopes is None or name in scopes


def stays_offline(asked: Collection[str], allowed: Collection[str]) -> bool:
    """Whether a refresh token may be given: not where `offline_access` was asked for, and the user unticked it."""
    return OFFLINE_ACCESS not in asked or OFFLINE_ACCESS in allowed
