"""Notes in the audit trail what was refused to users' own apps, for their owners' pages (`OAUTH_DEVELOPER`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from ..errors import without_secrets
from ..stores.registered_client import DEVELOPER
from ..web.environ import CLIENT, NAMED, NOTED

if TYPE_CHECKING:
    from flask import Response

    from ..stores.clients import ClientStore
    from .audit import Audit

#: What the trail has another entry for, what isn't about the app, and what is a part of the flow.
PASSED_OVER = frozenset(
    {
        "invalid_client", "invalid_token", "insufficient_scope", "unauthorized", "temporarily_unavailable", "not_found",
        "authorization_pending", "slow_down", "server_error", "login_required", "consent_required", "conflict",
        "precondition_failed", "invalid_client_metadata",
    }
)  # fmt: skip
#: Where apps ask for something, or send users.
OF_AN_APP = frozenset(f"oauth.{name}" for name in ("token", "authorize", "device_authorization", "device", "par"))
REDIRECTS = "The address to send you back to"


def note_refusal(clients: ClientStore, trail: Audit, response: Response) -> Response:
    """Write an entry where this request was refused, and is about the app of a user."""
    noted = request.environ.get(NOTED)
    if noted is not None and noted.error not in PASSED_OVER and request.endpoint in OF_AN_APP:
        client_id = _named()
        client = clients.get(client_id) if client_id else None
        if client is not None and client.origin == DEVELOPER:
            sent = request.args.get("redirect_uri", "") if noted.description.startswith(REDIRECTS) else ""
            trail.request_refused(
                client.client_id, noted.error, noted.reason or noted.description, without_secrets(sent)
            )
    return response


def _named() -> str | None:
    """The client that authenticated, or that the request names, proved or not."""
    found = request.environ.get(CLIENT) or request.environ.get(NAMED) or request.args.get("client_id")
    return found if isinstance(found, str) else getattr(found, "client_id", None)
