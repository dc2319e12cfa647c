"""The operations on sessions (`OAUTH_OIDC`): list by client and user, end one or all of a user."""

from __future__ import annotations

from typing import Any

from ..descriptions.records import describe_session
from ..errors import InvalidRequestError
from .operation import PAGE, SECONDS, TEXT, Call, Operation, Schema
from .tokens import SUBJECT

SESSION: dict[str, Schema] = {
    "sid": {**TEXT, "description": "As the client's ID tokens have it."}, "client_id": {"type": "string"},
    "subject": {"type": "string"}, "began_at": SECONDS, "expires_at": SECONDS,
}  # fmt: skip


def find(call: Call) -> dict[str, Any]:
    try:
        page = call.server.openid.sessions.find(**call.query)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    return {"sessions": [describe_session(each) for each in page.sessions], "next": page.next}


def end(call: Call) -> dict[str, Any]:
    if not call.body:
        raise InvalidRequestError("Name a subject or a sid.")
    return {"ended": call.server.openid.sessions.end(**call.body)}


OPERATIONS = (
    Operation(
        name="list_sessions", method="GET", path="/sessions", summary="List sessions, those that expire last first", run=find,
        query={"client_id": TEXT, "subject": SUBJECT, **PAGE},
        answer={"sessions": {"type": "array", "items": {"type": "object", "properties": SESSION}},
                "next": {"type": ["string", "null"]}},
    ),
    Operation(
        name="end_sessions", method="POST", path="/sessions/end", summary="End a user's sessions, or one by its sid", run=end,
        body={"subject": SUBJECT, "sid": {"type": "string", "minLength": 1, "maxLength": 200}},
        answer={"ended": {**SECONDS, "description": "How many sessions ended. With each end its tokens, save those that the user"
                          " allowed with offline_access; its client is told where it has a backchannel_logout_uri."}},
    ),
)  # fmt: skip
