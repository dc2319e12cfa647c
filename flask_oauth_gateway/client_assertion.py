"""Clients that prove who they are by an assertion instead of a secret (RFC 7521 section 4.2). Each is good once.

What reads JWT and SAML is imported where such an assertion comes: most apps never load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import request as http_request

from .assertions import Assertion, AssertionRefused, check_jwt, token_endpoint
from .errors import InvalidClient
from .issuer import absolute_url, issuer_of
from .stores.clients import Client

if TYPE_CHECKING:
    from joserfc.jwk import Key

    from .extension import State
    from .jose import Jwt

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


def by_jwt(state: State, form: Mapping[str, str], method: str) -> Client:
    """The client that signed a JWT about itself. Raises `InvalidClient`."""
    from .jose import JwtError, verify

    assertion = form["client_assertion"]
    unverified = _read(assertion)
    issuer = unverified.claims.get("iss")
    if not isinstance(issuer, str) or issuer != unverified.claims.get("sub"):
        raise InvalidClient("client assertion: its iss and sub are not both the client_id")
    client = _named(state, form, issuer, method)
    kid = unverified.header.get("kid")
    try:
        jwt = verify(assertion, _keys(state, client, method, kid if isinstance(kid, str) else None))
        checked = check_jwt(
            jwt,
            audience=frozenset((*_audiences(state), absolute_url(state, http_request.script_root + http_request.path))),
            skew=state.settings.clock_skew,
            max_lifetime=MAX_LIFETIME,
            needs_jti=True,
        )
    except (AssertionRefused, JwtError) as error:
        raise InvalidClient(f"client assertion: {error}", issuer) from None
    _spend(state, checked, issuer)
    return client


def by_saml(state: State, form: Mapping[str, str]) -> Client:
    """The client that a trusted issuer, or its own certificate, vouches for: the assertion's subject is its `client_id`."""
    from .saml_issuers import verify_saml

    try:
        audience = frozenset(_audiences(state))
        checked, trusted = verify_saml(state, form.get("client_assertion", ""), audience, audience)
    except AssertionRefused as error:
        raise InvalidClient(f"client assertion: {error}", form.get("client_id")) from None
    if checked.subject is None or trusted.client_id not in (None, checked.subject):
        raise InvalidClient("client assertion: its subject is not the client", form.get("client_id"))
    client = _named(state, form, checked.subject, "saml2_bearer")
    _spend(state, checked, client.client_id)
    return client


def _read(assertion: str) -> Jwt:
    from .jose import JwtError, read

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


def _keys(state: State, client: Client, method: str, kid: str | None) -> tuple[Key, ...]:
    if method == "client_secret_jwt":
        from .client_keys import secrets_of

        return secrets_of(state, client)
    from .client_keys import keys_of

    source = keys_of(state, client)
    return () if source is None else source.keys(kid)


def _audiences(state: State) -> tuple[str, str]:
    return issuer_of(state), token_endpoint(state)


def _spend(state: State, checked: Assertion, client_id: str) -> None:
    if not state.once.claim(checked.replay_key, checked.expires_at):
        raise InvalidClient("client assertion: it was used before", client_id)
