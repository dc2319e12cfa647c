"""The audit trail: a subscriber to the signals that writes down who did what, when, from where, and how it ended.

What was refused may come from anybody, so that a flood of it must not fill the database: the same refusal of the same
client from the same address is written once a minute, with how often it came since.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, has_request_context, request

from . import signals

if TYPE_CHECKING:
    from .extension import State

REFUSAL_SECONDS = 60
MAX_REMEMBERED_REFUSALS = 10_000
MAX_REASON = 500


class Audit:
    """Writes one app's audit trail. It lives as long as the app's state, which holds it."""

    def __init__(self, state: State) -> None:
        self._store = state.audit
        self._refusals: dict[tuple[Any, ...], tuple[float, int]] = {}
        for signal, receiver in (
            (signals.token_issued, self.token_issued),
            (signals.token_refreshed, self.token_refreshed),
            (signals.refresh_token_reused, self.refresh_token_reused),
            (signals.authorization_granted, self.authorization_granted),
            (signals.authorization_denied, self.authorization_denied),
            (signals.token_revoked, self.token_revoked),
            (signals.token_rejected, self.token_rejected),
            (signals.client_rejected, self.client_rejected),
            (signals.assertion_rejected, self.assertion_rejected),
            (signals.client_created, self.client_created),
            (signals.client_changed, self.client_changed),
        ):
            signal.connect(receiver, sender=state.app)

    def token_issued(self, sender: Flask, **said: Any) -> None:
        self._issued("token_issued", said)

    def token_refreshed(self, sender: Flask, **said: Any) -> None:
        self._issued("token_refreshed", said)

    def refresh_token_reused(self, sender: Flask, **said: Any) -> None:
        details = {"families_revoked": said["count"]}
        self._write("refresh_token_reused", "invalid_grant", said["client_id"], said["subject"], details)

    def authorization_granted(self, sender: Flask, **said: Any) -> None:
        details = {"scope": " ".join(said["scopes"]), "asked": said["asked"]}
        self._write("authorization_granted", "ok", said["client_id"], said["subject"], details)

    def authorization_denied(self, sender: Flask, **said: Any) -> None:
        outcome = "access_denied" if said["reason"] == "denied" else "ok"  # taking it back is no refusal
        self._write("authorization_denied", outcome, said["client_id"], said["subject"], {"reason": said["reason"]})

    def token_revoked(self, sender: Flask, **said: Any) -> None:
        details = {"token_id": said["token_id"], "count": said["count"], "by": said["by"]}
        self._write("token_revoked", "ok", said["client_id"], said["subject"], details)

    def token_rejected(self, sender: Flask, **said: Any) -> None:
        self._refused(
            "token_rejected", said["error"], said["client_id"], {"reason": said["reason"], "path": said["path"]}
        )

    def client_rejected(self, sender: Flask, **said: Any) -> None:
        self._refused("client_rejected", "invalid_client", said["client_id"], {"reason": said["reason"]})

    def assertion_rejected(self, sender: Flask, **said: Any) -> None:
        details = {"reason": said["reason"][:MAX_REASON], "kind": said["kind"]}
        self._refused("assertion_rejected", "invalid_grant", said["client_id"], details)

    def client_created(self, sender: Flask, **said: Any) -> None:
        self._write("client_created", "ok", said["client_id"], None, None)

    def client_changed(self, sender: Flask, **said: Any) -> None:
        self._write(
            "client_changed", "ok", said["client_id"], None, {"change": said["change"], "fields": said["fields"]}
        )

    def _issued(self, event: str, said: dict[str, Any]) -> None:
        details = {"grant_type": said["grant_type"], "scope": " ".join(said["scopes"]), "token_id": said["token_id"]}
        self._write(event, "ok", said["client_id"], said["subject"], details, soon=has_request_context())

    def _refused(self, event: str, error: str, client_id: str | None, details: dict[str, Any]) -> None:
        now = time.monotonic()
        client_id = _storable(client_id)
        # What a reason quotes and counts is the sender's choice, and would make every refusal another one.
        same = (event, error, client_id, re.split(r"[0-9'\"]", details["reason"], maxsplit=1)[0], _address())
        since, count = self._refusals.get(same, (0.0, 0))
        if count and now - since < REFUSAL_SECONDS:
            self._refusals[same] = (since, count + 1)
            return
        if len(self._refusals) >= MAX_REMEMBERED_REFUSALS:
            self._refusals.clear()
        self._refusals[same] = (now, 1)
        if count > 1:
            details = {**details, "repeated": count - 1}
        # Soon, not at once: where the database went away meanwhile, the refusal must still reach the caller.
        self._write(event, error, client_id, None, details, soon=has_request_context())

    def _write(
        self,
        event: str,
        outcome: str,
        client_id: str | None,
        subject: str | None,
        details: dict[str, Any] | None,
        *,
        soon: bool = False,
    ) -> None:
        entry = {
            "at": int(time.time()),
            "event": event,
            "outcome": outcome,
            "client_id": _storable(client_id),
            "subject": subject,
            "actor": None if has_request_context() else "command line or code",
            "address": _address(),
            "details": details,
        }
        if soon:
            self._store.add_soon(entry)
        else:
            self._store.add(entry)


def _address() -> str | None:
    """Where the request came from, as the app sees it (behind a proxy: with Werkzeug's ProxyFix)."""
    return (request.remote_addr or "")[:64] or None if has_request_context() else None


def _storable(client_id: str | None) -> str | None:
    """A `client_id` that anybody may have claimed, as it fits its column; PostgreSQL takes no NUL."""
    return client_id and client_id[:2048].replace("\0", "?")
