"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that had better be otherwise: the key (or whatever has it), why, and what to do."""

    key: str
    why: str
    fix: str
