"""An operation of the management API, and how it is served: the caller's token, the checks of the request, the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..clients.members import ClientMetadataError
from ..clients.registry import ClientNotFound
from ..config import ADMIN_SCOPE, APPS_SCOPE
from ..errors import InvalidRequestError, NotFound, OAuth2Error, clean
from ..protection.guard import current_token
from ..protection.require_token import require_token
from ..stores.applications import ApplicationNotFound
from ..web.answers import json_response
from ..web.environ import ACTOR
from ..web.request import read_object

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

MAX_PAGE = 1000
Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 2048}
FLAG: Schema = {"type": "boolean"}
SECONDS: Schema = {"type": "integer", "minimum": 0, "maximum": 2**53}
PAGE: Mapping[str, Schema] = {
    "after": {"type": "string", "maxLength": 200, "description": "The `next` of the page before."},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an operation: the path's parts, the query and the body, checked by their schemas."""

    server: AuthorizationServer
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    owner: str = ""  # the user whose token it is, where the operation is for users


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the table. `body`: the members that the request's JSON object may have; `answer`: those of the answer."""

    name: str
    method: str
    path: str
    summary: str
    run: Callable[[Call], Any]
    query: Mapping[str, Schema] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # those of the query that must be sent
    body: Mapping[str, Schema] | None = None
    answer: Mapping[str, Schema] | None = None
    status: int = 200
    finds: bool = False  # it finds something by its name: 404 where there is no such thing
    checks: bool = False  # it checks a registration: 422 where a value can't be used
    own: bool = False  # it is about the apps of the token's user, and asks for `APPS_SCOPE`
    guarded: bool = False  # it obeys `If-Match`, though it has no body
    versioned: bool = False  # its answer has an ETag, and it obeys `If-Match`


class Invalid(OAuth2Error):
    """The request is well-formed, but a value in it can't be used."""

    error = "invalid_client_metadata"
    status_code = 422


class Conflict(OAuth2Error):
    """There is already something with this name, or it is in use."""

    error = "conflict"
    status_code = 409


class PreconditionFailed(OAuth2Error):
    """Somebody has changed the client or application since the caller read it."""

    error = "precondition_failed"
    status_code = 412
    description = "It was changed since you read it: read it again."


class NoUser(OAuth2Error):
    """The token has the right scope, but no user stands behind it, or another server gave it."""

    error = "insufficient_scope"
    status_code = 403
    description = "Only a user's token opens this, one that this server gave: it is about that user's own apps."


class NotAllowed(OAuth2Error):
    """The token has the right scope, but isn't one that a client got for itself from this server."""

    error = "insufficient_scope"
    status_code = 403
    description = "Only a client's own token opens this, one that this server gave for client_credentials."


def serve(operation: Operation, server: AuthorizationServer) -> Callable[..., Response]:
    """The view that serves an operation."""

    @require_token(APPS_SCOPE if operation.own else ADMIN_SCOPE)
    @wraps(operation.run)
    def view(**path: str) -> Response:
        owner = _owner(server) if operation.own else ""
        if not operation.own and (current_token.issuer is not None or current_token.grant_type != "client_credentials"):
            raise NotAllowed
        if any("\0" in part for part in path.values()):
            raise NotFound("No name here holds a NUL character.")
        request.environ[ACTOR] = (owner or f"client {current_token.client_id}")[:255]
        query, body = _query(operation), _body(operation, server.settings.max_body)
        call = Call(server=server, path=path, query=query, body=body, owner=owner)
        try:
            answer = operation.run(call)
        except (ClientNotFound, ApplicationNotFound) as error:
            raise NotFound(clean(error)) from error
        except ClientMetadataError as error:
            taken = clean(error).endswith("already.")
            raise (Conflict(clean(error)) if taken else Invalid(clean(error, 500))) from error
        headers = [] if not operation.versioned else [("ETag", f'"{answer.pop("version")}"')]
        return Response(status=204) if answer is None else json_response(operation.status, answer, headers)

    return view


def _owner(server: AuthorizationServer) -> str:
    """The user whose token it is. Raises `NoUser`, also where they are gone: an app would outlive their token."""
    subject = current_token.subject
    if current_token.issuer is not None or subject is None:
        raise NoUser
    if server.users.are_known() and server.users.load(subject) is None:
        raise NoUser("The user whose token this is isn't here any more.")
    return str(subject)


def expected_version() -> int | None:
    """The version that `If-Match` names (RFC 9110 section 13.1.1); `None` where it isn't sent, or is "*"."""
    given = request.headers.get("If-Match")
    if given in (None, "*"):
        return None
    number = str(given).strip().strip('"')
    if not number.isdecimal() or len(number) > 18:
        raise PreconditionFailed
    return int(number)


def _query(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in request.args.items(multi=True):
        if name not in operation.query:
            raise InvalidRequestError(f"There is no parameter '{clean(name, 40)}' here.")
        if name in found:
            raise InvalidRequestError(f"The parameter '{name}' is repeated.")
        found[name] = _checked(name, _from_text(value, operation.query[name]), operation.query[name])
    for name in operation.needs:
        if name not in found:
            raise InvalidRequestError(f"The parameter '{name}' is missing.")
    return found


def _from_text(value: str, schema: Schema) -> Any:
    """A query's value, converted to its schema's type. A value that doesn't fit stays a text, which the check refuses."""
    if schema["type"] == "integer" and value.isdecimal() and value.isascii() and len(value) < 17:
        return int(value)
    if schema["type"] == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _body(operation: Operation, most: int) -> dict[str, Any]:
    if operation.body is None:
        return {}
    found = read_object(most, InvalidRequestError)
    for name, value in found.items():
        if name not in operation.body:
            raise InvalidRequestError(f"There is no member '{clean(name, 40)}' here.")
        _checked(name, value, operation.body[name])
    return found


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "boolean": (bool,), "array": (list,), "object": (dict,), "null": (type(None),),
}  # fmt: skip


def _checked(name: str, value: Any, schema: Schema) -> Any:
    """The value, if it has its schema's type and size. The registry checks the rest."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    fits = any(isinstance(value, _TYPES[each]) for each in types) and (
        "boolean" in types or not isinstance(value, bool)
    )
    if not fits:
        raise InvalidRequestError(f"'{name}' is not of type {' or '.join(types)}.")
    if value not in schema.get("enum", (value,)):
        raise InvalidRequestError(f"'{name}' is none of {', '.join(filter(None, schema['enum']))}.")
    if isinstance(value, str):
        if "\0" in value or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 2**20):
            raise InvalidRequestError(f"'{name}' is too short, too long, or holds a NUL.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidRequestError(f"'{name}' is no text.") from None
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            _checked(name, item, schema["items"])
    elif isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise InvalidRequestError(f"'{name}' is too small or too large.")
    return value
