"""Defines a setting: a field with its default, its reader and its meaning."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from .checks import Reader


def setting(default: Any, reader: Reader, doc: str) -> Any:
    """A field of `Settings`, with its default, the function that checks and converts its value, and its meaning."""
    metadata = {"reader": reader, "doc": doc}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
