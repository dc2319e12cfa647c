"""An odd certificate that is given to the management API is a 422 that says so."""

import pytest

from tests.support.databases import sqlite_only
from tests.support.management import Api
from tests.support.odd_certificates import odd_certificates
from tests.support.signing import Signer


@sqlite_only
@pytest.mark.parametrize("odd", odd_certificates())
def test_an_odd_certificate_is_refused(api: Api, odd: str) -> None:
    response = api("POST", "/clients", {"client_name": "One", "certificate": odd_certificates()[odd]})
    assert response.status_code == (400 if odd == "no text" else 422)
    made = api("POST", "/clients", {"client_name": "Two", "grant_types": [], "scope": ""}).get_json()
    response = api("PATCH", f"/clients/{made['client_id']}", {"certificate": odd_certificates()[odd]})
    assert response.status_code in (400, 422)


@sqlite_only
@pytest.mark.parametrize("beside", [False, True])
def test_a_private_key_is_never_repeated_nor_kept(api: Api, *, beside: bool) -> None:
    signer = Signer("RS256")
    line = signer.private_pem().splitlines()[3]
    certificate = (signer.certificate() if beside else "") + signer.private_pem()
    for body in ({"certificate": certificate}, {"jwks": {"keys": [{**signer.jwk(), "d": line}]}}, {"scope": line}):
        response = api("POST", "/clients", {"client_name": "One", **body})
        assert response.status_code == 422
        assert line not in response.text
        assert "rivate" in response.text or "scope" in response.text
