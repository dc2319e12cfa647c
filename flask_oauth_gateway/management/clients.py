"""The operations on clients: list, search, register, change, give a new secret, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..clients.members import ClientChanged
from ..clients.members.hardening import REQUEST_ALGORITHMS
from ..clients.registry import ClientNotFound
from ..config.keys import SIGNING_ALGORITHMS
from ..descriptions.records import describe_client
from ..errors import InvalidRequestError
from ..stores.registered_client import ORIGINS, REGISTERED, Client
from .operation import FLAG, PAGE, SECONDS, TEXT, Call, Operation, PreconditionFailed, Schema, expected_version

OR_NULL: dict[str, Schema] = {
    "text": {"type": ["string", "null"], "maxLength": 2048},
    "long text": {"type": ["string", "null"], "maxLength": 32768},
    "texts": {"type": ["array", "null"], "items": {"type": "string"}},
    "object": {"type": ["object", "null"]},
    "seconds": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53},
    "flag": {"type": ["boolean", "null"]},
}
_KINDS = {
    "grant_types": "texts", "redirect_uris": "texts", "contacts": "texts", "jwks": "object", "attributes": "object",
    "access_token_lifetime": "seconds", "refresh_token_lifetime": "seconds", "skip_consent": "flag", "resource_server": "flag",
    "certificate": "long text", "scope": "long text", "default_scope": "long text", "response_types": "texts",
    "post_logout_redirect_uris": "texts", "backchannel_logout_session_required": "flag",
    "default_max_age": "seconds", "require_auth_time": "flag", "default_acr_values": "texts", "require_pkce": "flag",
    "require_pushed_authorization_requests": "flag", "pushed_redirect_uris": "flag", "require_signed_request_object": "flag",
    "request_uris": "texts", "authorization_details_types": "texts", "dpop_bound_access_tokens": "flag",
    "tls_client_certificate_bound_access_tokens": "flag",
}  # fmt: skip
_ONE_OF = {
    "request_object_signing_alg": REQUEST_ALGORITHMS, "authorization_signed_response_alg": SIGNING_ALGORITHMS,
}  # fmt: skip
METADATA: dict[str, Schema] = {
    name: {**OR_NULL[_KINDS.get(name, "text")], **({"enum": [*_ONE_OF[name], None]} if name in _ONE_OF else {})}
    for name in REGISTERED
}
OWNER: Schema = {"type": ["string", "null"], "maxLength": 255}
ORIGIN: Schema = {"type": ["string", "null"], "description": "'registration', 'document', or null: registered by hand."}
VERIFIED: Schema = {**FLAG, "description": "The mark that users see: it is known here who makes it."}
SECRET: Schema = {
    "type": "object",
    "properties": {
        "hint": {"type": "string"},
        "created_at": SECONDS,
        "expires_at": OR_NULL["seconds"],
        "last_used_at": OR_NULL["seconds"],
    },
}
CLIENT: dict[str, Schema] = {
    "client_id": TEXT, "enabled": FLAG, "switched_on": FLAG, "verified": VERIFIED, "application": OR_NULL["text"],
    "owner": OWNER, "origin": ORIGIN, "used_at": {**OR_NULL["seconds"], "description": "Of one with an origin: about when."},
    "created_at": SECONDS, "updated_at": SECONDS, **METADATA,
    "secrets": {"type": "array", "items": SECRET},
}  # fmt: skip
SHOWN_ONCE: Schema = {"type": ["string", "null"], "description": "Only this answer shows it."}


def find(call: Call) -> dict[str, Any]:
    try:
        page = call.server.client_registry.find(**call.query)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    return {"clients": [describe_client(each) for each in page.clients], "next": page.next}


def create(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.body.items() if value is not None}
    return _new(call.server.client_registry.create(**given))


def show(call: Call) -> dict[str, Any]:
    return _versioned(_existing(call))


def update(call: Call) -> dict[str, Any]:
    with _unchanged():
        return _versioned(call.server.client_registry.update(_named(call), version=expected_version(), **call.body))


def delete(call: Call) -> None:
    with _unchanged():
        call.server.client_registry.delete(_named(call), version=expected_version())


def impact(call: Call) -> dict[str, Any]:
    """How many tokens and approvals end where a client is deleted."""
    counts = call.server.tokens.live_counts(_existing(call).key)
    return {"tokens": counts["tokens"], "approvals": counts["approvals"]}


def rotate(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.body.items() if value is not None}
    return _new(call.server.client_registry.rotate_secret(_named(call), **given))


def _named(call: Call) -> str:
    """The client that is meant. A path reaches only those whose names no browser, proxy or router changes on the way."""
    return call.path.get("client_id") or str(call.query["client_id"])


def _existing(call: Call) -> Client:
    client = call.server.client_registry.get(_named(call))
    if client is None:
        raise ClientNotFound(_named(call))
    return client


@contextmanager
def _unchanged() -> Iterator[None]:
    """Raises `PreconditionFailed` where somebody has changed the client since the caller read it (`If-Match`)."""
    try:
        yield
    except ClientChanged as error:
        raise PreconditionFailed from error


def _versioned(client: Client) -> dict[str, Any]:
    return {**describe_client(client), "version": client.version}


def _new(client: Client) -> dict[str, Any]:
    return {**_versioned(client), "client_secret": client.client_secret}


_ONE = "/client"
_ALL = (
    Operation(
        name="list_clients", method="GET", path="/clients", summary="Search the clients, the oldest first", run=find,
        query={"text": {**TEXT, "description": "The beginning of the client_id, or a part of the name."}, "owner": TEXT,
               "application": TEXT, "origin": {**TEXT, "enum": list(ORIGINS)}, **PAGE},
        answer={"clients": {"type": "array", "items": {"$ref": "#/components/schemas/Client"}}, "next": OR_NULL["text"]},
    ),
    Operation(
        name="create_client", method="POST", path="/clients", summary="Register a client", run=create, status=201,
        body={**METADATA, "client_id": OR_NULL["text"], "client_secret": OR_NULL["text"],
              "secret_expires_in": OR_NULL["seconds"], "owner": OWNER, "application": OR_NULL["text"]},
        answer={**CLIENT, "client_secret": SHOWN_ONCE}, checks=True, versioned=True,
    ),
)  # fmt: skip
_OF_ONE = (
    Operation(
        name="client_impact", method="GET", path=f"{_ONE}/impact", summary="Count what deleting a client would end", run=impact,
        answer={"tokens": SECONDS, "approvals": SECONDS}, finds=True,
    ),
    Operation(
        name="rotate_secret", method="POST", path=f"{_ONE}/secrets", summary="Give a client a new secret", run=rotate,
        body={"overlap": SECONDS, "expires_in": OR_NULL["seconds"], "client_secret": OR_NULL["text"]},
        answer={**CLIENT, "client_secret": SHOWN_ONCE}, status=201, finds=True, checks=True, versioned=True,
    ),
    Operation(
        name="show_client", method="GET", path=_ONE, summary="Show a client", run=show, answer=CLIENT, finds=True,
        versioned=True,
    ),
    Operation(
        name="update_client", method="PATCH", path=_ONE, summary="Change the given members; null sets the default", run=update,
        body={**METADATA, "enabled": FLAG, "verified": VERIFIED, "owner": OWNER, "application": OR_NULL["text"]}, answer=CLIENT,
        finds=True, checks=True, versioned=True,
    ),
    Operation(
        name="delete_client", method="DELETE", path=_ONE, summary="Delete a client; its tokens are dead at once", run=delete,
        status=204, finds=True,
    ),
)  # fmt: skip
_CLIENT_ID = {"client_id": {**TEXT, "description": "Any client's, also one that holds slashes or dots."}}
OPERATIONS = (
    *_ALL,
    *(replace(each, query=_CLIENT_ID, needs=("client_id",)) for each in _OF_ONE),
    *(
        replace(
            each, name=f"{each.name}_by_path", path=each.path.replace(_ONE, "/clients/<client_id>"),
            summary=f"{each.summary}; the client_id is one without a slash",
        )
        for each in _OF_ONE
    ),
)  # fmt: skip
