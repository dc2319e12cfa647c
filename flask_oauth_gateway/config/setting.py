"""Defines a setting: a field with its default, its reader and its meaning."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from .checks import Reader, secret_text


def setting(default: Any, reader: Reader, doc: str) -> Any:
    """A field of `Settings`: its default, the function that checks and converts its value, and its meaning.

    A secret is in no `repr`.
    """
    metadata = {"reader": reader, "doc": doc}
    shown = reader is not secret_text
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata, repr=shown)
    return field(default=default, metadata=metadata, repr=shown)
