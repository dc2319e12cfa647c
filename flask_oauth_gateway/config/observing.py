"""Settings of monitoring: metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .checks import SCOPE_NAME, ConfigurationError, boolean
from .setting import setting


def read_boolean_or_scope(key: str, value: Any) -> bool | str:
    if isinstance(value, str) and SCOPE_NAME.fullmatch(value):
        return value
    if not isinstance(value, bool):
        raise ConfigurationError(key, value, "True, False or the name of a scope")
    return value


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ObservingSettings:
    """A group of `Settings`."""

    __slots__ = ()

    metrics: bool | str = setting(
        False,
        read_boolean_or_scope,
        "Whether the gateway counts for Prometheus, in the default registry of prometheus-client (extra"
        " `metrics`). A scope's name also turns on `/oauth/metrics`, for tokens with that scope.",
    )
    traces: bool = setting(
        False,
        boolean,
        "Whether the gateway makes OpenTelemetry spans of the endpoints' work and of the checks of tokens (extra"
        " `traces`).",
    )

    @property
    def metrics_scope(self) -> str | None:
        """The scope that a token needs for `/oauth/metrics`; `None` where that endpoint is off."""
        return self.metrics if isinstance(self.metrics, str) else None
