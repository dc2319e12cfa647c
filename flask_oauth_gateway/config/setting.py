"""How a setting is written down: a field with its default, its check and its meaning."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from .checks import Reader


def setting(default: Any, reader: Reader, doc: str) -> Any:
    """A field of `Settings`: its default, the function that checks and converts what a config holds, and its meaning."""
    metadata = {"reader": reader, "doc": doc}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
