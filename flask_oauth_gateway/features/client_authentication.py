"""The rows of client authentication: `token_endpoint_auth_method` (RFC 7591 section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from .feature import Feature

CLIENT_AUTHENTICATION: Mapping[str, Feature] = {
    "client_secret_basic": Feature(
        source="RFC 6749 section 2.3.1", page="client-authentication.md", method="client_secret_basic", secret="hashed"
    ),
    "client_secret_post": Feature(
        source="RFC 6749 section 2.3.1", page="client-authentication.md", method="client_secret_post", secret="hashed"
    ),
    "none": Feature(source="RFC 6749 section 2.1", page="client-authentication.md", method="none", proves=False),
    "private_key_jwt": Feature(
        source="RFC 7523 section 2.2",
        page="client-authentication.md",
        method="private_key_jwt",
        algorithms=("ES256", "RS256", "PS256", "EdDSA", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512"),
    ),
    "client_secret_jwt": Feature(
        source="RFC 7523 section 2.2",
        page="client-authentication.md",
        method="client_secret_jwt",
        secret="sealed",
        algorithms=("HS256", "HS384", "HS512"),
    ),
    "saml2_bearer_client": Feature(
        source="RFC 7522 section 2.2", page="client-authentication.md", method="saml2_bearer"
    ),
    "tls_client_auth": Feature(
        source="RFC 8705 section 2.1", page="mutual-tls.md", method="tls_client_auth", setting="mtls"
    ),
    "self_signed_tls_client_auth": Feature(
        source="RFC 8705 section 2.2", page="mutual-tls.md", method="self_signed_tls_client_auth", setting="mtls"
    ),
}
