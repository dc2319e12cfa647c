"""Settings of monitoring: metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class ObservingSettings:
    __slots__ = ()

    metrics: bool | str = setting(
        False,
        check.boolean_or_scope,
        "Count for Prometheus, in the default registry of prometheus-client (extra `metrics`). A scope's name also turns on"
        " `/oauth/metrics`, for tokens with that scope.",
    )
    traces: bool = setting(
        False,
        check.boolean,
        "Make OpenTelemetry spans of the endpoints' work and the checks of tokens (extra `traces`).",
    )

    @property
    def metrics_scope(self) -> str | None:
        """The scope whose tokens read `/oauth/metrics`; `None` where nobody does."""
        return self.metrics if isinstance(self.metrics, str) else None
