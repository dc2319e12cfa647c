"""Describes each trusted issuer: its keys, where they come from, and what its assertions or tokens may give."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from ..errors import TemporarilyUnavailable, without_secrets
from ..features.grants import JWT_BEARER, SAML2_BEARER

if TYPE_CHECKING:
    from joserfc.jwk import Key

    from ..assertions.jwt import JwtIssuer, TrustedIssuer
    from ..assertions.saml_issuers import SamlIssuer
    from ..authorization_server import AuthorizationServer
    from ..crypto.key_sets import KeySource
    from ..resource_server import Server
    from ..stores.registered_client import Client

NO_TOKEN = "flask-oauth-issuer-list"  # not a token: introspection endpoints are tried with it


def jwt_issuers(server: AuthorizationServer) -> Mapping[str, JwtIssuer]:
    """The issuers of `OAUTH_JWT_ISSUERS`; none where the JWT bearer grant is off."""
    return server.jwt_assertions.issuers if JWT_BEARER in server.grants else {}


def saml_issuers(server: AuthorizationServer) -> Mapping[str, SamlIssuer]:
    """The issuers of `OAUTH_SAML_ISSUERS`; none where neither a grant nor client authentication takes SAML assertions."""
    on = SAML2_BEARER in server.grants or "saml2_bearer" in server.settings.client_auth_methods
    return server.saml_assertions.issuers if on else {}


def describe_issuers(server: Server, *, configured_only: bool = False) -> list[dict[str, Any]]:
    """The configured issuers, and the clients that sign for themselves. Keys that are at a URL are fetched.

    `configured_only`: leaves the clients out, and asks no other server.
    """
    ours = (_jwt_issuers, _saml_issuers) if server.issues_tokens else ()
    own = [each for describe in ours for each in describe(cast("AuthorizationServer", server), configured_only)]
    return [*own, *_token_issuers(server, configured_only)]


def _token_issuers(server: Server, configured_only: bool) -> Iterator[dict[str, Any]]:
    """The issuers of `OAUTH_TRUSTED_TOKEN_ISSUERS`, never with the client_secret for introspection."""
    trusted = {} if server.trusted_tokens is None else server.trusted_tokens.issuers
    for name, each in trusted.items():
        entry = server.settings.trusted_token_issuers[name]
        given = next(key for key in ("introspection", "jwks", "jwks_uri", "key") if entry.get(key))
        place = f"OAUTH_TRUSTED_TOKEN_ISSUERS, {given}"
        keys, problem = [], None
        if each.client is not None:
            place = f"{place} {without_secrets(each.client.url)}"
            if not configured_only:
                with suppress(TemporarilyUnavailable):
                    each.client.ask(NO_TOKEN)
            problem = each.client.problem
        if each.source is not None:
            place = _with_url(each.source, place)
            keys = _keys(each.source, configured_only)
            problem = each.source.problem
        yield {
            "issuer": name,
            "kind": "access tokens",
            "source": place,
            "client_id": None if each.client is None else each.client.client_id,
            "scopes": None if each.scopes is None else sorted(each.scopes),
            "audience": sorted(each.audience),
            "algorithms": None if each.algorithms is None else list(each.algorithms),
            "problem": problem,
            "keys": keys,
        }


def _jwt_issuers(server: AuthorizationServer, configured_only: bool) -> Iterator[dict[str, Any]]:
    """The issuers of `OAUTH_JWT_ISSUERS`, and the clients that sign JWTs for themselves."""
    for name, trusted in jwt_issuers(server).items():
        entry = server.settings.jwt_issuers[name]
        given = next(each for each in ("jwks", "jwks_uri", "key") if entry.get(each))
        source = f"OAUTH_JWT_ISSUERS, {given}"
        yield _describe_jwt(trusted, source, configured_only)
    if configured_only or JWT_BEARER not in server.grants:
        return
    for client in _clients(server, JWT_BEARER):
        own = server.jwt_assertions.issuer_of_client(client)
        if own is not None:
            given = "jwks" if client.jwks else "certificate" if client.certificate else "jwks_uri"
            yield _describe_jwt(own, f"the client's {given}")


def _saml_issuers(server: AuthorizationServer, configured_only: bool) -> Iterator[dict[str, Any]]:
    """The issuers of `OAUTH_SAML_ISSUERS`, and the clients that sign SAML assertions for themselves."""
    for name, trusted in saml_issuers(server).items():
        given = "certificates" if server.settings.saml_issuers[name].get("certificates") else "metadata"
        yield _describe_saml(trusted, f"OAUTH_SAML_ISSUERS, {given}")
    if SAML2_BEARER in server.settings.grant_types and not configured_only:
        from ..assertions.saml_issuers import issuer_of_client

        for client in _clients(server, SAML2_BEARER):
            own = issuer_of_client(client)
            if own is not None:
                yield _describe_saml(own, "the client's certificate")


def _clients(server: AuthorizationServer, grant_type: str) -> list[Client]:
    """The enabled clients that are registered for a grant."""
    return [each for each in server.client_registry.list() if each.enabled and each.check_grant_type(grant_type)]


def _describe(kind: str, trusted: TrustedIssuer, source: str) -> dict[str, Any]:
    return {
        "issuer": trusted.issuer,
        "kind": kind,
        "source": source,
        "client_id": trusted.client_id,
        "scopes": None if trusted.scopes is None else sorted(trusted.scopes),
        "audience": None if trusted.audience is None else sorted(trusted.audience),
        "max_lifetime": trusted.max_lifetime,
    }


def _keys(source: KeySource, configured_only: bool) -> list[dict[str, Any]]:
    """The keys of a source, with their certificates; `configured_only`: as far as they are known already."""
    if not configured_only:
        source.keys()
    return [
        {**_describe_key(key), **({} if certificate is None else _describe_certificate(certificate))}
        for key, certificate in source.known()
    ]


def _describe_jwt(trusted: JwtIssuer, source: str, configured_only: bool = False) -> dict[str, Any]:
    keys = _keys(trusted.source, configured_only)
    return {
        **_describe("ID-JAG" if trusted.id_jag else "JWT", trusted, _with_url(trusted.source, source)),
        "algorithms": None if trusted.algorithms is None else list(trusted.algorithms),
        "problem": trusted.source.problem,
        "keys": keys,
    }


def _with_url(source: KeySource, text: str) -> str:
    url = getattr(source, "url", None)
    return text if url is None else f"{text} {without_secrets(url)}"


def _describe_key(key: Key) -> dict[str, Any]:
    from ..crypto.jwk import algorithms_of

    curve = key.get("crv")
    only = key.get("alg")
    return {
        "kid": key.get("kid"),
        "type": key.key_type if curve is None else f"{key.key_type} {curve}",
        "algorithms": [name for name in algorithms_of(key) if only in (None, name)],
    }


def _describe_saml(trusted: SamlIssuer, source: str) -> dict[str, Any]:
    keys = []
    for each in trusted.certificates:
        family = "ECDSA" if isinstance(each.public_key(), EllipticCurvePublicKey) else "RSA"
        hashes = ["SHA256", "SHA384", "SHA512", *(["SHA1"] if trusted.allow_sha1 else [])]
        algorithms = [f"{family}-{name}" for name in hashes]
        keys.append({"kid": None, "type": family, "algorithms": algorithms, **_describe_certificate(each)})
    recipient = None if trusted.recipient is None else sorted(trusted.recipient)
    return {
        **_describe("SAML", trusted, source),
        "recipient": recipient,
        "allow_sha1": trusted.allow_sha1,
        "problem": trusted.problem,
        "keys": keys,
    }


def _describe_certificate(certificate: x509.Certificate) -> dict[str, Any]:
    ends = int(certificate.not_valid_after_utc.timestamp())
    return {
        "subject": certificate.subject.rfc4514_string(),
        "fingerprint": certificate.fingerprint(SHA256()).hex(),
        "expires_at": ends,
        "expired": ends < time.time(),
    }
