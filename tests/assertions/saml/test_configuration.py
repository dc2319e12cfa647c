"""OAUTH_SAML_ISSUERS: what can't be is said at start-up, and what an app doesn't use isn't loaded."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_oauth_gateway.config import ConfigurationError
from tests.support.idp import NAME, Idp, certificate_of, ec_key, metadata, pem, rsa_key
from tests.support.relying import Relying
from tests.support.signing import dsa_key

Make = Callable[..., Relying]
GOOD = pem(certificate_of(rsa_key()))
SECRET = "a very secret line"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("x", r"a dict with certificates or metadata"),
        ({}, "either certificates or metadata"),
        ({"certificates": GOOD, "metadata": "<a/>"}, "either certificates or metadata"),
        ({"certificates": GOOD, "certs": 1}, "has the unknown key 'certs'. It may be a dict with certificates, "),
        ({"certificates": GOOD, "recipent": "x"}, "the unknown key 'recipent'. Did you mean 'recipient'?"),
        ({"certificates": "/nowhere.pem"}, r"\['certificates'\].*PEM texts or their paths"),
        ({"certificates": [GOOD, "/nope.pem"]}, "paths \\('/nope.pem': No such file or directory\\)"),
        ({"certificates": 7}, "PEM texts or their paths"),
        ({"certificates": [GOOD, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"]}, "PEM texts"),
        ({"metadata": "/nowhere.xml"}, r"\['metadata'\].*SAML metadata, or its path"),
        ({"metadata": "<not"}, "SAML metadata, or its path"),
        ({"metadata": metadata((NAME, "encryption", certificate_of(rsa_key())))}, "with a signing certificate"),
        ({"metadata": metadata(("https://x", "signing", certificate_of(rsa_key())))}, "with a signing certificate"),
        (
            {"metadata": metadata((NAME, "signing", certificate_of(rsa_key())), role="SPSSODescriptor")},
            "with a signing certificate",
        ),
        ({"certificates": GOOD, "max_lifetime": 0}, r"\['max_lifetime'\]"),
        ({"certificates": GOOD, "allow_sha1": "False"}, r"\['allow_sha1'\].*True or False"),
        ({"certificates": GOOD, "client_id": 7}, r"\['client_id'\]"),
        ({"certificates": GOOD, "scopes": ["nonsense"]}, "names from OAUTH_SCOPES"),
        ({"certificates": GOOD, "attributes": ["scope"]}, "names that the protocol doesn't use itself"),
        ({"certificates": GOOD, "decryption_key": "/nowhere.pem"}, r"\['decryption_key'\].*No such file"),
        ({"certificates": GOOD, "decryption_key": pem(ec_key())}, "an RSA private key"),
        ({"certificates": GOOD, "decryption_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"}, "not PEM"),
    ],
)  # fmt: skip
def test_what_cannot_be(make_relying: Make, entry: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        make_relying({NAME: entry})
    assert "OAUTH_SAML_ISSUERS['https://idp.example/saml']" in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_certificate_for_an_algorithm_that_is_not_taken(make_relying: Make) -> None:
    key = dsa_key()
    with pytest.raises(ConfigurationError, match="neither RSA nor EC"):
        make_relying({NAME: {"certificates": pem(certificate_of(key))}})


def test_certificates_are_parsed_once(make_relying: Make, idp: Idp, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(pem(idp.certificate))
    relying = make_relying({NAME: {"certificates": str(path), "client_id": "partner"}})
    path.unlink()
    assert relying.accepts(idp.signed())


PROGRAM = """
import sys
from flask import Flask
from flask_oauth_gateway import OAuthGateway

app = Flask("app", instance_path={folder!r})
app.config.update(SECRET_KEY="x", OAUTH_SCOPES={{"a": "A"}}, OAUTH_GRANT_TYPES={grants!r})
OAuthGateway(app)
client = app.test_client()
print(client.post("/oauth/token", data={{"grant_type": "client_credentials"}}).status_code)
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{"lxml", "signxml"}}))
"""


@pytest.mark.parametrize(
    ("grants", "loaded"), [(["client_credentials"], "[]"), (["saml2_bearer"], "['lxml', 'signxml']")]
)
def test_an_app_without_saml_loads_nothing_of_it(tmp_path: Path, grants: list[str], loaded: str) -> None:
    program = PROGRAM.format(folder=str(tmp_path), grants=grants)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == loaded
