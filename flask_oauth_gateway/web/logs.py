"""Logs one line for each token that is given and each refusal: logger `flask_oauth_gateway`, level INFO, nothing below it.

A logout of which a client will never hear is a WARNING: the user goes on there.

A line consists of `name=value` pairs. The record's `oauth`, a dict, has the same pairs for formatters that write JSON.
No line holds a secret, a token or a user's name.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any

from flask import Flask, has_request_context, request

from .. import signals
from .environ import CLIENT, REFUSED

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Error

logger = logging.getLogger("flask_oauth_gateway")

REQUEST_ID = "flask_oauth_gateway.request_id"
MAX_VALUE = 500
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_PLAIN = re.compile(r"[A-Za-z0-9._:/+@-]+")
#: What of a path is a token of ours (`crypto/hashing.py`), as in a guess at an address: DELETE /oauth/tokens/…
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}~[0-9a-f]{8}|pat_[0-9A-Za-z]{57}")

#: Each signal's event name, and the members of its payload that the line has.
GIVEN = {
    signals.token_issued: ("token_issued", ("client_id", "grant_type", "scopes", "token_id")),
    signals.token_refreshed: ("token_refreshed", ("client_id", "grant_type", "scopes", "token_id")),
    signals.token_revoked: ("token_revoked", ("client_id", "token_id", "count", "by")),
    signals.refresh_token_reused: ("refresh_token_reused", ("client_id", "count")),
    signals.authorization_granted: ("authorization_granted", ("client_id", "scopes", "asked")),
    signals.authorization_denied: ("authorization_denied", ("client_id", "reason")),
    signals.logout_delivered: ("logout_delivered", ("client_id", "tries")),
    signals.logout_failed: ("logout_failed", ("client_id", "reason", "tries", "given_up")),
}


class EventLog:
    """Writes one app's lines. The app's server holds it, and so keeps it alive."""

    def __init__(self, app: Flask) -> None:
        self._receivers = [self._receiver(*about) for about in GIVEN.values()]
        for signal, receiver in zip(GIVEN, self._receivers, strict=True):
            signal.connect(receiver, sender=app)

    @staticmethod
    def _receiver(event: str, names: tuple[str, ...]) -> Any:
        def receive(sender: Flask, **payload: Any) -> None:
            level = logging.WARNING if payload.get("given_up") else logging.INFO
            if logger.isEnabledFor(level):
                _write(event, {name: payload[name] for name in names}, level)

        return receive


def refused(error: OAuth2Error, environ: dict[str, Any]) -> None:
    """Note the error in the request's environ, and log it."""
    environ[REFUSED] = error.error  # not the error itself: its traceback holds the request, which would live on
    if logger.isEnabledFor(logging.INFO):
        client = environ.get(CLIENT)
        details = {
            "error": error.error,
            "status": error.status_code,
            "client_id": getattr(error, "client_id", None) or (None if client is None else client.client_id),
            "reason": getattr(error, "reason", None) or error.description,
        }
        _write("refused", details)


def request_id() -> str | None:
    """The id of this request in the log: its `X-Request-ID` where that is sane, else a random one."""
    if not has_request_context():
        return None
    known = request.environ.get(REQUEST_ID)
    if known is None:
        given = request.environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _SANE_ID.fullmatch(given) else secrets.token_hex(16)
        request.environ[REQUEST_ID] = known
    return str(known)


def _write(event: str, details: dict[str, Any], level: int = logging.INFO) -> None:
    fields: dict[str, Any] = {"event": event, "request_id": request_id()}
    if has_request_context():
        path = _TOKEN.sub("...", request.path)
        fields |= {"method": request.method, "path": path, "address": request.remote_addr}
    fields |= details
    if "scopes" in fields:
        fields["scope"] = " ".join(fields.pop("scopes"))
    known = {name: _bounded(value) for name, value in fields.items() if value is not None}
    text = " ".join(f"{name}={_quoted(value)}" for name, value in known.items())
    logger.log(level, "%s", text, extra={"oauth": known})


def _bounded(value: Any) -> Any:
    return value[:MAX_VALUE] if isinstance(value, str) else value


def _quoted(value: Any) -> str:
    """A value on one line, so that nobody can begin another line with it."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value)
