"""The operations on tokens: list by client and user, revoke one or all. Only their holders know the tokens themselves."""

from __future__ import annotations

from typing import Any

from ..clients.registry import ClientNotFound
from ..descriptions.records import describe_token
from ..errors import InvalidRequestError, NotFound
from .operation import FLAG, PAGE, SECONDS, TEXT, Call, Operation, Schema

TOKEN: dict[str, Schema] = {
    "token_id": TEXT, "status": TEXT, "client_id": {"type": "string"}, "subject": {"type": ["string", "null"]},
    "scope": {"type": "string"}, "audience": {"type": "array", "items": {"type": "string"}}, "grant_type": {"type": "string"},
    "issued_at": SECONDS, "expires_at": SECONDS, "attributes": {"type": "object"},
    "cnf": {"type": ["object", "null"], "description": "What the token is bound to: `jkt` or `x5t#S256`."},
    "authorization_details": {"type": "array", "items": {"type": "object"}},
}  # fmt: skip
SUBJECT: Schema = {"type": "string", "minLength": 1, "maxLength": 255}


def find(call: Call) -> dict[str, Any]:
    try:
        page = call.server.token_registry.find(**call.query)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    return {"tokens": [describe_token(each) for each in page.tokens], "next": page.next}


def show(call: Call) -> dict[str, Any]:
    found = call.server.token_registry.get(token_id=call.path["token_id"])
    if found is None:
        raise NotFound("There is no such token here; it may have been purged after it expired. JWTs are not stored.")
    return describe_token(found)


def revoke(call: Call) -> dict[str, Any]:
    if all(value is None for value in call.body.values()):
        raise InvalidRequestError("Name a token_id, client_id, subject or issued_before.")
    client_id = call.body.get("client_id")
    if client_id is not None and call.server.client_registry.get(client_id) is None:
        raise ClientNotFound(client_id)  # a mistyped name must not look like a success
    try:
        return {"revoked": call.server.token_registry.revoke(**call.body)}
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error


OPERATIONS = (
    Operation(
        name="list_tokens", method="GET", path="/tokens", summary="List tokens, those that expire last first", run=find,
        query={"client_id": TEXT, "subject": SUBJECT, "live": {**FLAG, "default": True}, **PAGE},
        answer={"tokens": {"type": "array", "items": {"type": "object", "properties": TOKEN}},
                "next": {"type": ["string", "null"]}},
    ),
    Operation(
        name="show_token", method="GET", path="/tokens/<token_id>", summary="Show a token", run=show, answer=TOKEN,
        finds=True,
    ),
    Operation(
        name="revoke_tokens", method="POST", path="/tokens/revoke", summary="Revoke every token that fits all given members",
        run=revoke, finds=True,
        body={"token_id": {**TEXT, "description": "Of a stored token. The jti of a JWT, which isn't stored, ends nothing."},
              "client_id": TEXT, "subject": SUBJECT,
              "issued_before": {**SECONDS, "description": "Seconds since 1970. It ends what was issued before, and of an"
                                " approval that is older everything, also what was refreshed since."}},
        answer={"revoked": {**SECONDS, "description": "How many stored tokens and approvals ended. JWTs aren't counted:"
                            " without a token_id, those that fit and were issued until now are refused too."}},
    ),
)  # fmt: skip
