"""Authlib's `AuthorizationServer`, filled from the tables at start-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import AuthorizationServer
from flask import Response

from ..authentication import authenticate
from ..errors import InvalidRequestError, OAuth2Error, UnsupportedGrantType, clean, json_response, noted, render_error
from ..hooks import subject_of
from ..tokens.issuing import Issue, issue
from ..web.addresses import client_here
from ..web.environ import NOTED
from . import load_grants

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client
    from ..web.request import OAuthRequest


class Server(AuthorizationServer):
    """One app's authorization server. Its requests are `OAuthRequest`s, which the endpoints have read."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.grants = load_grants(state.settings.grant_types)

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        return request

    def get_token_grant(self, request: OAuthRequest) -> Any:
        """The grant of this request, by table. Raises for a `grant_type` that is missing or not on."""
        grant_type = request.payload.grant_type
        if grant_type is None:
            sources = " or the ".join(self.state.settings.token_parameters_from)
            raise InvalidRequestError(f"The parameter 'grant_type' is missing from the {sources} of the request.")
        grant = self.grants.get(grant_type)
        if grant is None or not hasattr(
            grant, "validate_token_request"
        ):  # or a grant of the authorize endpoint alone: implicit
            raise UnsupportedGrantType(f"The grant type '{clean(grant_type, 60)}' is not on here.")
        return grant(request, self)

    def query_client(self, client_id: str) -> Client | None:
        return self.state.clients.get(client_id)

    def authenticate_client(self, request: OAuthRequest, methods: Any, endpoint: str = "token") -> Client:
        client = authenticate(self.state, request, methods)
        self.count(client)
        return client

    def count(self, client: Client) -> None:
        """Count a client's request for a token, after it has proved who it is: nobody uses up another's share."""
        if self.state.rate_limiter.is_on("token"):
            self.state.rate_limiter.spend("token", client_here(self.state, client.client_id))

    def generate_token(
        self,
        grant_type: str,
        client: Client,
        user: Any = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """For grants of the app's own, written as Authlib's documentation says: mints and stores a token."""
        subject = None if user is None else subject_of(user)
        scopes = tuple((scope or "").split())
        return issue(
            self.state,
            Issue(
                client=client, grant_type=grant_type, scopes=scopes, subject=subject, user=user, expires_in=expires_in
            ),
        )

    def save_token(self, token: dict[str, Any], request: OAuthRequest) -> None:
        """Nothing: `generate_token` has stored it, in the statement that checks its client."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nothing: the gateway's own signals (`signals.py`) are sent where the thing happens."""

    def handle_response(self, status: int, body: dict[str, Any], headers: Any) -> Response:
        return json_response(status, body)

    def handle_error_response(self, request: OAuthRequest, error: OAuth2Error) -> Response:
        request.environ[NOTED] = noted(error)
        return render_error(error)
