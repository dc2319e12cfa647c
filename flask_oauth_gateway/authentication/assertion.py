"""Clients that prove who they are by an assertion instead of a secret (RFC 7521 section 4.2). Each is good once.

What reads JWT and SAML is imported where such an assertion comes: most apps never load it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import request as http_request

from ..assertions.assertion import CLIENT_TYP, Assertion, AssertionRefused, check_jwt, token_endpoint
from ..errors import InvalidClient
from ..stores.clients import Client
from ..web.addresses import client_here
from ..web.issuer import absolute_url, issuer_of

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..crypto.jose import Jwt
    from ..web.request import OAuthRequest

JWT_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SAML_TYPE = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
MAX_LIFETIME = 300
MAX_ASSERTION = 65536


def method_of(form: Mapping[str, str]) -> str:
    """The authentication method that a client assertion is; a name that is never on for one that isn't known."""
    kind, assertion = form.get("client_assertion_type"), form.get("client_assertion", "")
    if kind == SAML_TYPE:
        return "saml2_bearer"
    if kind != JWT_TYPE or len(assertion) > MAX_ASSERTION:
        return "unknown client_assertion"
    algorithm = _read(assertion).header.get("alg")
    return "client_secret_jwt" if isinstance(algorithm, str) and algorithm.startswith("HS") else "private_key_jwt"


def by_jwt(state: State, request: OAuthRequest, method: str) -> Client:
    """The client that signed a JWT about itself. Raises `InvalidClient`."""
    from ..crypto.jose import JwtError

    unverified = _read(request.form["client_assertion"])
    issuer = unverified.claims.get("iss")
    if not isinstance(issuer, str) or issuer != unverified.claims.get("sub"):
        raise InvalidClient("client assertion: its iss and sub are not both the client_id")
    client = _named(state, request.form, issuer, method)
    try:
        try:
            jwt = _verified(state, client, method, unverified)
        except JwtError:
            state.clients.forget(issuer)  # another process may have given it a new key
            client = _named(state, request.form, issuer, method)
            jwt = _verified(state, client, method, unverified)
        checked = check_jwt(
            jwt,
            typ=CLIENT_TYP,
            audience=frozenset((*_audiences(state), absolute_url(state, http_request.script_root + http_request.path))),
            skew=state.settings.clock_skew,
            max_lifetime=MAX_LIFETIME,
            needs_jti=True,
        )
    except (AssertionRefused, JwtError) as error:
        raise InvalidClient(f"client assertion: {error}", issuer) from None
    _spend(state, request, checked, issuer)
    return client


def by_saml(state: State, request: OAuthRequest) -> Client:
    """The client that signed with its own certificate, or that the issuer's entry names as its `client_id`."""
    from ..assertions.saml_issuers import verify_saml

    form = request.form
    try:
        audience = frozenset(_audiences(state))
        checked, trusted = verify_saml(state, form.get("client_assertion", ""), audience, audience)
    except AssertionRefused as error:
        raise InvalidClient(f"client assertion: {error}", form.get("client_id")) from None
    # An issuer of users' assertions is none of clients': a user may be called what a client is called.
    if checked.subject is None or trusted.client_id != checked.subject:
        raise InvalidClient("client assertion: its subject is not the client", form.get("client_id"))
    client = _named(state, form, checked.subject, "saml2_bearer")
    _spend(state, request, checked, client.client_id)
    return client


def _read(assertion: str) -> Jwt:
    from ..crypto.jose import JwtError, read

    try:
        return read(assertion)
    except JwtError as error:
        raise InvalidClient(f"client assertion: {error}") from None


def _named(state: State, form: Mapping[str, str], client_id: str, method: str) -> Client:
    if form.get("client_id") not in (None, client_id):
        raise InvalidClient("client assertion: the client_id beside it is another one", client_id)
    client = state.clients.get(client_id)
    if client is None or client.token_endpoint_auth_method != method:
        raise InvalidClient(f"client assertion: no client of that name is registered for {method}", client_id)
    return client


def _verified(state: State, client: Client, method: str, unverified: Jwt) -> Jwt:
    """The JWT, if its signature is by the client's key or by one of its secrets. Raises `JwtError`."""
    from ..clients.keys import keys_of, secrets_of
    from ..crypto.jose import JwtError, verify
    from ..crypto.key_sets import keys_for

    if method == "private_key_jwt":
        source = keys_of(state, client)
        return verify(unverified, () if source is None else keys_for(source, unverified.header.get("kid")))
    state.rate_limiter.check("token_failures", client_here(state, client.client_id))  # a person may have chosen it
    for secret, key in secrets_of(state, client):
        try:
            jwt = verify(unverified, (key,))
        except JwtError:
            continue
        state.last_used.note(secret, int(time.time()))
        return jwt
    raise JwtError("it was not signed with a live secret of the client")


def _audiences(state: State) -> tuple[str, str]:
    return issuer_of(state), token_endpoint(state)


def _spend(state: State, request: OAuthRequest, checked: Assertion, client_id: str) -> None:
    """Claim the assertion, once a request: an endpoint may look at its client a second time."""
    if request.spent_assertion != checked.replay_key:
        if not state.once.claim(checked.replay_key, checked.expires_at):
            raise InvalidClient("client assertion: it was used before", client_id)
        request.spent_assertion = checked.replay_key
