"""`POST /oauth/par`: a client hands over its authorization request before it sends the browser (RFC 9126)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from ..authentication import CREDENTIALS
from ..authorization.parameters import OURS, Visit, read_authorization, resolve
from ..authorization.request import AuthorizationError, PageError
from ..clients.members import ClientMetadataError, check_redirect_uri
from ..clients.redirect_uris import is_registered
from ..errors import InvalidRequestError, OAuth2Error, clean
from ..stores.issuance import AlreadyAnswered
from ..web.answers import json_response
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization.one_time import OneTime
    from ..authorization.parameters import Resolved
    from ..authorization.request import Authorization
    from ..authorization_server import AuthorizationServer
    from ..stores.pushed_requests import PushedRequest
    from ..stores.registered_client import Client

#: What of a body is no part of the request that it pushes.
_NO_PART = CREDENTIALS | OURS | {"client_id"}


def par(server: AuthorizationServer) -> Response:
    """Authenticate the client, check its whole request, and keep it; the browser brings the `request_uri` (section 2.2)."""
    form = read_request(server.settings)
    client = server.steps.authenticate(form)
    if client.is_public:  # anybody can push this, and it is stored
        server.rate_limiter.spend("pushed", f"address:{server.addresses.neighbourhood()}")
    if "request_uri" in form.form:  # section 2.1
        raise InvalidRequestError("The parameter 'request_uri' does not belong into a request that is pushed.")
    if form.form.get("client_id") not in (None, client.client_id):
        raise InvalidRequestError("The 'client_id' in the body is not the one that authenticated.")
    sent = [(name, value) for name, values in form.payload.datalist.items() for value in values]
    pairs = [("client_id", client.client_id), *(each for each in sent if each[0] not in _NO_PART)]
    resolved = _resolved(server, pairs)
    authorization = _checked(server, client, resolved)
    if resolved.pushed is not None:
        _use_up(resolved.pushed)
    pushed = server.pushed_requests.push(authorization, resolved.pairs, is_signed=resolved.is_signed)
    return json_response(201, {"request_uri": pushed, "expires_in": server.settings.par_lifetime})


def _resolved(server: AuthorizationServer, pairs: list[tuple[str, str]]) -> Resolved:
    """The request that is pushed, with the key of the proof that came with it (RFC 9449 section 10.1)."""
    try:
        resolved = resolve(Visit(pairs, None), server.request_sources, server.directory or server.clients)
    except PageError as error:
        raise AuthorizationError(error.error, error.detail or error.description) from None
    proved = {} if server.binding is None else server.binding.offered(request)
    confirmation = {name: value for name, value in proved.items() if name == "jkt"}  # no code is bound to a certificate
    return resolved._replace(is_pushed=True, confirmation=confirmation)


def _use_up(signed: PushedRequest | OneTime) -> None:
    """Use up a signed request that is good once: from here on it is the pushed one that counts (RFC 9126 section 3)."""
    try:
        signed.use()
    except AlreadyAnswered:
        raise AuthorizationError("invalid_request_object", "The signed request was used before.") from None


def _checked(server: AuthorizationServer, client: Client, resolved: Resolved) -> Authorization:
    """The request, if it passes every check of the authorize endpoint. Raises the `OAuth2Error` that the client gets.

    What would be refused is looked at anew with the client as it is stored now: it may have been changed since it was read.
    """
    try:
        return _check(server, client, resolved)
    except OAuth2Error:
        now = server.clients.load(client.client_id)
        if now is None or now.key != client.key or now.is_as(client):
            raise
    return _check(server, now, resolved)


def _check(server: AuthorizationServer, client: Client, resolved: Resolved) -> Authorization:
    try:
        authorization, parameters = read_authorization(
            client, resolved, server.issuer.identifier(), server.settings.jarm
        )
        if not is_registered(authorization.redirect_uri, client):
            check_redirect_uri(authorization.redirect_uri, server.settings.redirect_schemes)
    except PageError as error:
        raise AuthorizationError(error.error, error.detail or error.description) from None
    except ClientMetadataError as error:
        raise InvalidRequestError(clean(error)) from None
    return server.authorization_checks.check(authorization, parameters)
