"""Every part of the protocol that an app may have: `FEATURES`, one row each. It imports nothing of the rest of the package.

Routing, the grants, client authentication, the server's metadata, the checks of registrations, the command line's
choices, the OpenAPI document and the documentation's list of features are made from these rows. A row names classes and
views as "module:name", relative to the package; they are imported only where the feature is on. The metadata documents
and the management API are no rows (`endpoints/metadata.py`, `endpoints/resource_metadata.py`, `management/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .client_authentication import CLIENT_AUTHENTICATION
from .grants import GRANT_TYPES
from .operators import OPERATORS
from .people import PEOPLE
from .protocol import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .feature import Endpoint, Feature

FEATURES: Mapping[str, Feature] = {**PROTOCOL, **GRANT_TYPES, **CLIENT_AUTHENTICATION, **PEOPLE, **OPERATORS}

#: The grants by `grant_type`, the methods of client authentication by name, and the endpoints by name.
GRANTS: Mapping[str, Feature] = {each.grant_type: each for each in FEATURES.values() if each.grant_type}
OLD_GRANTS = tuple(name for name, each in GRANTS.items() if each.old)
METHODS: Mapping[str, Feature] = {each.method: each for each in FEATURES.values() if each.method}
ENDPOINTS: Mapping[str, Endpoint] = {name: one for each in FEATURES.values() for name, one in each.endpoints.items()}
#: Each `response_type` of the authorize endpoint, and the grant type that answers it.
RESPONSE_TYPES: Mapping[str, str] = {
    each.response_type: each.grant_type for each in GRANTS.values() if each.response_type and each.grant_type
}
#: The methods that prove who the client is: grants for confidential clients take these.
CONFIDENTIAL_METHODS = tuple(name for name, each in METHODS.items() if each.proves)
#: The methods that need a `client_secret`, and those of them that send it.
SECRET_METHODS = tuple(name for name, each in METHODS.items() if each.secret)
SENT_SECRET_METHODS = tuple(name for name, each in METHODS.items() if each.secret == "hashed")


def endpoints_that_are_on(settings: Any, *, issues_tokens: bool) -> Iterator[tuple[str, Endpoint]]:
    """The names and endpoints of an app with these settings; a resource server has only those that check tokens."""
    for feature in FEATURES.values():
        if feature.is_on(settings) and (issues_tokens or feature.checks_tokens):
            yield from feature.endpoints.items()
