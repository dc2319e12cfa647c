"""A grant of an app's own, written as Authlib's documentation says."""

from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, InvalidGrantError, TokenEndpointMixin


class LotteryGrant(BaseGrant, TokenEndpointMixin):
    """Gives a token for the right number; the one user is called after it."""

    GRANT_TYPE = "urn:example:lottery"
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()
        if self.request.form.get("number") != "7":
            raise InvalidGrantError("That is not the number.")

    def create_token_response(self) -> tuple[int, Any, Any]:
        token = self.generate_token(user=Winner(), scope="weather:read", expires_in=77)
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class TicketGrant(BaseGrant):
    """Has no token request."""

    GRANT_TYPE = "urn:example:ticket"


class Winner:
    id = 7


NOT_A_GRANT = object()
