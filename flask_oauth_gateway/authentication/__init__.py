"""Which client is calling: `CLIENT_AUTH_METHODS`, one function each, and one answer for every failure (RFC 6749 section 2.3)."""

from __future__ import annotations

import binascii
import time
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from ..crypto.hashing import verify_secret
from ..errors import InvalidClient, InvalidRequestError
from ..signals import client_authenticated, client_rejected
from ..web.addresses import client_here, neighbourhood_of
from ..web.environ import CLIENT
from . import assertion as client_assertion

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client
    from ..web.request import OAuthRequest

Credentials = tuple[str, str]
MAX_HEADER = 8192
CLIENTS_AT_AN_ADDRESS = 10  # so many times what one may fail, all together may
CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def authenticate(state: State, request: OAuthRequest, methods: Iterable[str] | None = None) -> Client:
    """The client that makes this request, as it was at most a few seconds ago.

    `methods` are those that the endpoint takes; left out, all that are on. Raises `InvalidClient`, or
    `InvalidRequestError` where two methods are used at once.
    """
    allowed = state.settings.client_auth_methods
    try:
        method = _method_of(request)
        if method is None:
            raise InvalidClient("no credentials", request.form.get("client_id"))
        if method not in allowed or (methods is not None and method not in methods):
            raise InvalidClient(f"{method} is not offered", request.form.get("client_id"))
        client = CLIENT_AUTH_METHODS[method](state, request)
        if not client.enabled:  # as it was a few seconds ago: it may have been enabled since
            client = state.clients.load(client.client_id) or client
        if not client.enabled:
            raise InvalidClient("the client is disabled", client.client_id)
    except InvalidClient as error:
        _count_failure(state, error.client_id)
        client_rejected.send(state.app, client_id=error.client_id, reason=error.reason)
        raise
    request.client = request.environ[CLIENT] = client
    request.auth_method = method
    client_authenticated.send(state.app, client_id=client.client_id, method=method)
    return client


def presents_credentials(request: OAuthRequest) -> bool:
    """Whether a request tries to authenticate a client; a `client_id` alone only names one."""
    return "HTTP_AUTHORIZATION" in request.environ or not CREDENTIALS.isdisjoint(request.form)


