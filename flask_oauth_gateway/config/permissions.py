"""Settings of permissions: the scopes that a client may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import shown
from .checks import SCOPE_NAME, ConfigurationError, names
from .setting import setting


def read_scopes(key: str, value: Any) -> Mapping[str, str]:
    """A dict of scope name to description."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, "a dict of scope name to description")
    for name, description in value.items():
        if not isinstance(name, str) or not SCOPE_NAME.fullmatch(name) or not isinstance(description, str):
            raise ConfigurationError(
                key,
                value,
                f"a dict of scope name (no space, quote or backslash) to description; {shown(name)} is not that",
            )
    return dict(value)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class PermissionSettings:
    __slots__ = ()

    scopes: Mapping[str, str] = setting(
        {},
        read_scopes,
        "Each scope's name, and what the scope means, in words for a user. A request for any other scope is"
        " refused with `invalid_scope`.",
    )
    default_scopes: tuple[str, ...] = setting(
        (),
        names,
        "What a request that names no scope gets, where its client has no `default_scope`: those scopes of this"
        " list that the client may have. Where there are none, it gets all that the client is registered for.",
    )
    required_scopes: tuple[str, ...] = setting(
        (), names, "Scopes that a user can't untick on the consent page; the user may untick every other scope."
    )
