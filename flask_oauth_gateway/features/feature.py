"""What a row of the table says: `Feature`, and `Endpoint` for each endpoint that comes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GET, POST, FORM, MANAGE = ("GET",), ("POST",), ("GET", "POST"), ("GET", "PUT", "DELETE")


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """An endpoint: its path under `OAUTH_URL_PREFIX`, the methods that it takes (`()`: any) and the view that answers."""

    path: str
    methods: tuple[str, ...]
    view: str
    metadata: str | None = None  # the member of the server's metadata that holds its URL (RFC 8414 section 2)
    cors: bool = False  # scripts on the client's own origins may read the endpoint's answers
    anybody: bool = False  # with `cors`: scripts on every origin, as the client isn't known yet
    document: bool = False  # a public document, which any script may read


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """One part of the protocol. It is on where all of these hold that it names, and always where it names none.

    `grant_type`: `OAUTH_GRANT_TYPES` holds it. `method`: `OAUTH_CLIENT_AUTH_METHODS` holds it. `setting`: this setting
    (a property of `Settings`) is true. `grants`: `OAUTH_GRANT_TYPES` holds one of them.
    """

    source: str  # the RFC, or whatever else defines it
    page: str  # the page of the documentation
    grant_type: str | None = None
    grant: str | None = None  # the grant's class
    response_type: str | None = None  # what a client asks the authorize endpoint for (RFC 6749 section 3.1.1)
    openapi: tuple[str, tuple[str, ...]] | None = None  # OpenAPI's name of the flow, and the endpoints in it
    old: bool = False  # a grant that OAuth 2.1 leaves out, and RFC 9700 advises against
    refreshable: bool = False  # the OpenAPI flow has a refreshUrl
    method: str | None = None
    proves: bool = True  # the method proves who the client is; "none" doesn't
    secret: str | None = None  # how the method's client_secret is kept, if it needs one: "hashed" or "sealed"
    algorithms: tuple[str, ...] = ()  # with which a client may sign its assertions
    setting: str | None = None
    grants: tuple[str, ...] = ()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    checks_tokens: bool = False  # a resource server has this feature too

    def is_on(self, settings: Any) -> bool:
        """Whether an app with these settings has this feature."""
        if self.setting is not None and not getattr(settings, self.setting):
            return False
        named = ((self.grant_type, settings.grant_types), (self.method, settings.client_auth_methods))
        if any(name is not None and name not in held for name, held in named):
            return False
        return not self.grants or any(grant in settings.grant_types for grant in self.grants)