def named_credentials(header: str | None, form: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """The `client_id`, secret and method that a request claims, unproven: for explanations."""
    if header is not None and header[:6].lower() == "basic ":
        try:
            client_id, secret = _decode_basic(header)
        except InvalidClient:
            return form.get("client_id"), None, "client_secret_basic"
        return unquote_plus(client_id), unquote_plus(secret), "client_secret_basic"
    method = "client_secret_post" if "client_secret" in form else "none" if "client_id" in form else None
    return form.get("client_id"), form.get("client_secret"), method


def _method_of(request: OAuthRequest) -> str | None:
    """The one method that a request uses. Raises `InvalidRequestError` where it uses two (RFC 6749 section 2.3)."""
    used = []
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is not None:
        if header[:6].lower() != "basic ":
            raise InvalidClient("an Authorization header that is not Basic", request.form.get("client_id"))
        used.append("client_secret_basic")
    form = request.form
    if "client_secret" in form:
        used.append("client_secret_post")
    by_assertion = "client_assertion" in form or "client_assertion_type" in form
    if len(used) + by_assertion > 1:
        raise InvalidRequestError("The client authenticates in two ways at once: use one.")
    if by_assertion:
        return client_assertion.method_of(form)
    return used[0] if used else ("none" if "client_id" in form else None)


def client_secret_basic(state: State, request: OAuthRequest) -> Client:
    """HTTP Basic (RFC 6749 section 2.3.1): form-decoded, and taken raw where that doesn't fit."""
    header = request.environ["HTTP_AUTHORIZATION"]
    raw = _decode_basic(header)
    named = request.form.get("client_id")
    candidates = [raw]
    if "%" in raw[0] + raw[1] or "+" in raw[0] + raw[1]:
        candidates.insert(0, (unquote_plus(raw[0]), unquote_plus(raw[1])))
    if named is not None and all(named != client_id for client_id, _ in candidates):
        raise InvalidRequestError("The 'client_id' in the body is not the one in the Authorization header.")
    failure: InvalidClient | None = None
    for client_id, secret in candidates:
        try:
            return _by_secret(state, client_id, secret)
        except InvalidClient as error:
            failure = failure or error
    raise failure or InvalidClient("no credentials")


def client_secret_post(state: State, request: OAuthRequest) -> Client:
    """`client_id` and `client_secret` in the body (RFC 6749 section 2.3.1)."""
    client_id = request.form.get("client_id")
    if client_id is None:
        raise InvalidClient("a client_secret without a client_id")
    return _by_secret(state, client_id, request.form["client_secret"])


def none(state: State, request: OAuthRequest) -> Client:
    """A public client, which only says its `client_id` (RFC 6749 section 2.1)."""
    client_id = request.form["client_id"]
    client = state.clients.get(client_id)
    if client is None:
        raise InvalidClient("no such client", client_id)
    if not client.is_public:
        raise InvalidClient("the client did not authenticate", client_id)
    return client


def private_key_jwt(state: State, request: OAuthRequest) -> Client:
    """A JWT that the client signed with a key it registered (RFC 7523 section 2.2, OIDC Core section 9)."""
    return client_assertion.by_jwt(state, request, "private_key_jwt")


def client_secret_jwt(state: State, request: OAuthRequest) -> Client:
    """A JWT with an HMAC by the client's secret (RFC 7523 section 2.2, OIDC Core section 9)."""
    return client_assertion.by_jwt(state, request, "client_secret_jwt")


def saml2_bearer(state: State, request: OAuthRequest) -> Client:
    """A SAML assertion about the client (RFC 7522 section 2.2)."""
    return client_assertion.by_saml(state, request)


CLIENT_AUTH_METHODS: dict[str, Callable[[State, OAuthRequest], Client]] = {
    "client_secret_basic": client_secret_basic,
    "client_secret_post": client_secret_post,
    "none": none,
    "private_key_jwt": private_key_jwt,
    "client_secret_jwt": client_secret_jwt,
    "saml2_bearer": saml2_bearer,
}
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
#: The methods that prove something: what a grant for confidential clients takes.
CONFIDENTIAL_METHODS = tuple(name for name in CLIENT_AUTH_METHODS if name != "none")


def _by_secret(state: State, client_id: str, secret: str) -> Client:
    client = state.clients.get(client_id)
    if client is None:
        raise InvalidClient("no such client", client_id)
    if not all(known.is_generated for known in client.secrets):  # a person chose it: it may be guessed
        state.rate_limiter.check("token_failures", client_here(state, client_id))
    if not _proves(state, client, secret):
        seen = client.version
        client = state.clients.load(client_id)  # another process may have given it a new secret
        if client is None or client.version == seen or not _proves(state, client, secret):
            raise InvalidClient("wrong secret", client_id)
    return client


def _count_failure(state: State, client_id: str | None) -> None:
    """Count a wrong secret. Raises `TooManyRequests` after too many: of this client at this address, or of the address.

    Nobody is locked out by it: 256 random bits are not guessed, so that the right secret is taken all the same. Only what a
    person chose is not looked at meanwhile, and only at this address.
    """
    limiter = state.rate_limiter
    if limiter.is_on("token_failures"):
        here, address = client_here(state, client_id), f"address:{neighbourhood_of(state)}"
        limiter.check("token_failures", here)
        limiter.check("token_failures", address, times=CLIENTS_AT_AN_ADDRESS)
        limiter.hit("token_failures", here)
        limiter.hit("token_failures", address, times=CLIENTS_AT_AN_ADDRESS)


def _proves(state: State, client: Client, secret: str) -> bool:
    if client.token_endpoint_auth_method not in SECRET_METHODS:
        return False  # registered for a key, a certificate or nothing: no falling back to a secret
    now = int(time.time())
    for known in client.secrets:
        if known.is_live(now) and verify_secret(secret, known.digest):
            state.last_used.note(known, now)
            return True
    return False


def _decode_basic(header: str) -> Credentials:
    """`user:password` of a Basic header (RFC 7617), missing base64 padding forgiven."""
    encoded = header[6:].strip()
    if len(encoded) > MAX_HEADER:
        raise InvalidClient("an Authorization header that is too long")
    try:
        text = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient("an Authorization header that can't be decoded") from None
    client_id, colon, secret = text.partition(":")
    if not colon or "\0" in text:
        raise InvalidClient("an Authorization header without a colon")
    return client_id, secret
