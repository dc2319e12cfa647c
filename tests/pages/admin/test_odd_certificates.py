"""An odd certificate, or a private key in its place, is the form again with a sentence, and never what was sent in secret."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support.admin import AdminSite
from tests.support.databases import sqlite_only
from tests.support.listed import for_each
from tests.support.odd_certificates import odd_certificates
from tests.support.signing import Signer


@sqlite_only
def test_an_odd_certificate_is_refused(make_app: Callable[..., Flask]) -> None:
    site = AdminSite(make_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None))

    def is_refused(pem: str) -> None:
        response = site.submit("clients/new", {"client_name": "One", "certificate": pem.replace("\ud800", "\ufffd")})
        assert response.status_code == 400
        assert "can&#39;t be used" in response.text

    for_each({name: (pem,) for name, pem in odd_certificates().items()}, is_refused)


@sqlite_only
@pytest.mark.parametrize("beside", [False, True])
def test_a_private_key_is_not_on_the_page_that_refuses_it(make_app: Callable[..., Flask], *, beside: bool) -> None:
    signer = Signer("RS256")
    line = signer.private_pem().splitlines()[3]
    site = AdminSite(make_app(OAUTH_ADMIN=True))
    certificate = (signer.certificate() if beside else "") + signer.private_pem()
    jwks = f'{{"keys": [{{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "{line}"}}]}}'
    for form in ({"certificate": certificate}, {"jwks": jwks}, {"client_uri": certificate}):
        response = site.submit("clients/new", {"client_name": "One", **form})
        assert response.status_code == 400
        assert line not in response.text
        assert "One" in response.text, "what is no secret is in the form again"
