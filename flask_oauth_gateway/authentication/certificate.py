"""`tls_client_auth`, `self_signed_tls_client_auth`: a client shows a TLS certificate (RFC 8705 section 2).

A request names the client by `client_id` alone; which of the methods it uses is how the client is registered. A public
client may show a certificate too, and stays public. Whatever is wrong, the answer is the same.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from flask import request as http_request

from ..crypto.certificates import NO_EXTENSIONS, UnusableKey, public_key_of
from ..crypto.distinguished_names import is_named, parse
from ..errors import InvalidClient, InvalidRequestError
from ..proofs.trust import not_in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..clients.keys import ClientKeys
    from ..proofs.certificates import Certificates, ClientCertificate
    from ..proofs.trust import Trust
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest
    from .secret import Meet, Method

TLS, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"
SUBJECTS = "tls_client_auth_"  # what the names of the members begin with that say whose certificate it is


class CertificateAuthentication:
    """Authenticates clients by their certificates. `meet`: reads the document of a client that isn't known yet."""

    def __init__(
        self,
        clients: ClientStore,
        client_keys: ClientKeys,
        certificates: Certificates,
        trust: Trust,
        meet: Meet | None = None,
    ) -> None:
        self._clients = clients
        self._client_keys = client_keys
        self._certificates = certificates
        self._trust = trust
        self._meet = meet

    def methods(self) -> dict[str, Method]:
        """The methods of this file, by name."""
        return {TLS: self.tls_client_auth, SELF_SIGNED: self.self_signed_tls_client_auth}

    def method_of(self, request: OAuthRequest, client_id: str) -> str:
        """The method of a request that only names its client: a certificate's, where the client is registered for one."""
        if self._meet is not None:
            self._meet(request, client_id)
        client = self._clients.get(client_id, rechecked=request.client_is_rechecked)
        if client is not None and not client.is_public and client.token_endpoint_auth_method not in (TLS, SELF_SIGNED):
            client = self._clients.load(client_id)  # it may show certificates by now
        if client is not None and client.token_endpoint_auth_method in (TLS, SELF_SIGNED):
            return client.token_endpoint_auth_method
        return "none"

    def is_tried(self, request: OAuthRequest) -> bool:
        """Whether a request shows a certificate and names a client that is registered for one."""
        client_id = request.form.get("client_id")
        shown = client_id is not None and self._certificates.of(http_request) is not None
        return shown and client_id is not None and self.method_of(request, client_id) != "none"

    def tls_client_auth(self, request: OAuthRequest) -> Client:
        """A certificate by an authority, with the subject that the client registered (section 2.1)."""
        return self._authenticated(request, TLS, self._problem_by_authority)

    def self_signed_tls_client_auth(self, request: OAuthRequest) -> Client:
        """A certificate with a key that the client registered, by whomever it is signed (section 2.2)."""
        return self._authenticated(request, SELF_SIGNED, self._problem_by_key)

    def _authenticated(
        self, request: OAuthRequest, method: str, problem_of: Callable[[Client, ClientCertificate], str | None]
    ) -> Client:
        """The client, maybe read anew: another process may have changed what its certificate must be."""
        client_id = request.form.get("client_id") or (request.basic or ("",))[0]
        if request.basic is not None and request.basic[0] != client_id:
            raise InvalidRequestError("The 'client_id' in the body is not the one in the Authorization header.")
        presented = self._certificates.of(http_request)
        if presented is None:
            raise InvalidClient("no certificate", client_id)
        client = self._clients.get(client_id, rechecked=request.client_is_rechecked)
        problem = _problem_of(client, method, presented, problem_of)
        if problem is not None:
            again = self._clients.load(client_id)
            if again is not None and client is not None and again.is_as(client):
                raise InvalidClient(f"certificate: {problem}", client_id)
            client = again
            problem = _problem_of(client, method, presented, problem_of)
        if client is None or problem is not None:
            raise InvalidClient(f"certificate: {problem}", client_id)
        return client

    def _problem_by_authority(self, client: Client, presented: ClientCertificate) -> str | None:
        return self._trust.problem_with(presented) or _problem_with_subject(client, presented.certificate)

    def _problem_by_key(self, client: Client, presented: ClientCertificate) -> str | None:
        """Its own dates count, as its holder wrote them, but those of the certificate that was registered don't."""
        problem = not_in_force(presented.certificate, datetime.fromtimestamp(int(time.time()), UTC))
        if problem is not None:
            return problem
        key = presented.certificate.public_key()
        return None if any(key == each for each in self._keys_of(client)) else "its key is not one of the client's"

    def _keys_of(self, client: Client) -> Iterator[Any]:
        """The public keys of a client; those at its `jwks_uri` are fetched again where that was not just done."""
        if client.certificate is not None and client.jwks is None:
            try:
                yield public_key_of(client.certificate.encode())
            except UnusableKey:
                return
            return
        source = self._client_keys.of(client)
        if source is None:
            return
        known = source.keys()
        yield from (key.public_key for key in known if hasattr(key, "public_key"))
        if client.jwks_uri is not None:
            yield from (key.public_key for key in source.keys(kid="") if hasattr(key, "public_key"))


def _problem_of(
    client: Client | None,
    method: str,
    presented: ClientCertificate,
    problem_of: Callable[[Client, ClientCertificate], str | None],
) -> str | None:
    if client is None or client.token_endpoint_auth_method != method:
        return f"no client of that name is registered for {method}"
    return problem_of(client, presented)


def _problem_with_subject(client: Client, certificate: x509.Certificate) -> str | None:
    """Why a certificate isn't this client's, by the one member that it registered (section 2.1.2)."""
    registered = [(kind, getattr(client, SUBJECTS + kind)) for kind in ("subject_dn", *_NAMES)]
    given = [(kind, value) for kind, value in registered if value]
    if len(given) != 1:
        return "the client is registered without one subject"
    kind, value = given[0]
    try:
        if kind == "subject_dn":
            return None if is_named(certificate.subject, parse(value)) else "another subject"
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        of_type, normal = _NAMES[kind]
        # Only names of this type are looked at; the common name is none of them.
        is_there = any(normal(each) == normal(value) for each in names.get_values_for_type(of_type))
    except NO_EXTENSIONS:
        return "no such subject alternative name"
    return None if is_there else "another subject alternative name"


def _as_written(name: Any) -> str:
    return str(name)


def _mail(name: Any) -> tuple[str, str]:
    """A mailbox: only its host is the same in any case of letters (RFC 5280 section 4.2.1.6)."""
    local, _, host = str(name).rpartition("@")
    return local, host.lower()


_NAMES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "san_dns": (x509.DNSName, lambda name: str(name).lower()),
    "san_uri": (x509.UniformResourceIdentifier, _as_written),
    "san_ip": (x509.IPAddress, lambda name: ip_address(str(name))),
    "san_email": (x509.RFC822Name, _mail),
}
