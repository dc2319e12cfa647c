"""`/oauth/developer/api/…`: a user's own apps for programs, with the user's token that has `oauth:apps` (`OAUTH_DEVELOPER`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..clients.developers.apps import OutOfDate
from ..clients.developers.rules import kind_of
from ..clients.kinds import KINDS
from ..descriptions.records import describe_client
from ..stores.registered_client import Client
from .clients import METADATA, OR_NULL, SHOWN_ONCE
from .operation import SECONDS, TEXT, Call, Operation, PreconditionFailed, Schema, expected_version

#: What an owner may write of an app. Which of it an app has depends on its kind.
_WRITTEN = (
    "client_name", "redirect_uris", "scope", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts",
    "post_logout_redirect_uris", "jwks", "jwks_uri",
)  # fmt: skip
_SHOWN = ("client_id", *_WRITTEN, "grant_types", "token_endpoint_auth_method", "created_at", "updated_at")
GIVEN: dict[str, Schema] = {name: METADATA[name] for name in _WRITTEN}
_SECRET: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "hint": {"type": "string"},
        "created_at": SECONDS,
        "expires_at": OR_NULL["seconds"],
        "last_used_at": OR_NULL["seconds"],
    },
}
APP: dict[str, Schema] = {
    "client_id": TEXT,
    "kind": {"type": "string", "enum": [*KINDS, "other"]},
    "state": {"type": "string", "enum": ["works", "waits", "rejected", "disabled"]},
    **GIVEN,
    "grant_types": METADATA["grant_types"],
    "token_endpoint_auth_method": METADATA["token_endpoint_auth_method"],
    "created_at": SECONDS,
    "updated_at": SECONDS,
    "secrets": {"type": "array", "items": _SECRET},
}


def find(call: Call) -> dict[str, Any]:
    return {"apps": [_described(each) for each in call.server.user_apps.of(call.owner)]}


def create(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.body.items() if value is not None}
    kind, expires_in = given.pop("kind", ""), given.pop("secret_expires_in", None)
    call.server.user_apps.check(kind, given)  # first, so that a mistake costs nothing of the limit
    _spend(call)
    return _new(call.server.user_apps.register(call.owner, kind, given, expires_in=expires_in))


def show(call: Call) -> dict[str, Any]:
    return _versioned(_existing(call))


def update(call: Call) -> dict[str, Any]:
    try:
        found = call.server.user_apps.update(call.owner, call.path["client_id"], call.body, version=expected_version())
    except OutOfDate:
        raise PreconditionFailed from None
    return _versioned(found)


def rotate(call: Call) -> dict[str, Any]:
    _existing(call)
    _spend(call)
    overlap, expires_in = call.body.get("overlap", 0), call.body.get("expires_in")
    return _new(call.server.user_apps.new_secret(call.owner, call.path["client_id"], overlap, expires_in=expires_in))


def end_secret(call: Call) -> None:
    number = call.path["secret"]
    known = int(number) if number.isdecimal() and len(number) < 18 else 0
    call.server.user_apps.end_secret(call.owner, call.path["client_id"], known)


def usage(call: Call) -> dict[str, Any]:
    return call.server.user_apps.usage(_existing(call))


def delete(call: Call) -> None:
    call.server.user_apps.delete(call.owner, call.path["client_id"])


def _existing(call: Call) -> Client:
    return call.server.user_apps.get(call.owner, call.path["client_id"])


def _spend(call: Call) -> None:
    call.server.rate_limiter.spend("register", f"user:{call.owner}")


def _described(client: Client) -> dict[str, Any]:
    found = describe_client(client)
    secrets = [{"id": each.id, **told} for each, told in zip(client.secrets, found["secrets"], strict=True)]
    return {
        "kind": kind_of(client), "state": client.state_for_owner, **{name: found[name] for name in _SHOWN}, "secrets": secrets,
    }  # fmt: skip


def _versioned(client: Client) -> dict[str, Any]:
    return {**_described(client), "version": client.version}


def _new(client: Client) -> dict[str, Any]:
    return {**_versioned(client), "client_secret": client.client_secret}


_ONE = "/apps/<client_id>"
_KIND: Schema = {"type": "string", "enum": list(KINDS)}
OPERATIONS = tuple(
    replace(each, own=True)
    for each in (
        Operation(
            name="list_own_apps", method="GET", path="/apps", summary="List your apps, the oldest first", run=find,
            answer={"apps": {"type": "array", "items": {"$ref": "#/components/schemas/App"}}},
        ),
        Operation(
            name="create_own_app", method="POST", path="/apps", summary="Register an app", run=create, status=201,
            body={"kind": _KIND, **GIVEN, "secret_expires_in": OR_NULL["seconds"]},
            answer={**APP, "client_secret": SHOWN_ONCE}, checks=True, versioned=True,
        ),
        Operation(
            name="show_own_app", method="GET", path=_ONE, summary="Show one of your apps", run=show, answer=APP, finds=True,
            versioned=True,
        ),
        Operation(
            name="update_own_app", method="PATCH", path=_ONE, summary="Change the given members; null sets the default",
            run=update, body=GIVEN, answer=APP, finds=True, checks=True, versioned=True,
        ),
        Operation(
            name="rotate_own_secret", method="POST", path=f"{_ONE}/secrets", summary="Give an app a new secret", run=rotate,
            body={"overlap": SECONDS, "expires_in": OR_NULL["seconds"]}, answer={**APP, "client_secret": SHOWN_ONCE},
            status=201, finds=True, checks=True, versioned=True,
        ),
        Operation(
            name="end_own_secret", method="DELETE", path=f"{_ONE}/secrets/<secret>", summary="End one secret at once",
            run=end_secret, status=204, finds=True, checks=True,
        ),
        Operation(
            name="own_app_usage", method="GET", path=f"{_ONE}/usage", summary="Count who uses an app, and its live tokens",
            run=usage, answer={"users": SECONDS, "tokens": SECONDS}, finds=True,
        ),
        Operation(
            name="delete_own_app", method="DELETE", path=_ONE, summary="Delete an app; its tokens are dead at once",
            run=delete, status=204, finds=True,
        ),
    )
)  # fmt: skip
