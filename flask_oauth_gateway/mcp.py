"""For MCP servers: checks the tokens that the Python SDK or FastMCP is sent. The package `mcp` is needed for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask

from .config.permissions import with_implied
from .crypto.configured_keys import FETCHABLE, is_fetchable
from .errors import InvalidTarget, NotConfigured, TemporarilyUnavailable
from .protection.asgi import admit, environ_of
from .protection.introspection import IntrospectionClient
from .protection.require_token import requirement
from .protection.token_shapes import NoAccessToken
from .protection.trusted_issuers import TokenIssuer
from .tokens.access_token import MAX_TOKEN
from .web.environ import SERVER
from .web.logs import logger

if TYPE_CHECKING:
    from .extension import OAuthGateway
    from .protection.guard import Requirement
    from .tokens.access_token import AccessToken

SKEW = 30  # seconds that the other server's clock may be ahead

__all__ = ["TokenVerifier"]


class TokenVerifier:
    """Checks access tokens for an MCP server: `MCPServer(token_verifier=…)`, `RemoteAuthProvider(token_verifier=…)`.

    In the app's own process: `TokenVerifier(gateway, resource=…)`, or an app with a gateway in its place. Anywhere else:
    `TokenVerifier(introspection_endpoint=…, client_id=…, client_secret=…, resource=…)`, which asks for each token anew
    (RFC 7662), as a client with `resource_server`. `resource`: a token must be for it (RFC 8707); a lone slash behind the
    host makes no difference. `scopes`: a token needs all of these; without them it counts as none, so leave them to the SDK
    (`required_scopes`) where the answer is to be 403. Raises `TypeError` and `ValueError` for what can't be used, and
    `ImportError` where `mcp` is missing.
    """

    def __init__(
        self,
        gateway: OAuthGateway | Flask | None = None,
        *,
        resource: str,
        scopes: Iterable[str] = (),
        introspection_endpoint: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> None:
        if (gateway is None) == (introspection_endpoint is None):
            raise TypeError("TokenVerifier needs a gateway or an introspection_endpoint, and not both.")
        if not urlsplit(resource).netloc:
            raise ValueError("The resource is the URL of the MCP server, as OAUTH_RESOURCES names it.")
        try:
            from mcp.server.auth.provider import AccessToken as SdkToken
        except ImportError as error:
            raise ImportError(
                f"TokenVerifier needs the Python SDK for MCP ({error}): pip install mcp", name=error.name
            ) from error
        self._sdk_token: Callable[..., Any] = SdkToken
        self.resource = resource
        #: By these names FastMCP looks for the scopes that every request needs.
        self.required_scopes = sorted({scopes} if isinstance(scopes, str) else set(scopes))
        self.scopes_supported = self.required_scopes
        self._needed = requirement(*self.required_scopes, audience=resource)
        self._check: Callable[[str], tuple[AccessToken, frozenset[str]] | None]
        if gateway is not None:
            self._app = gateway if isinstance(gateway, Flask) else gateway._server.app  # noqa: SLF001 (ours)
            self._check = self._in_process
        else:
            self._issuer = _to_ask(introspection_endpoint or "", client_id, client_secret, resource)
            self._check = self._ask

    async def verify_token(self, token: str) -> Any:
        """The token as the SDK knows tokens (`AccessToken`); `None` for one that isn't good here.

        Raises `TemporarilyUnavailable` where nobody can tell, so that a client keeps a token that may be good.
        """
        checked = await asyncio.to_thread(self._check, token)
        if checked is None:
            return None
        found, scopes = checked
        return self._sdk_token(
            token=token,
            client_id=found.client_id,
            scopes=sorted(scopes),
            expires_at=found.exp,
            resource=self.resource,
            subject=found.subject,
            claims=found.claims,
        )

    def _wanted(self) -> Requirement:
        """What a token needs, with the resource as the app calls it."""
        server = self._app.extensions.get(SERVER)
        if server is not None:
            with suppress(InvalidTarget, NotConfigured), self._app.app_context():
                (name,) = server.resources.resolve([self.resource])
                return replace(self._needed, audience=name)
        return self._needed

    def _in_process(self, token: str) -> tuple[AccessToken, frozenset[str]] | None:
        """Check the token by the app's own guard, as that of a request to the resource.

        The SDK compares scopes by itself, so it is told also those that the token's scopes include.
        """
        url = urlsplit(self.resource)
        headers = [(b"host", url.netloc.encode()), (b"authorization", f"Bearer {token}".encode(errors="replace"))]
        request = {"scheme": url.scheme, "path": url.path or "/", "method": "POST", "headers": headers}
        admission = admit(self._app, environ_of(request), self._wanted())
        refusal = admission.refusal
        if refusal is not None and (refusal.status == 429 or refusal.status >= 500):
            raise TemporarilyUnavailable("The access token can't be checked at the moment.")
        if admission.token is None:
            return None
        implies = self._app.extensions[SERVER].settings.scope_implies
        return admission.token, with_implied(admission.token.scopes, implies)

    def _ask(self, token: str) -> tuple[AccessToken, frozenset[str]] | None:
        """Ask the other server about the token."""
        if not token or len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            asked = self._issuer.ask(token, SKEW)
        except NoAccessToken as error:
            logger.info("A token for %s is refused: %s", self.resource, error)
            return None
        if asked is None or not self._needed.scopes <= asked.token.scopes:
            return None
        return asked.token, asked.token.scopes


def _to_ask(url: str, client_id: str | None, client_secret: str | None, resource: str) -> TokenIssuer:
    """The server to ask. Whoever configures it chooses its URL, so it may be in a private network."""
    if not is_fetchable(url, relaxed=True):
        raise ValueError(f"The introspection_endpoint is {FETCHABLE}; on loopback it may be http.")
    if not client_id or not client_secret:
        raise TypeError("To ask an introspection_endpoint takes a client_id and a client_secret.")
    client = IntrospectionClient(url, client_id, client_secret, private_addresses=True, plain_http_on_loopback=True)
    bare = urlsplit(resource)._replace(path="").geturl()
    names = {resource, bare, f"{bare}/"} if resource.removesuffix("/") == bare else {resource}
    return TokenIssuer(issuer="", audience=frozenset(names), client=client)
