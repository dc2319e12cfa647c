"""The rows of the protocol's own endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from .feature import FORM, GET, MANAGE, POST, Endpoint, Feature

PROTOCOL: Mapping[str, Feature] = {
    "authorization": Feature(
        source="RFC 6749 section 3.1, RFC 9207",
        page="consent.md",
        grants=("authorization_code", "implicit"),
        endpoints={"authorize": Endpoint("/authorize", FORM, "pages.authorize:authorize", "authorization_endpoint")},
    ),
    "tokens": Feature(
        source="RFC 6749 section 3.2",
        page="tokens.md",
        endpoints={"token": Endpoint("/token", POST, "endpoints.token:token", "token_endpoint", cors=True)},
    ),
    "revocation": Feature(
        source="RFC 7009",
        page="tokens.md",
        endpoints={
            "revoke": Endpoint("/revoke", POST, "endpoints.revocation.revoke:revoke", "revocation_endpoint", cors=True)
        },
    ),
    "introspection": Feature(
        source="RFC 7662, RFC 9701",
        page="tokens.md",
        endpoints={
            "introspect": Endpoint("/introspect", POST, "endpoints.introspect:introspect", "introspection_endpoint")
        },
    ),
    "tokeninfo": Feature(
        source="API gateways",
        page="tokens.md",
        endpoints={"tokeninfo": Endpoint("/tokeninfo", FORM, "endpoints.tokeninfo:tokeninfo")},
    ),
    "jwks": Feature(
        source="RFC 7517 section 5",
        page="tokens.md",
        endpoints={"jwks": Endpoint("/jwks", GET, "endpoints.jwks:jwks", "jwks_uri", document=True)},
    ),
    "par": Feature(
        source="RFC 9126",
        page="pushed-authorization-requests.md",
        setting="par",
        grants=("authorization_code", "implicit"),  # those whose requests can be pushed
        endpoints={
            "par": Endpoint("/par", POST, "endpoints.par:par", "pushed_authorization_request_endpoint", cors=True)
        },
    ),
    "signed_requests": Feature(source="RFC 9101", page="signed-requests.md", setting="jar"),
    "authorization_details": Feature(
        source="RFC 9396", page="authorization-details.md", setting="authorization_details", checks_tokens=True
    ),
    "client_id_metadata": Feature(
        source="Client ID Metadata Document (draft 03)",
        page="client-metadata-documents.md",
        setting="client_id_metadata",
    ),
    "dpop": Feature(source="RFC 9449", page="dpop.md", setting="dpop", checks_tokens=True),
    "certificate_bound_tokens": Feature(
        source="RFC 8705 section 3", page="mutual-tls.md", setting="mtls", checks_tokens=True
    ),
    "registration": Feature(
        source="RFC 7591, RFC 7592",
        page="registration.md",
        setting="registration",
        endpoints={
            "register": Endpoint(
                "/register", POST, "endpoints.register:register", "registration_endpoint", cors=True, anybody=True
            ),
            "registration": Endpoint(
                "/register/<client_id>", MANAGE, "endpoints.register:registration", cors=True, anybody=True
            ),
        },
    ),
}
