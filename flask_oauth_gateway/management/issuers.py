"""The operation on trusted issuers: list them, with their keys and when their certificates expire."""

from __future__ import annotations

from typing import Any

from .operation import Call, Operation


def find(call: Call) -> dict[str, Any]:
    from ..descriptions.issuers import describe_issuers  # imported here, as it loads the cryptography

    return {"issuers": describe_issuers(call.server)}


OPERATIONS = (
    Operation(
        name="list_issuers", method="GET", path="/issuers", summary="List the trusted issuers; keys at a URL are fetched",
        run=find, answer={"issuers": {"type": "array", "items": {"type": "object"}}},
    ),
)  # fmt: skip
