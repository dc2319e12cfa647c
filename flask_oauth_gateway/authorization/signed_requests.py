"""Signed authorization requests: a client's own JWT says what it asks for, and nothing beside it counts (RFC 9101)."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from ..crypto.encryption import TAKEN_ALGORITHMS, TAKEN_METHODS
from ..crypto.hashing import sha256
from ..crypto.jose import MAX_TOKEN, JwtError, read, verify
from ..crypto.key_sets import keys_for
from ..features import METHODS
from ..web.guesses import Guess
from .one_time import OneTime
from .request import NoSuchRequest, NotAccepted
from .request_object import OPEN_SECONDS, Pairs, RequestObjectError, SignedRequest, read_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import Key

    from ..authentication.failures import Failures
    from ..clients.keys import ClientKeys
    from ..config import Settings
    from ..crypto.jose import Jwt
    from ..stores.clients import ClientStore
    from ..stores.last_used import LastUsed
    from ..stores.once import OnceStore
    from ..stores.registered_client import Client, ClientSecret
    from ..web.issuer import Issuer
    from .request_uris import RequestUris

BY_SECRET = ("HS256",)


def metadata(settings: Settings) -> dict[str, Any]:
    """What the server's metadata say of signed requests (RFC 9101 section 9.2, OIDC Discovery section 3)."""
    found: dict[str, Any] = {
        "request_parameter_supported": True,
        "request_uri_parameter_supported": settings.request_uris,
        "require_signed_request_object": settings.jar == "required",
        "request_object_signing_alg_values_supported": [*algorithms(settings)],
    }
    if settings.request_uris:
        found["require_request_uri_registration"] = True
    if settings.request_encryption:
        found["request_object_encryption_alg_values_supported"] = [*TAKEN_ALGORITHMS]
        found["request_object_encryption_enc_values_supported"] = [*TAKEN_METHODS]
    return found


def algorithms(settings: Settings) -> tuple[str, ...]:
    """The algorithms with which clients may sign their requests."""
    has_secrets = "client_secret_jwt" in settings.client_auth_methods
    every = (*METHODS["private_key_jwt"].algorithms, *(BY_SECRET if has_secrets else ()))
    return tuple(filter(settings.in_profile.takes, every))


def load_signed_requests(
    settings: Settings,
    issuer: Issuer,
    clients: ClientStore,
    keys: ClientKeys,
    failures: Failures,
    last_used: LastUsed,
    once: OnceStore,
    decrypt: Callable[[str], str] | None,
) -> SignedRequests:
    """The part that reads signed requests, with what of it is on."""
    uris = None
    if settings.request_uris:
        from .request_uris import RequestUris

        uris = RequestUris(keys)
    return SignedRequests(
        settings, issuer, clients, keys, failures, last_used, once,
        decrypt=decrypt, uris=uris,
    )  # fmt: skip


class BroughtRequest(NamedTuple):
    """A signed request that a browser brings. `mark` says in the addresses of its next steps when it came with it."""

    parameters: Pairs
    one_time: OneTime | None
    mark: str | None


