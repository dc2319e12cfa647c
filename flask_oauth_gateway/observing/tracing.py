"""Makes spans for OpenTelemetry (`OAUTH_TRACES`): one for each endpoint's work, one for each check of a token.

Without an SDK that the app sets up, the spans go nowhere. No attribute holds a secret, a token or a user's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from opentelemetry import context, trace

from .. import signals
from .watch import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tracing:
    """Makes one app's spans. The app's server holds it, and so keeps it alive."""

    def __init__(self, app: Flask, grant_types: Iterable[str]) -> None:
        self._tracer = trace.get_tracer("flask_oauth_gateway")
        signals.token_issued.connect(self.token_given, sender=app)
        signals.token_refreshed.connect(self.token_given, sender=app)

    def token_given(self, sender: Flask, **payload: Any) -> None:
        span = trace.get_current_span()
        span.set_attribute("oauth.grant_type", payload["grant_type"])
        span.set_attribute("oauth.token_id", payload["token_id"])

    def begin(self, what: str) -> tuple[trace.Span, Any]:
        span = self._tracer.start_span(f"oauth {what}")
        return span, context.attach(trace.set_span_in_context(span))

    def end(self, begun: tuple[trace.Span, Any], what: str, outcome: Outcome) -> None:
        span, outer = begun
        span.set_attribute("oauth.status", outcome.status)
        if outcome.error is not None:
            span.set_attribute("oauth.error", outcome.error)
        if outcome.client_id is not None:
            span.set_attribute("oauth.client_id", outcome.client_id)
        if outcome.status >= 500:
            span.set_status(trace.StatusCode.ERROR, outcome.error)
        context.detach(outer)
        span.end()
