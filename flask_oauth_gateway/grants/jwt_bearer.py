"""`urn:ietf:params:oauth:grant-type:jwt-bearer`: a signed JWT is exchanged for a token (RFC 7521, RFC 7523 section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..features import JWT_BEARER
from .assertion import AssertionGrant

if TYPE_CHECKING:
    from flask import Flask

    from ..assertions.assertion import Assertion
    from ..assertions.jwt import JwtAssertions, JwtIssuer
    from ..authentication import ClientAuthentication
    from ..config import Settings
    from ..hooks import Hooks
    from ..stores.clients import ClientStore
    from ..users.accounts import Users
    from ..web.issuer import Issuer
    from .base import GrantSteps


class JwtBearerGrant(AssertionGrant):
    """Verifies a JWT's issuer, signature and claims; the other rules are those of all assertions."""

    GRANT_TYPE = JWT_BEARER
    KIND = "JWT"

    def __init__(
        self,
        steps: GrantSteps,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        authentication: ClientAuthentication,
        clients: ClientStore,
        users: Users,
        issuer: Issuer,
        jwt_assertions: JwtAssertions,
    ) -> None:
        super().__init__(steps, app, settings, hooks, authentication, clients, users, issuer)
        self._jwt_assertions = jwt_assertions

    def verify(self, assertion: str, audience: frozenset[str]) -> tuple[Assertion, JwtIssuer]:
        return self._jwt_assertions.verify(assertion, audience)
