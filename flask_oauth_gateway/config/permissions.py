"""Settings of permissions: the scopes that a client may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class PermissionSettings:
    __slots__ = ()

    scopes: Mapping[str, str] = setting(
        {},
        check.scopes,
        "Each scope's name and what it means, in words for a user. An unknown scope is `invalid_scope`.",
    )
    default_scopes: tuple[str, ...] = setting(
        (),
        check.names,
        "What a request that names no scope gets, where its client has no `default_scope`: these, as far as the"
        " client may have them, else all that the client is registered for.",
    )
    required_scopes: tuple[str, ...] = setting(
        (), check.names, "Scopes that a user can't untick on the consent page; every other one may be."
    )
