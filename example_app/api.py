"""The protected views, which clients call."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from flask_oauth_gateway import current_token, require_token

from .login import CODE

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/weather")
@require_token("weather:read")
def weather() -> dict[str, Any]:
    """Return the weather to any client with the scope, with or without a user."""
    return {"for": current_token.client_id, "sky": "clear", "temperature": 21}


@blueprint.post("/weather")
@require_token("weather:write")
def report() -> dict[str, Any]:
    """Take a report from a client that may report the weather in a user's name."""
    return {"by": current_token.subject or current_token.client_id, "sky": request.form.get("sky", "clear")}


@blueprint.post("/station/restart")
@require_token("weather:write", acr=CODE)
def restart() -> dict[str, Any]:
    """Restart the station, for users who showed more than a password."""
    return {"restarted": True, "by": current_token.subject}


@blueprint.post("/payments")
@require_token(detail="payment")
def pay() -> Any:
    """Pay what the user allowed, and nothing else: the token says what that is."""
    (allowed,) = (each for each in current_token.authorization_details if each["type"] == "payment")
    if request.form.get("value") != allowed["amount"]["value"]:
        why = "The user has not allowed this payment."
        challenge = f'Bearer realm="oauth", error="insufficient_scope", error_description="{why}"'
        return {"error": "insufficient_scope", "error_description": why}, 403, {"WWW-Authenticate": challenge}
    return {"paid": allowed["amount"], "creditor": allowed["creditor"], "account": allowed["account"]}


@blueprint.get("/me")
@require_token
def me() -> Any:
    """Return the user; a token that a client got for itself has none, and is refused."""
    user = None if current_token.subject is None else current_token.user
    if user is None:
        why = "This needs the token of a user; this one is the client's own."
        challenge = f'Bearer realm="oauth", error="insufficient_scope", error_description="{why}"'
        return {"error": "insufficient_scope", "error_description": why}, 403, {"WWW-Authenticate": challenge}
    return {"subject": current_token.subject, "name": user.name, "client": current_token.client_id}
