"""`POST /oauth/register`: a program registers a client (RFC 7591). `GET, PUT, DELETE` of that: it manages it (RFC 7592)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..clients.members import ClientMetadataError
from ..clients.registration import Registration
from ..clients.strangers import OWN_MEMBERS
from ..config.registration import TOKEN
from ..errors import OAuth2Error, RequestTooLarge, clean
from ..features import SECRET_METHODS
from ..stores.registered_client import DEFAULTS, REGISTERED, Client
from ..web.answers import NO_STORE, json_response
from ..web.bearer import token_of
from ..web.place import path_for
from ..web.request import read_object

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

MAX_BODY = 65536
ALWAYS = ("redirect_uris", "grant_types", "response_types", "scope")  # what is answered even where it is empty


def register(server: AuthorizationServer) -> Response:
    """Answer with all that is registered, also by default. Every error is JSON: programs show it to their users as it is."""
    _count(server)
    registrations = server.registrations
    token = token_of(request) if server.settings.registration == TOKEN else None
    initial = registrations.initial_token(token)
    try:
        registration = registrations.register(_metadata(server), initial)
    except ClientMetadataError as error:
        raise _refusal(error) from error
    return json_response(201, _describe(server, registration))


def registration(server: AuthorizationServer, client_id: str) -> Response:
    """Show, replace or delete what the registration access token opens; every other token gets the same 401."""
    registrations, token = server.registrations, token_of(request)
    if request.method == "DELETE":
        registrations.delete(client_id, token)
        return Response(status=204, headers=NO_STORE)
    if request.method == "PUT":
        registrations.find(client_id, token)
        _count(server)
        try:
            return json_response(200, _describe(server, registrations.replace(client_id, token, _metadata(server))))
        except ClientMetadataError as error:
            raise _refusal(error) from error
    client = registrations.find(client_id, token)
    return json_response(200, _describe(server, _as_it_is(client, token)))


def _count(server: AuthorizationServer) -> None:
    server.rate_limiter.spend("register", f"address:{server.addresses.neighbourhood()}")


def _metadata(server: AuthorizationServer) -> dict[str, Any]:
    try:
        return read_object(min(MAX_BODY, server.settings.max_body), _wrong)
    except RequestTooLarge as error:
        raise OAuth2Error(error.description, status_code=413, error=ClientMetadataError("").error) from None


def _wrong(description: str) -> OAuth2Error:
    return _refusal(ClientMetadataError(description))


def _refusal(error: ClientMetadataError) -> OAuth2Error:
    return OAuth2Error(clean(error, 500), status_code=400, error=error.error)


def _as_it_is(client: Client, token: str | None) -> Registration:
    metadata = {name: getattr(client, name) for name in REGISTERED}
    return Registration(client_id=client.client_id, issued_at=client.created_at, metadata=metadata, token=token)


def _describe(server: AuthorizationServer, found: Registration) -> dict[str, Any]:
    """The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3), without members that have no value."""
    settings, metadata = server.settings, dict(found.metadata)
    metadata["scope"] = metadata.get("default_scope") or metadata["scope"]  # the part that it asked for
    usual: dict[str, Any] = {"application_type": "web"}
    if settings.oidc:
        usual |= {"subject_type": settings.subject_types[0], "id_token_signed_response_alg": settings.signing_algorithm}
    shown = {
        name: value
        for name in REGISTERED
        if name not in OWN_MEMBERS
        and (
            (value := metadata.get(name) or usual.get(name) or DEFAULTS[name]) not in (None, "", [], False)
            or name in ALWAYS
        )
    }
    answer: dict[str, Any] = {
        "client_id": found.client_id,
        "client_id_issued_at": found.issued_at,
        "registration_access_token": found.token,
        "registration_client_uri": server.issuer.url(path_for("oauth.registration", client_id=found.client_id)),
    }
    if metadata["token_endpoint_auth_method"] in SECRET_METHODS:
        if found.client_secret is not None:
            answer["client_secret"] = found.client_secret
        answer["client_secret_expires_at"] = 0  # it doesn't expire
    if found.statement is not None:
        answer["software_statement"] = found.statement
    return answer | shown
