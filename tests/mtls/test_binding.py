"""A token that is bound to a certificate is taken with this certificate alone."""

from typing import Any, NamedTuple

import pytest
from flask import Flask, Request

from flask_oauth_gateway.config import Settings
from flask_oauth_gateway.errors import InvalidToken
from flask_oauth_gateway.proofs.binding import Binding, load_binding
from tests.support.certificates import self_signed

CERTIFICATE, OTHER = self_signed(), self_signed()


class Token(NamedTuple):
    details: dict[str, Any]
    client_id: str = "station"


def binding(**config: Any) -> Binding:
    given = {"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx", **config}
    app = Flask("any")
    app.testing = True
    return load_binding(app, Settings.from_config(given), lambda: "", lambda _: None, lambda _: False, None, None)


def request(certificate: Any = None, address: str = "127.0.0.1") -> Request:
    header = {} if certificate is None else {"HTTP_X_SSL_CLIENT_CERT": certificate.escaped}
    return Request(
        {"REMOTE_ADDR": address, "PATH_INFO": "/", "REQUEST_METHOD": "GET", "HTTP_HOST": "a.example"} | header
    )


def is_taken(by: Binding, http: Request, confirmation: Any, scheme: str = "bearer") -> bool:
    token = Token({} if confirmation is None else {"cnf": confirmation})
    try:
        by.check(http, token, "token", scheme)
    except InvalidToken as error:
        return (error.status_code, error.client_id) != (401, "station")
    return True


def test_a_request_offers_the_certificate_of_its_connection() -> None:
    assert binding().offered(request(CERTIFICATE)) == {"x5t#S256": CERTIFICATE.thumbprint}
    assert binding().offered(request()) == {}
    assert binding().offered(request(CERTIFICATE, "203.0.113.9")) == {}
    assert binding(OAUTH_MTLS=False, OAUTH_DPOP=True).offered(request(CERTIFICATE)) == {}


def test_a_bound_token_is_taken_with_its_certificate_alone_and_as_bearer() -> None:
    here, bound = binding(), {"x5t#S256": CERTIFICATE.thumbprint}
    assert is_taken(here, request(CERTIFICATE), bound)
    assert not is_taken(here, request(), bound)
    assert not is_taken(here, request(OTHER), bound)
    assert not is_taken(here, request(CERTIFICATE, "203.0.113.9"), bound)
    assert not is_taken(here, request(CERTIFICATE), bound, "dpop")
    assert is_taken(here, request(OTHER), None)


@pytest.mark.parametrize(
    "confirmation",
    [
        {}, [], "x", 5, {"x5t#S256": 5}, {"x5t#S256": None}, {"x5t#S256": ""}, {"x5t#S256": "\ud800"}, {"x5t": "x"},
        {"jwk": {}}, {"jkt": "x"}, {"x5t#S256": CERTIFICATE.thumbprint, "kid": "1"},
        {"x5t#S256": CERTIFICATE.thumbprint, "jkt": "x"}, {"x5t#S256": CERTIFICATE.thumbprint + "="},
    ],
)  # fmt: skip
def test_a_binding_that_is_odd_unknown_or_off_is_never_passed_over(confirmation: Any) -> None:
    for scheme in ("bearer", "dpop"):
        assert not is_taken(binding(), request(CERTIFICATE), confirmation, scheme)


def test_where_mutual_tls_is_off_no_token_that_is_bound_to_a_certificate_is_taken() -> None:
    here = binding(OAUTH_MTLS=False, OAUTH_DPOP=True)
    assert not is_taken(here, request(CERTIFICATE), {"x5t#S256": CERTIFICATE.thumbprint})


def test_a_token_that_is_bound_to_both_needs_both() -> None:
    here, both = binding(OAUTH_DPOP=True), {"x5t#S256": CERTIFICATE.thumbprint, "jkt": "x"}
    assert not is_taken(here, request(CERTIFICATE), both)
    assert not is_taken(here, request(OTHER), both, "dpop")
