"""A finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that should be changed: the setting or the thing that is weak, why it is weak, and what to do."""

    key: str
    why: str
    fix: str
