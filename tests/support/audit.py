"""An entry of the audit trail, which two processes of a test write."""

from typing import Any


def entry(number: int) -> dict[str, Any]:
    details = {"n": number, "ü": [1.5, None, True, "\u2028 \\ é "], "a": {"z": 1, "b": -1}}
    return {"at": number, "event": f"event {number}", "outcome": "ok", "subject": "Ünï ", "details": details}
