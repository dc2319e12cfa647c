"""`client_secret_basic`, `client_secret_post` and `none`: a client sends its secret, or has none (RFC 6749 section 2.3.1)."""

from __future__ import annotations

import binascii
import time
from base64 import b64decode
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_plus

from ..crypto.hashing import verify_secret
from ..errors import InvalidClient, InvalidRequestError
from ..features import SENT_SECRET_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..stores.clients import ClientStore
    from ..stores.last_used import LastUsed
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest
    from .failures import Failures

    Method = Callable[[OAuthRequest], Client]
    Meet = Callable[[OAuthRequest, str], None]

MAX_HEADER = 8192


class SecretAuthentication:
    """Authenticates clients by their secrets. The caller counts failures; `failures` tells how many there were."""

    def __init__(self, clients: ClientStore, failures: Failures, last_used: LastUsed, meet: Meet | None = None) -> None:
        """`meet`: reads the document of a client that isn't known, where there are such."""
        self._clients = clients
        self._failures = failures
        self._last_used = last_used
        self._meet = meet

    def methods(self) -> dict[str, Method]:
        """The methods of this file, by name."""
        return {"client_secret_basic": self.basic, "client_secret_post": self.post, "none": self.none}

    def basic(self, request: OAuthRequest) -> Client:
        """HTTP Basic: form-decoded as RFC 6749 section 2.3.1 asks, or raw where the decoded values don't fit."""
        raw = cast("tuple[str, str]", request.basic)
        named = request.form.get("client_id")
        candidates = [raw]
        if "%" in raw[0] + raw[1] or "+" in raw[0] + raw[1]:
            candidates.insert(0, (unquote_plus(raw[0]), unquote_plus(raw[1])))
        if named is not None and all(named != client_id for client_id, _ in candidates):
            raise InvalidRequestError("The 'client_id' in the body is not the one in the Authorization header.")
        failure: InvalidClient | None = None
        for client_id, secret in candidates:
            try:
                return self._by_secret(request, client_id, secret)
            except InvalidClient as error:
                failure = failure or error
        raise failure or InvalidClient("no credentials")

    def post(self, request: OAuthRequest) -> Client:
        """`client_id` and `client_secret` in the body (RFC 6749 section 2.3.1)."""
        client_id = request.form.get("client_id")
        if client_id is None:
            raise InvalidClient("a client_secret without a client_id")
        return self._by_secret(request, client_id, request.form["client_secret"])

    def none(self, request: OAuthRequest) -> Client:
        """A public client, which sends only its `client_id` (RFC 6749 section 2.1): in the body, or in an empty Basic header."""
        client_id = request.form.get("client_id", "")
        if request.basic is not None:
            in_header = unquote_plus(request.basic[0])
            if client_id not in ("", in_header):
                raise InvalidRequestError("The 'client_id' in the body is not the one in the Authorization header.")
            client_id = in_header
        if self._meet is not None:
            self._meet(request, client_id)
        client = self._clients.get(client_id, rechecked=request.client_is_rechecked)
        if client is not None and not client.is_public:
            client = self._clients.load(client_id)  # it may be public by now
        if client is None:
            raise InvalidClient("no such client", client_id)
        if not client.is_public:
            raise InvalidClient("the client did not authenticate", client_id)
        return client

    def _by_secret(self, request: OAuthRequest, client_id: str, secret: str) -> Client:
        client = self._clients.get(client_id, rechecked=request.client_is_rechecked)
        if client is None:
            raise InvalidClient("no such client", client_id)
        if all(known.is_generated for known in client.secrets):
            return self._proved(client, secret, is_counted=False)
        with self._failures.guess(client_id) as guess:  # a person chose one, which may be guessed
            client = self._proved(client, secret, is_counted=True)
            guess.is_given_back = True
        return client

    def _proved(self, client: Client, secret: str, *, is_counted: bool) -> Client:
        """The client whose secret this is, maybe read anew: another process may have given it a new one."""
        if self._proves(client, secret):
            return client
        again = self._clients.load(client.client_id)
        if again is None or again.is_as(client) or not self._proves(again, secret):
            raise InvalidClient("wrong secret", client.client_id, is_counted=is_counted)
        return again

    def _proves(self, client: Client, secret: str) -> bool:
        if client.token_endpoint_auth_method not in SENT_SECRET_METHODS:
            return False  # a client that is registered for a key, a certificate or nothing can't fall back to a secret
        now = int(time.time())
        for known in client.secrets:
            if now < known.ends_at and verify_secret(secret, known.digest):
                if now >= known.noted_until:
                    self._last_used.note(known, now)
                return True
        return False


def named_credentials(header: str | None, form: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """The `client_id`, secret and method that a request claims, unproven: for explanations."""
    if header is not None and header[:6].lower() == "basic ":
        try:
            client_id, secret = decode_basic(header)
        except InvalidClient:
            return form.get("client_id"), None, "client_secret_basic"
        return unquote_plus(client_id), unquote_plus(secret), "client_secret_basic"
    method = "client_secret_post" if "client_secret" in form else "none" if "client_id" in form else None
    return form.get("client_id"), form.get("client_secret"), method


def decode_basic(header: str) -> tuple[str, str]:
    """The user and password of a Basic header (RFC 7617), even without base64 padding. Raises `InvalidClient`."""
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
