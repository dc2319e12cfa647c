"""Adapts the app's own grants, written as Authlib's documentation describes (`OAUTH_GRANT_TYPES`, "module:Class").

They find Authlib's `AuthorizationServer` as `self.server`. The gateway's own grants don't use this file, only
`base.py`.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from flask import Response

from ..hooks import subject_of
from ..tokens.issue import Issue
from ..web.answers import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest
    from .base import GrantSteps


class AuthlibServer(AuthorizationServer):
    """The server as an app's grant sees it. Its requests are `OAuthRequest`s, which the endpoint has read."""

    def __init__(self, steps: GrantSteps, clients: ClientStore) -> None:
        super().__init__()
        self._steps = steps
        self._clients = clients
        self.moment: int | None = None  # when the request began
        self.confirmation: Mapping[str, str] | None = None  # the key that the request proves; None: not asked yet

    def for_request(self) -> AuthlibServer:
        """This server, for one request that begins now."""
        server = copy(self)
        server.moment = self._steps.moment()
        return server

    def grant(self, cls: Any) -> AuthlibGrant:
        """An app's grant class, made into a grant that the token endpoint can call."""
        return AuthlibGrant(self, cls)

    def query_client(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def authenticate_client(self, request: OAuthRequest, methods: Any, endpoint: str = "token") -> Client:
        client = self._steps.authenticate(request, methods)
        self._prove(client)
        return client

    def _prove(self, client: Client) -> None:
        proved = self._steps.proved(client)
        if proved is not None:
            proved.settle()
        self.confirmation = {} if proved is None else proved.confirmation

    def generate_token(
        self,
        grant_type: str,
        client: Client,
        user: Any = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """Make and store a token. `include_refresh_token` is ignored: a refresh token needs an approval."""
        if self.confirmation is None:  # the grant has its own way to know its client
            self._prove(client)
        subject = None if user is None else subject_of(user)
        scopes = tuple((scope or "").split())
        return self._steps.issue(
            Issue(
                client=client,
                grant_type=grant_type,
                scopes=scopes,
                subject=subject,
                user=user,
                expires_in=expires_in,
                confirmation=self.confirmation,
            ),
            self.moment,
        )

    def save_token(self, token: dict[str, Any], request: OAuthRequest) -> None:
        """Do nothing: `generate_token` has stored the token, in the statement that checks its client."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the gateway sends its own signals (`signals.py`)."""


class AuthlibGrant:
    """Lets the token endpoint call a grant class of the app's own, in the order that Authlib's documentation describes."""

    def __init__(self, server: AuthlibServer, cls: Any) -> None:
        self._server = server
        self._cls = cls
        if hasattr(cls, "validate_token_request"):  # else it is one for the authorize endpoint alone
            self.respond = self._respond

    def _respond(self, request: OAuthRequest) -> Response:
        grant = self._cls(request, self._server.for_request())
        grant.validate_token_request()
        status, body, _ = grant.create_token_response()
        return json_response(status, body)