class SignedRequests:
    """Reads what clients have signed. `decrypt` opens what is encrypted to this server, `uris` fetches: where these are on."""

    def __init__(
        self,
        settings: Settings,
        issuer: Issuer,
        clients: ClientStore,
        keys: ClientKeys,
        failures: Failures,
        last_used: LastUsed,
        once: OnceStore,
        *,
        decrypt: Callable[[str], str] | None = None,
        uris: RequestUris | None = None,
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._clients = clients
        self._keys = keys
        self._failures = failures
        self._last_used = last_used
        self._once = once
        self._decrypt = decrypt
        self._uris = uris

    def brought(self, client: Client, text: str | None, request_uri: str | None, mark: str | None) -> BroughtRequest:
        """The signed request with which a browser comes: itself, or its address. Raises `PageError`.

        `mark`: what an earlier visit with it made.
        """
        if text is not None and request_uri is not None:
            raise NotAccepted("invalid_request", "The parameters 'request' and 'request_uri' came at once.")
        try:
            if text is None:
                if self._uris is None:
                    raise RequestObjectError("addresses of requests are not taken here", "request_uri_not_supported")
                text = self._uris.text_at(client, request_uri or "")
            at = came_at(mark, text)
            signed = self.read(client, text, at)
        except RequestObjectError as error:
            raise NotAccepted(error.error, str(error.description), error.reason) from None
        one_time = None if signed.once is None else OneTime(self._once, signed.once, signed.until)
        if one_time is not None and one_time.is_used():
            raise NoSuchRequest("its jti was used", "invalid_request_object")
        return BroughtRequest(signed.parameters, one_time, new_mark(text) if at is None else mark)

    def may_stand_at(self, request_uri: str | None) -> bool:
        """Whether a request's address is looked at."""
        return self._uris is not None and request_uri is not None

    def read(self, client: Client, text: str, now: float | None = None) -> SignedRequest:
        """A client's signed request, checked. Raises `RequestObjectError`, and `TooManyRequests` where secrets are guessed.

        `now`: when it came, where that was before, in seconds since 1970.
        """
        try:
            jwt = self._signed(client, text)
        except JwtError as error:
            raise RequestObjectError(str(error)) from None
        return read_claims(
            jwt,
            client.client_id,
            issuer=self._issuer.identifier(),
            skew=self._settings.clock_skew,
            now=time.time() if now is None else now,
            needs_nbf=self._settings.in_profile.request_objects_need_nbf,
        )

    def _signed(self, client: Client, text: str) -> Jwt:
        """The JWT, if the client has signed it, as it is registered now. Raises `JwtError`."""
        if len(text) > MAX_TOKEN:
            raise JwtError("it is longer than 64 KiB")
        if text.count(".") == 4:
            if self._decrypt is None:
                raise JwtError("it is encrypted, and no key to encrypt to is published here")
            text = self._decrypt(text)
        unverified = read(text)
        try:
            return self._verified(client, unverified)
        except JwtError:
            again = self._clients.load(client.client_id)  # another process may have given the client a new key
            if again is None or again.is_as(client):
                raise
            return self._verified(again, unverified)

    def _verified(self, client: Client, unverified: Jwt) -> Jwt:
        algorithm, wanted = unverified.header.get("alg"), client.request_object_signing_alg
        if wanted is not None and algorithm != wanted:
            raise JwtError(f"the client is registered for {wanted} alone (request_object_signing_alg)")
        if not self._settings.in_profile.takes(str(algorithm)):
            raise JwtError(f"it is signed by an algorithm that OAUTH_PROFILE does not take ({str(algorithm)[:20]!r})")
        if algorithm not in BY_SECRET:
            source = self._keys.of(client)
            return verify(
                unverified,
                () if source is None else keys_for(source, unverified.header.get("kid")),
                self._settings.in_profile.algorithms,
            )
        takes_secrets = algorithm in algorithms(
            self._settings
        )  # which a client may still have where that is off by now
        secrets = [*self._keys.secrets_of(client)] if takes_secrets else []
        with self._failures.guess(client.client_id) if secrets else nullcontext(Guess()) as guess:
            jwt = self._by_secret(secrets, unverified)  # which a person may have chosen
            guess.is_given_back = True
        return jwt

    def _by_secret(self, secrets: list[tuple[ClientSecret, Key]], unverified: Jwt) -> Jwt:
        for secret, key in secrets:
            try:
                jwt = verify(unverified, (key,), BY_SECRET)
            except JwtError:
                continue
            self._last_used.note(secret, int(time.time()))
            return jwt
        raise JwtError("it was not signed with a live secret of the client")


def new_mark(text: str) -> str | None:
    """What says, in the address of a browser's next steps, that it came with this signed request, and when.

    So that the request may expire while the user signs in and reads the page. `None` where the app has no `SECRET_KEY`.
    """
    return str(_marks().dumps(_name_of(text))) if current_app.secret_key else None


def came_at(mark: str | None, text: str) -> float | None:
    """When the browser came with this signed request, in seconds since 1970; `None` where the mark doesn't say so.

    A mark is never made anew from another, so that a request is open for an hour at most.
    """
    if mark is None or not current_app.secret_key:
        return None
    try:
        named, at = _marks().loads(mark, max_age=OPEN_SECONDS, return_timestamp=True)
    except BadData:
        return None
    return at.timestamp() if named == _name_of(text) else None


def _name_of(text: str) -> str:
    return sha256(text).hex()


def _marks() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="oauth signed request")
