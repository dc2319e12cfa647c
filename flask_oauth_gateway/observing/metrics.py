"""Counts for Prometheus (`OAUTH_METRICS`): how many, how long, how it ended. Uses prometheus-client's default registry.

No label holds a text that somebody sent: its value comes from a list, or is "other".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Flask
from prometheus_client import Counter, Histogram

from .. import signals
from .watch import CHECK, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUESTS = Counter("oauth_requests_total", "Requests to the gateway's endpoints.", ["endpoint", "status"])
REQUEST_SECONDS = Histogram("oauth_request_duration_seconds", "How long the endpoints took.", ["endpoint"])
ERRORS = Counter("oauth_errors_total", "Errors that the endpoints answered with.", ["endpoint", "error"])
TOKENS = Counter("oauth_tokens_issued_total", "Access tokens given.", ["grant_type"])
CHECKS = Counter("oauth_token_checks_total", "Tokens presented to protected views.", ["outcome"])
CHECK_SECONDS = Histogram(
    "oauth_token_check_duration_seconds",
    "How long a check of a token took.",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5),
)
EVENTS = Counter("oauth_events_total", "Other events.", ["event"])

KNOWN_ERRORS = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope", "invalid_target", "access_denied", "unsupported_response_type", "server_error",
        "temporarily_unavailable", "login_required", "consent_required", "interaction_required", "slow_down",
        "authorization_pending", "expired_token", "unauthorized", "invalid_token", "insufficient_scope",
        "insufficient_user_authentication", "shown_to_user", "unsupported_token_type", "invalid_client_metadata",
        "invalid_redirect_uri", "invalid_dpop_proof", "use_dpop_nonce", "not_found",
    }
)  # fmt: skip
EVENT_SIGNALS = {
    signals.token_revoked: "token_revoked",
    signals.refresh_token_reused: "refresh_token_reused",
    signals.authorization_granted: "authorization_granted",
    signals.authorization_denied: "authorization_denied",
    signals.client_rejected: "client_rejected",
    signals.logout_delivered: "logout_delivered",
    signals.logout_failed: "logout_failed",
    signals.assertion_rejected: "assertion_rejected",
    signals.client_created: "client_created",
    signals.client_changed: "client_changed",
    signals.application_created: "application_created",
    signals.application_changed: "application_changed",
}


class Metrics:
    """Counts what happens in one app. The app's server holds it, and so keeps it alive."""

    def __init__(self, app: Flask, grant_types: Iterable[str]) -> None:
        self._grant_types = frozenset({*grant_types, "direct"})
        self._receivers = [self._counter(event) for event in EVENT_SIGNALS.values()]
        for signal, receiver in zip(EVENT_SIGNALS, self._receivers, strict=True):
            signal.connect(receiver, sender=app)
        signals.token_issued.connect(self.token_given, sender=app)
        signals.token_refreshed.connect(self.token_given, sender=app)

    @staticmethod
    def _counter(event: str) -> Any:
        def count(sender: Flask, **payload: Any) -> None:
            EVENTS.labels(event).inc()

        return count

    def token_given(self, sender: Flask, **payload: Any) -> None:
        grant_type = payload["grant_type"]
        TOKENS.labels(grant_type if grant_type in self._grant_types else "other").inc()

    def begin(self, what: str) -> float:
        return time.perf_counter()

    def end(self, begun: float, what: str, outcome: Outcome) -> None:
        seconds = time.perf_counter() - begun
        error = outcome.error if outcome.error is None or outcome.error in KNOWN_ERRORS else "other"
        if what == CHECK:
            CHECKS.labels(error or ("anonymous" if outcome.client_id is None else "accepted")).inc()
            CHECK_SECONDS.observe(seconds)
            return
        REQUESTS.labels(what, str(outcome.status)).inc()
        REQUEST_SECONDS.labels(what).observe(seconds)
        if error is not None:
            ERRORS.labels(what, error).inc()
