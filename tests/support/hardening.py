"""An app in which everything is on that protects requests and tokens, and a value of each member of a registration."""

from typing import Any

from tests.support.signing import Signer

SIGNER = Signer()
PAYMENT = {"payment": {"description": "Pay somebody", "required": ["amount"]}, "account": {}}
ALL_ON: dict[str, Any] = {
    "OAUTH_PAR": True,
    "OAUTH_JAR": True,
    "OAUTH_REQUEST_URIS": True,
    "OAUTH_JARM": True,
    "OAUTH_DPOP": True,
    "OAUTH_AUTHORIZATION_DETAILS": PAYMENT,
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": {"header": "X-Client-Cert", "format": "pem", "verified": ("X-Client-Verified", "yes")},
}
#: A value of each that is not its default, and others that it can't have.
MEMBERS: dict[str, tuple[Any, list[Any]]] = {
    "require_pushed_authorization_requests": (True, ["yes", 1]),
    "pushed_redirect_uris": (True, ["yes", 0]),
    "request_object_signing_alg": ("ES256", ["none", "RSA1_5", "HS256", 5, ["ES256"]]),
    "require_signed_request_object": (True, ["true", 1]),
    "request_uris": (
        ["https://a.example/r?x=1#5v-hash", "https://a.example/2"],
        [
            ["http://a.example/r"], ["/r"], ["https://a.example/*"], ["https://u:p@a.example/r"], ["https://a.example/a b"],
            [f"https://a.example/{'r' * 512}"], ["javascript:x"], ["https://a.ex\u00e4mple/r"], ["https://[::1"], [5], 5,
        ],
    ),
    "authorization_signed_response_alg": ("PS256", ["none", "HS256", 5]),
    "authorization_details_types": (["payment"], [["unknown"], [5], 5]),
    "dpop_bound_access_tokens": (True, ["true", 1]),
    "tls_client_certificate_bound_access_tokens": (True, ["true", 0]),
    "tls_client_auth_subject_dn": ("CN=bank,O=Bank AG", [5, ["CN=bank"]]),
    "tls_client_auth_san_dns": (None, [5]),
    "tls_client_auth_san_uri": (None, [5]),
    "tls_client_auth_san_ip": (None, [5]),
    "tls_client_auth_san_email": (None, [5]),
}  # fmt: skip
#: Those that one client can have together.
TOGETHER: dict[str, Any] = {name: value for name, (value, _) in MEMBERS.items() if value is not None}
