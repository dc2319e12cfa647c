"""`private_key_jwt`, `client_secret_jwt`, `saml2_bearer`: a client proves who it is by an assertion (RFC 7521 section 4.2).

Each assertion is valid once. The code for JWT and SAML is imported when such an assertion comes: most apps never load
it.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from flask import request as http_request

from ..assertions.assertion import CLIENT_TYP, MAX_LIFETIME, Assertion, AssertionRefused, check_jwt
from ..errors import InvalidClient
from ..web.guesses import Guess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..assertions.saml_issuers import SamlAssertions
    from ..clients.keys import ClientKeys
    from ..crypto.jose import Jwt
    from ..stores.clients import ClientStore
    from ..stores.last_used import LastUsed
    from ..stores.once import OnceStore
    from ..stores.registered_client import Client
    from ..web.issuer import Issuer
    from ..web.request import OAuthRequest
    from .failures import Failures
    from .secret import Meet, Method

MAX_ASSERTION = 65536


class AssertionAuthentication:
    """Authenticates clients by assertions. `saml` returns what verifies SAML, made on first use; `skew` is in seconds.

    `algorithms`: those by which a client may sign with its key; `None`: all that its key is good for.
    `for_issuer_alone`: an assertion names the issuer as its audience, and nothing else, so that no other server can use it.
    `meet`: reads the document of a client that isn't known, where there are such.
    """

    def __init__(
        self,
        clients: ClientStore,
        client_keys: ClientKeys,
        saml: Callable[[], SamlAssertions],
        once: OnceStore,
        issuer: Issuer,
        failures: Failures,
        last_used: LastUsed,
        *,
        skew: int,
        algorithms: tuple[str, ...] | None = None,
        for_issuer_alone: bool = False,
        meet: Meet | None = None,
    ) -> None:
        self._clients = clients
        self._client_keys = client_keys
        self._saml = saml
        self._once = once
        self._issuer = issuer
        self._failures = failures
        self._last_used = last_used
        self._skew = skew
        self._algorithms = algorithms
        self._for_issuer_alone = for_issuer_alone
        self._meet = meet

    def methods(self) -> dict[str, Method]:
        """The methods of this file, by name."""
        return {
            "private_key_jwt": self.private_key_jwt,
            "client_secret_jwt": self.client_secret_jwt,
            "saml2_bearer": self.saml2_bearer,
        }

    @staticmethod
    def method_of(assertion: str) -> str:
        """The method to which a JWT belongs, by its algorithm; for a JWT that is too long, a name that is never on.

        Raises `InvalidClient` where the assertion is no JWT.
        """
        if len(assertion) > MAX_ASSERTION:
            return "unknown client_assertion"
        algorithm = _read(assertion).header.get("alg")
        return "client_secret_jwt" if isinstance(algorithm, str) and algorithm.startswith("HS") else "private_key_jwt"

    def private_key_jwt(self, request: OAuthRequest) -> Client:
        """A JWT that the client signed with a key it registered (RFC 7523 section 2.2, OIDC Core section 9)."""
        return self._by_jwt(request, "private_key_jwt")

    def client_secret_jwt(self, request: OAuthRequest) -> Client:
        """A JWT with an HMAC by the client's secret (RFC 7523 section 2.2, OIDC Core section 9)."""
        return self._by_jwt(request, "client_secret_jwt")

    def saml2_bearer(self, request: OAuthRequest) -> Client:
        """A SAML assertion about the client (RFC 7522 section 2.2).

        The client signed it with its own certificate, or the issuer's entry names the client as its `client_id`.
        """
        form, recipients = request.form, frozenset((self._issuer.identifier(), *self._issuer.token_endpoints()))
        try:
            checked, trusted = self._saml().verify(form.get("client_assertion", ""), self._audiences(), recipients)
        except AssertionRefused as error:
            raise InvalidClient(f"client assertion: {error}", form.get("client_id")) from None
        # An issuer of assertions about users can't authenticate clients: a user may have the same name as a client.
        if checked.subject is None or trusted.client_id != checked.subject:
            raise InvalidClient("client assertion: its subject is not the client", form.get("client_id"))
        client = self._named(form, checked.subject, "saml2_bearer")
        self._spend(request, checked, client.client_id)
        return client

    def _by_jwt(self, request: OAuthRequest, method: str) -> Client:
        from ..crypto.jose import JwtError

        unverified = _read(request.form["client_assertion"])
        client_id = unverified.claims.get("iss")
        if not isinstance(client_id, str) or client_id != unverified.claims.get("sub"):
            raise InvalidClient("client assertion: its iss and sub are not both the client_id")
        if self._meet is not None:
            self._meet(request, client_id)
        client = self._named(request.form, client_id, method)
        by_secret = method == "client_secret_jwt"  # which a person may have chosen
        try:
            with self._failures.guess(client_id) if by_secret else nullcontext(Guess()) as guess:
                checked = self._checked(request, client, method, unverified)
                guess.is_given_back = True
        except (AssertionRefused, JwtError) as error:
            raise InvalidClient(f"client assertion: {error}", client_id, is_counted=by_secret) from None
        self._spend(request, checked, client_id)
        return client

    def _checked(self, request: OAuthRequest, client: Client, method: str, unverified: Jwt) -> Assertion:
        """The assertion, if it is signed by the client and says what it must. Raises `JwtError` and `AssertionRefused`."""
        from ..crypto.jose import JwtError

        try:
            jwt = self._verified(client, method, unverified)
        except JwtError:
            self._clients.forget(client.client_id)  # another process may have given the client a new key
            jwt = self._verified(self._named(request.form, client.client_id, method), method, unverified)
        here = self._issuer.urls(http_request.script_root + http_request.path)
        return check_jwt(
            jwt,
            typ=CLIENT_TYP,
            audience=self._audiences(*here),
            aud_is_text=self._for_issuer_alone,
            skew=self._skew,
            max_lifetime=MAX_LIFETIME,
            needs_jti=True,
        )

    def _named(self, form: Mapping[str, str], client_id: str, method: str) -> Client:
        if form.get("client_id") not in (None, client_id):
            raise InvalidClient("client assertion: the client_id beside it is another one", client_id)
        client = self._clients.get(client_id)
        if client is None or client.token_endpoint_auth_method != method:
            raise InvalidClient(f"client assertion: no client of that name is registered for {method}", client_id)
        return client

    def _verified(self, client: Client, method: str, unverified: Jwt) -> Jwt:
        """The JWT, if its signature is by the client's key or by one of its secrets. Raises `JwtError`."""
        from ..crypto.jose import JwtError, verify
        from ..crypto.key_sets import keys_for

        if method == "private_key_jwt":
            source = self._client_keys.of(client)
            keys = () if source is None else keys_for(source, unverified.header.get("kid"))
            return verify(unverified, keys, self._algorithms)
        for secret, key in self._client_keys.secrets_of(client):
            try:
                jwt = verify(unverified, (key,))
            except JwtError:
                continue
            self._last_used.note(secret, int(time.time()))
            return jwt
        raise JwtError("it was not signed with a live secret of the client")

    def _audiences(self, *further: str) -> frozenset[str]:
        issuer = self._issuer.identifier()
        return frozenset((issuer,) if self._for_issuer_alone else (issuer, *self._issuer.token_endpoints(), *further))

    def _spend(self, request: OAuthRequest, checked: Assertion, client_id: str) -> None:
        """Spend the assertion, once a request: an endpoint may authenticate its client a second time."""
        if request.spent_assertion != checked.replay_key:
            if not self._once.claim(checked.replay_key, checked.expires_at):
                raise InvalidClient("client assertion: it was used before", client_id)
            request.spent_assertion = checked.replay_key


def _read(assertion: str) -> Jwt:
    from ..crypto.jose import JwtError, read

    try:
        return read(assertion)
    except JwtError as error:
        raise InvalidClient(f"client assertion: {error}") from None
