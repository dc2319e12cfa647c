"""`GET /oauth/metrics`: the process's metrics for Prometheus. The caller's token needs the scope that `OAUTH_METRICS` names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Response, request
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from ..protection.require_token import requirement
from ..web.answers import NO_STORE

if TYPE_CHECKING:
    from ..resource_server import Server


def metrics(server: Server) -> Response:
    """Answer with the default registry, including the app's own metrics; for all processes where they share a folder."""
    refusal = server.guard.admit(requirement(str(server.settings.metrics_scope)))
    if refusal is not None:
        return refusal
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), headers=list(NO_STORE), content_type=content_type)
