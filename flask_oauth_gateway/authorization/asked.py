"""What a check of an authorization request reads, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..config import Settings
    from ..permissions.details import AuthorizationDetails
    from ..permissions.resources import Resources
    from ..tokens.lifetimes import Lifetimes
    from .parameters import Parameters
    from .request import Authorization

Found = Mapping[str, Any]  # fields of the authorization, as a check found them


class Asked(NamedTuple):
    """What a check reads: the request as checked so far, its parameters, and this server's settings."""

    authorization: Authorization
    parameters: Parameters
    settings: Settings
    resources: Resources
    lifetimes: Lifetimes
    details: AuthorizationDetails | None  # None: the parameter isn't known here
    response_types: Mapping[str, tuple[str, ...]]  # those that are on, each with the grants that it needs
