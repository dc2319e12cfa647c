"""What the token endpoint gives, and for what: a file for each grant, on the steps in `base.py` that all of them go through."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..config.checks import ConfigurationError
from ..features import GRANTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PACKAGE = __name__.rpartition(".")[0]


def load_grants(names: Iterable[str], parts: Any) -> Mapping[str, Any]:
    """The grants that `OAUTH_GRANT_TYPES` names, by `grant_type`, each made with the parts that its constructor names.

    `parts` is the server, which has them as attributes: a grant sees no others. `"module:Class"` names a grant of the app's
    own, a class as Authlib's documentation says, which `authlib.py` lets in. Raises `ConfigurationError` for one that isn't
    there.
    """
    grants = {}
    for name in names:
        feature = GRANTS.get(name)
        if feature is None:
            theirs = _load(name, name)
            grants[theirs.GRANT_TYPE] = parts.authlib.grant(theirs)
        else:
            ours = _load(name, f"{PACKAGE}.{feature.grant}")
            grants[name] = ours(**{each: getattr(parts, each) for each in inspect.signature(ours).parameters})
    return grants


def _load(name: str, path: str) -> Any:
    module, colon, attribute = path.partition(":")
    try:
        grant = getattr(import_module(module), attribute) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            "OAUTH_GRANT_TYPES", name, f"'module:Class' of what can be imported ({error})"
        ) from error
    if not getattr(grant, "GRANT_TYPE", None):
        raise ConfigurationError("OAUTH_GRANT_TYPES", name, f"one of {', '.join(GRANTS)}, or 'module:Class'")
    return grant
