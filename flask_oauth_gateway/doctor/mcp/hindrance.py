"""What a client would trip over, or an operator should know."""

from __future__ import annotations

from dataclasses import dataclass

EVERY_CLIENT = "every client"
SDKS = "clients by the MCP SDKs"
BROWSERS = "clients in browsers, as the MCP inspector"
CLAUDE = "Claude"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Where on the way it is, why it is one, which clients it concerns, and what to do. `is_note`: nobody trips over it today."""

    key: str
    why: str
    clients: str
    fix: str
    is_note: bool = False
