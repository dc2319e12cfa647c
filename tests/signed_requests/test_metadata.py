"""What the metadata say of signed requests: nothing where they are off."""

from typing import Any

import pytest

from flask_oauth_gateway.config import ConfigurationError
from tests.support.request_objects import MakeSigning, Signing

MEMBERS = {
    "request_parameter_supported", "request_uri_parameter_supported", "require_signed_request_object",
    "require_request_uri_registration", "request_object_signing_alg_values_supported",
    "request_object_encryption_alg_values_supported", "request_object_encryption_enc_values_supported",
}  # fmt: skip


def said(signing: Signing, path: str = "oauth-authorization-server") -> dict[str, Any]:
    document = signing.site.app.test_client().get(f"/.well-known/{path}").get_json()
    return {name: value for name, value in document.items() if name in MEMBERS}


def test_off_it_says_nothing(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_JAR=False, OAUTH_OIDC=True)
    assert not said(signing)
    no = {"request_parameter_supported": False, "request_uri_parameter_supported": False}
    assert said(signing, "openid-configuration") == no


def test_on_it_says_what_is_on(make_signing: MakeSigning) -> None:
    found = said(make_signing())
    algorithms = found.pop("request_object_signing_alg_values_supported")
    assert "ES256" in algorithms
    assert not {"none", "HS256"}.intersection(algorithms)
    assert found == {
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "require_signed_request_object": False,
    }


@pytest.mark.parametrize("path", ["oauth-authorization-server", "openid-configuration"])
def test_all_of_it(make_signing: MakeSigning, path: str) -> None:
    signing = make_signing(
        OAUTH_JAR="required", OAUTH_REQUEST_URIS=True, OAUTH_REQUEST_ENCRYPTION=True, OAUTH_OIDC=True,
        OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic", "client_secret_jwt"],
    )  # fmt: skip
    found = said(signing, path)
    assert "HS256" in found.pop("request_object_signing_alg_values_supported")
    assert found == {
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "require_signed_request_object": True,
        "request_object_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
        "request_object_encryption_enc_values_supported": ["A256GCM"],
    }


@pytest.mark.parametrize("setting", ["OAUTH_REQUEST_URIS", "OAUTH_REQUEST_ENCRYPTION"])
def test_what_comes_with_it_needs_it(make_signing: MakeSigning, setting: str) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        make_signing(**{setting: True, "OAUTH_JAR": False})
