"""Finds out which client is calling: one file a way to prove it, and the same answer for every failure (RFC 6749 section 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidClient, InvalidRequestError
from ..signals import client_authenticated, client_rejected
from ..web.environ import CLIENT
from .secret import decode_basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flask import Flask

    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest
    from .certificate import CertificateAuthentication
    from .failures import Failures

    Method = Callable[[OAuthRequest], Client]

CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
JWT_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SAML_TYPE = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"


class ClientAuthentication:
    """Authenticates clients. `methods` are those that are on, by name: each returns the client, or raises `InvalidClient`.

    `by_jwt` returns the name of the method to which a client's JWT belongs; `by_certificate`
    is there where clients may show certificates.
    """

    def __init__(
        self,
        app: Flask,
        clients: ClientStore,
        methods: Mapping[str, Method],
        failures: Failures,
        by_jwt: Callable[[str], str],
        by_certificate: CertificateAuthentication | None = None,
    ) -> None:
        self._app = app
        self._clients = clients
        self._methods = methods
        self._failures = failures
        self._by_jwt = by_jwt
        self._by_certificate = by_certificate

    def authenticate(self, request: OAuthRequest, methods: Iterable[str] | None = None) -> Client:
        """The client that makes this request, as it was registered a few seconds ago, or minutes where it is rechecked.

        `methods` are those that the endpoint takes; without them, it takes all that are on. Raises `InvalidClient`, or
        `InvalidRequestError` where two methods are used at once.
        """
        try:
            method = self._method_of(request)
            if method is None:
                raise InvalidClient("no credentials", request.form.get("client_id"))
            if method not in self._methods or (methods is not None and method not in methods):
                raise InvalidClient(f"{method} is not offered", request.form.get("client_id"))
            client = self._methods[method](request)
            if not client.enabled:  # this is its state of a few seconds ago: it may have been enabled since
                client = self._clients.load(client.client_id) or client
            if not client.enabled:
                raise InvalidClient("the client is disabled", client.client_id)
        except InvalidClient as error:
            if not error.is_counted:
                self._failures.count(error.client_id)
            client_rejected.send(self._app, client_id=error.client_id, reason=error.reason)
            raise
        request.client = request.environ[CLIENT] = client
        request.auth_method = method
        client_authenticated.send(self._app, client_id=client.client_id, method=method)
        return client

    def named(self, request: OAuthRequest) -> str | None:
        """The `client_id` that a request with a secret names, which nobody has proved; `None` where it isn't plain."""
        header = request.environ.get("HTTP_AUTHORIZATION")
        if header is None:
            return request.form.get("client_id") if "client_secret" in request.form else None
        if header[:6].lower() != "basic ":
            return None
        try:
            client_id, _ = request.basic = decode_basic(header)
        except InvalidClient:
            return None
        return None if not client_id or "%" in client_id or "+" in client_id else client_id

    def is_tried(self, request: OAuthRequest) -> bool:
        """Whether a request tries to authenticate a client; a `client_id` alone only names one, unless with its certificate."""
        if "HTTP_AUTHORIZATION" in request.environ or not CREDENTIALS.isdisjoint(request.form):
            return True
        return self._by_certificate is not None and self._by_certificate.is_tried(request)

    def is_replaced(self, client: Client) -> bool:
        """Whether another client has this one's `client_id` by now; reads it anew."""
        found = self._clients.load(client.client_id)
        return found is not None and found.key != client.key

    def is_changed(self, client: Client) -> bool:
        """Whether a client is no longer as this process has read it; reads it anew."""
        found = self._clients.load(client.client_id)
        return found is None or not found.is_as(client)

    def _method_of(self, request: OAuthRequest) -> str | None:
        """The one method that a request uses. Raises `InvalidRequestError` where it uses two (RFC 6749 section 2.3)."""
        used = []
        header = request.environ.get("HTTP_AUTHORIZATION")
        form = request.form
        if header is not None:
            if header[:6].lower() != "basic ":
                raise InvalidClient(
                    "an Authorization header that is not Basic",
                    form.get("client_id"),
                    description="The Authorization header is not Basic: here it holds the client's credentials, and no token.",
                )
            # An empty secret is the same as none (RFC 6749 section 2.3.1): some libraries name a public client so.
            client_id, secret = request.basic = request.basic or decode_basic(header)
            used.append("none" if client_id and not secret else "client_secret_basic")
        if "client_secret" in form:
            used.append("client_secret_post")
        by_assertion = "client_assertion" in form or "client_assertion_type" in form
        if len(used) + by_assertion > 1:
            raise InvalidRequestError("The client authenticates in two ways at once: use one.")
        if by_assertion:
            return self._by_assertion(form)
        named = form.get("client_id") or (request.basic[0] if used == ["none"] and request.basic else None)
        if self._by_certificate is not None and named is not None and used in ([], ["none"]):
            return self._by_certificate.method_of(request, named)
        return used[0] if used else ("none" if "client_id" in form else None)

    def _by_assertion(self, form: Mapping[str, str]) -> str:
        """The method to which a client assertion belongs; for an unknown type, a name that is never on."""
        kind = form.get("client_assertion_type")
        if kind == SAML_TYPE:
            return "saml2_bearer"
        return self._by_jwt(form.get("client_assertion", "")) if kind == JWT_TYPE else "unknown client_assertion"
