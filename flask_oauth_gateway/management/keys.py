"""The operations on signing keys: list, make the next one, retire one."""

from __future__ import annotations

from typing import Any

from ..descriptions.records import describe_key, describe_keys
from ..errors import NotFound
from .operation import SECONDS, TEXT, Call, Operation, Schema

KEY: dict[str, Schema] = {
    "kid": TEXT, "algorithm": TEXT, "generation": SECONDS, "created_at": SECONDS, "active_from": SECONDS,
    "retired_at": {"type": ["integer", "null"]}, "public": {"type": "object"},
}  # fmt: skip
MOST_AHEAD = 30 * 86400


def find(call: Call) -> dict[str, Any]:
    return {"keys": describe_keys(call.server)}


def rotate(call: Call) -> dict[str, Any]:
    return describe_key(call.server.key_ring.rotate(**call.body))


def retire(call: Call) -> None:
    if not call.server.key_ring.retire(call.path["kid"]):
        raise NotFound("There is no such key, or it is retired already.")


OPERATIONS = (
    Operation(
        name="list_keys", method="GET", path="/keys", summary="List the signing keys, the oldest first", run=find,
        answer={"keys": {"type": "array", "items": {"type": "object", "properties": KEY}}},
    ),
    Operation(
        name="rotate_key", method="POST", path="/keys", summary="Make the next signing key", run=rotate, status=201,
        body={"publish_ahead": {"type": "integer", "minimum": 0, "maximum": MOST_AHEAD, "default": 3600}}, answer=KEY,
    ),
    Operation(
        name="retire_key", method="DELETE", path="/keys/<kid>", summary="Retire a key: its tokens are refused",
        run=retire, status=204, finds=True,
    ),
)  # fmt: skip
