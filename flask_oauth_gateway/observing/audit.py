"""The audit trail: subscribes to the signals and writes down who did what, when, from where, and how it ended.

Anybody can send requests that are refused, so a flood of refusals must not fill the database. The same refusal of the
same client from the same address is written once a minute, with the number of repeats since. Of different refusals (a
new client_id each time), only a limited number is written.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, has_request_context

from .. import signals
from ..web.environ import actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..stores.audit.entries import AuditStore
    from ..web.addresses import Addresses

#: Every event that the trail may hold.
EVENTS = (
    "token_issued", "token_refreshed", "token_revoked", "token_rejected", "refresh_token_reused", "client_rejected",
    "request_refused", "assertion_rejected", "certificate_ignored", "authorization_granted", "authorization_denied",
    "client_created", "client_registered", "client_changed", "application_created", "application_changed",
    "registration_token_changed", "session_ended", "logout_delivered", "logout_failed", "key_changed", "audit_exported",
    "audit_trimmed", "audit_broken",
)  # fmt: skip
REFUSAL_SECONDS = 60
MAX_REMEMBERED_REFUSALS = 10_000
DIFFERENT_FROM_AN_ADDRESS, DIFFERENT_IN_ALL = 20, 1000  # of one event, entries a minute; the rest share one entry
MAX_REASON = 500


class Audit:
    """Writes one app's audit trail. The app's server holds it, and so keeps it alive."""

    def __init__(self, app: Flask, store: AuditStore, addresses: Addresses) -> None:
        self._store = store
        self._addresses = addresses
        self._refusals: dict[tuple[Any, ...], tuple[float, int]] = {}
        self._different: dict[tuple[Any, ...], tuple[float, int]] = {}
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
            (signals.certificate_ignored, self.certificate_ignored),
            (signals.client_created, self.client_created),
            (signals.client_registered, self.client_registered),
            (signals.client_changed, self.client_changed),
            (signals.application_created, self.application_created),
            (signals.application_changed, self.application_changed),
            (signals.logout_delivered, self.logout_delivered),
            (signals.logout_failed, self.logout_failed),
            (signals.key_changed, self.key_changed),
            (signals.session_ended, self.session_ended),
        ):
            signal.connect(receiver, sender=app)

    def token_issued(self, sender: Flask, **payload: Any) -> None:
        self._issued("token_issued", payload)

    def token_refreshed(self, sender: Flask, **payload: Any) -> None:
        self._issued("token_refreshed", payload)

    def refresh_token_reused(self, sender: Flask, **payload: Any) -> None:
        details = {"families_revoked": payload["count"]}
        self._write("refresh_token_reused", "invalid_grant", payload["client_id"], payload["subject"], details)

    def authorization_granted(self, sender: Flask, **payload: Any) -> None:
        details = {"scope": " ".join(payload["scopes"]), "asked": payload["asked"]}
        if payload.get("detail_types"):
            details["detail_types"] = [*payload["detail_types"]]
        self._write("authorization_granted", "ok", payload["client_id"], payload["subject"], details)

    def authorization_denied(self, sender: Flask, **payload: Any) -> None:
        outcome = "access_denied" if payload["reason"] == "denied" else "ok"  # withdrawing an approval is no refusal
        self._write(
            "authorization_denied", outcome, payload["client_id"], payload["subject"], {"reason": payload["reason"]}
        )

    def token_revoked(self, sender: Flask, **payload: Any) -> None:
        details = {"token_id": payload["token_id"], "count": payload["count"], "by": payload["by"]}
        details |= {name: payload[name] for name in ("reason", "found_at") if payload[name] is not None}
        self._write("token_revoked", "ok", payload["client_id"], payload["subject"], details)

    def token_rejected(self, sender: Flask, **payload: Any) -> None:
        self._refused(
            "token_rejected",
            payload["error"],
            payload["client_id"],
            {"reason": payload["reason"], "path": payload["path"]},
        )

    def client_rejected(self, sender: Flask, **payload: Any) -> None:
        self._refused("client_rejected", "invalid_client", payload["client_id"], {"reason": payload["reason"]})

    def assertion_rejected(self, sender: Flask, **payload: Any) -> None:
        details = {"reason": payload["reason"][:MAX_REASON], "kind": payload["kind"]}
        self._refused("assertion_rejected", "invalid_grant", payload["client_id"], details)

    def certificate_ignored(self, sender: Flask, **payload: Any) -> None:
        reason = "the connection is from none of OAUTH_MTLS_PEERS"
        details = {"reason": reason, "connection": payload["address"] or "unix", "header": payload["header"]}
        self._refused("certificate_ignored", "ignored", None, details)

    def client_created(self, sender: Flask, **payload: Any) -> None:
        self._write("client_created", "ok", payload["client_id"], None, None, at_once=True)

    def client_registered(self, sender: Flask, **payload: Any) -> None:
        details = {"by": payload["by"], "owner": payload["owner"]}
        self._write("client_registered", "ok", payload["client_id"], None, details)

    def client_changed(self, sender: Flask, **payload: Any) -> None:
        details = {"change": payload["change"], "fields": payload["fields"]}
        if payload.get("enabled") is not None:
            details["enabled"] = payload["enabled"]
        self._write("client_changed", "ok", payload["client_id"], None, details, at_once=True)

    def application_created(self, sender: Flask, **payload: Any) -> None:
        details = {"application_id": payload["application_id"]}
        self._write("application_created", "ok", None, None, details, at_once=True)

    def application_changed(self, sender: Flask, **payload: Any) -> None:
        details = {name: payload[name] for name in ("application_id", "change", "fields")}
        self._write("application_changed", "ok", None, None, details, at_once=True)

    def logout_delivered(self, sender: Flask, **payload: Any) -> None:
        self._delivery("logout_delivered", "ok", payload, {"tries": payload["tries"]})

    def logout_failed(self, sender: Flask, **payload: Any) -> None:
        if payload["given_up"]:  # each try would be an entry, for as long as a client is down
            details = {"tries": payload["tries"], "reason": payload["reason"][:MAX_REASON]}
            self._delivery("logout_failed", "given_up", payload, details)

    def _delivery(self, event: str, outcome: str, payload: dict[str, Any], details: dict[str, Any]) -> None:
        """Write what became of a logout, of which a process tells many clients at a time, on nobody's behalf."""
        self._write(event, outcome, payload["client_id"], payload["subject"], details, by_itself=True)

    def key_changed(self, sender: Flask, **payload: Any) -> None:
        self._write("key_changed", "ok", None, None, {"change": payload["change"], "kid": payload["kid"]})

    def session_ended(self, sender: Flask, **payload: Any) -> None:
        details = {"sid": payload["sid"], "by": payload["by"]}
        self._write("session_ended", "ok", payload["client_id"], payload["subject"], details)

    def exported(self, kind: str, filters: Mapping[str, Any]) -> None:
        """Write that an administrator exported the trail as a file."""
        asked = {name: value for name, value in filters.items() if value is not None}
        self._write("audit_exported", "ok", None, None, {"format": kind, "filters": asked}, at_once=True)

    def request_refused(self, client_id: str, error: str, reason: str, got: str) -> None:
        """Write that a request about a user's own app was refused, so that its owner learns what went wrong with it.

        `got`: the redirect URI that was sent, where that is what was wrong.
        """
        details = {"reason": reason[:MAX_REASON]} | ({"got": got[:MAX_REASON]} if got else {})
        self._refused("request_refused", error, client_id, details)

    def registration_token_changed(self, change: str, number: int, hint: str | None = None) -> None:
        """Write that an initial access token was made or revoked, with its last characters (`change`: "create", "revoke")."""
        details = {"change": change, "id": number, "hint": hint}
        self._write("registration_token_changed", "ok", None, None, details, at_once=True)

    def _issued(self, event: str, payload: dict[str, Any]) -> None:
        details = {
            "grant_type": payload["grant_type"],
            "scope": " ".join(payload["scopes"]),
            "token_id": payload["token_id"],
        }
        self._write(event, "ok", payload["client_id"], payload["subject"], details)

    def _refused(self, event: str, error: str, client_id: str | None, details: dict[str, Any]) -> None:
        now = time.monotonic()
        client_id, address = _storable(client_id), self._neighbourhood()
        # The sender chooses what a reason quotes and counts, which would make every refusal a different one.
        same = (event, error, client_id, re.split(r"[0-9'\"]", details["reason"], maxsplit=1)[0], address)
        since, count = self._refusals.get(same, (0.0, 0))
        if not count or now - since >= REFUSAL_SECONDS:
            for whence, most in ((address, DIFFERENT_FROM_AN_ADDRESS), (None, DIFFERENT_IN_ALL)):
                if self._is_one_more_than((event, error, whence), most, now):
                    same, client_id = (event, error, None, "", whence), None
                    details = {"reason": "more different ones than are written one by one"}
                    break  # a flood from one address leaves room for the others
            since, count = self._refusals.get(same, (0.0, 0))
        if count and now - since < REFUSAL_SECONDS:
            self._refusals[same] = (since, count + 1)
            return
        if len(self._refusals) >= MAX_REMEMBERED_REFUSALS:
            self._refusals.clear()
        self._refusals[same] = (now, 1)
        if count > 1:
            details = {**details, "repeated": count - 1}
        self._write(event, error, client_id, None, details)

    def _neighbourhood(self) -> str | None:
        return self._addresses.neighbourhood() if has_request_context() else None

    def _is_one_more_than(self, kind: tuple[Any, ...], most: int, now: float) -> bool:
        """Count a refusal of a kind; True where there were already `most` different ones within the last minute."""
        since, count = self._different.get(kind, (now, 0))
        if now - since >= REFUSAL_SECONDS:
            since, count = now, 0
        if len(self._different) >= MAX_REMEMBERED_REFUSALS:
            self._different.clear()
        self._different[kind] = (since, count + 1)
        return count >= most

    def _write(
        self,
        event: str,
        outcome: str,
        client_id: str | None,
        subject: str | None,
        details: dict[str, Any] | None,
        *,
        at_once: bool = False,
        by_itself: bool = False,
    ) -> None:
        """Write an entry: `at_once` for changes of the registry, which are rare, and otherwise soon after the request.

        So no request waits for the head of the chain, and its answer reaches the caller even where the database is
        away. `by_itself`: nobody acts, and no request is answered.
        """
        entry = {
            "at": int(time.time()),
            "event": event,
            "outcome": outcome,
            "client_id": _storable(client_id),
            "subject": subject,
            "actor": None if by_itself else actor(),
            "address": self._addresses.of_request()[:64] or None if has_request_context() else None,
            "details": details,
        }
        if at_once or not (has_request_context() or by_itself):
            self._store.add(entry)
        else:
            self._store.add_soon(entry)


def _storable(client_id: str | None) -> str | None:
    """A `client_id`, which anybody may have claimed, made to fit its column; PostgreSQL takes no null characters."""
    return client_id and client_id[:2048].replace("\0", "?")
