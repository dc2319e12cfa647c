"""The grants: a file for each one's rules, on the steps in `base.py` that all of them go through."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..config.checks import ConfigurationError
from ..errors import without_secrets
from ..features import GRANTS, RESPONSE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .base import AuthorizationGrant

PACKAGE = __name__.rpartition(".")[0]


def load_grants(names: Iterable[str], parts: Any) -> Mapping[str, Any]:
    """The grants that `OAUTH_GRANT_TYPES` names, by `grant_type`. Each gets the parts that the fields of its class name.

    `parts` is the server, which has the parts as attributes. `"module:Class"` names a grant class of the app's own,
    written as Authlib's documentation describes; `authlib.py` adapts it. Raises `ConfigurationError` for a grant that
    doesn't exist, or that the profile forbids.
    """
    grants = {}
    for name in names:
        feature = GRANTS.get(name)
        if feature is None:
            app_class = _load(name, name)
            grants[app_class.GRANT_TYPE] = parts.authlib.grant(app_class)
        else:
            grant_class = _load(name, f"{PACKAGE}.{feature.grant}")
            needed = [part.name for part in fields(grant_class) if part.init]
            grants[name] = grant_class(**{each: getattr(parts, each) for each in needed})
    parts.settings.check_profile(grant_types=tuple(grants))
    return grants


def load_response_types(grants: Mapping[str, Any], parts: Any) -> dict[str, AuthorizationGrant]:
    """What answers each `response_type` of the authorize endpoint, with the grants that are on."""
    single = {name: grants[of] for name, of in RESPONSE_TYPES.items() if of in grants}
    if not parts.settings.oidc:
        return single
    from .hybrid import combined_response_types

    return single | combined_response_types(single, parts.users, lambda: parts.openid.id_tokens)


def _load(name: str, path: str) -> Any:
    module, colon, attribute = path.partition(":")
    try:
        grant = getattr(import_module(module), attribute) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        importable = f"'module:Class' of what can be imported ({without_secrets(error)})"
        cause = error if isinstance(error, ImportError) else None  # the others say no more, and repeat all of the name
        raise ConfigurationError("OAUTH_GRANT_TYPES", name, importable) from cause
    if not getattr(grant, "GRANT_TYPE", None):
        raise ConfigurationError("OAUTH_GRANT_TYPES", name, f"one of {', '.join(GRANTS)}, or 'module:Class'")
    return grant
