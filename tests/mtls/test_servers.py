"""gunicorn ends TLS itself, and hands the certificate on with the lines of docs/mutual-tls.md."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.support.app import build_app, close_app, register
from tests.support.certificates import SERVER, distinguished, self_signed
from tests.support.fronts import running
from tests.support.ports import free_port
from tests.support.tls_fronts import CA, FRONT_CA, Front

PAGE = Path(__file__).parents[2] / "docs" / "mutual-tls.md"
APP = """
from tests.support.app import build_app

app = build_app(**{config!r})
"""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """An app behind gunicorn alone."""
    folder, port = tmp_path_factory.mktemp("gunicorn"), free_port()
    own = FRONT_CA.client("localhost", san=[x509.DNSName("localhost")], usages=[SERVER])
    for name, text in {"server.pem": own.pem, "server.key": own.private_pem, "ca.pem": CA.pem}.items():
        folder.joinpath(name).write_text(text, encoding="ascii")
    config = {
        "OAUTH_MTLS": True,
        "OAUTH_MTLS_CERTIFICATE": "environ",
        "OAUTH_MTLS_CA": [CA.pem],
        "OAUTH_CLIENT_AUTH_METHODS": ["tls_client_auth"],
        "OAUTH_DATABASE_URI": f"sqlite:///{folder}/oauth.db",
    }
    [lines] = re.findall(r"```python\n(import ssl\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    folder.joinpath("example.py").write_text(APP.format(config=config) + lines, encoding="utf-8")
    command = (
        f"{sys.executable} -m gunicorn --chdir {folder} --pythonpath {Path.cwd()} --bind 127.0.0.1:{port} --certfile server.pem"
        " --keyfile server.key --ca-certs ca.pem --cert-reqs 1 example:application"
    )
    app = build_app(**config)
    with running(command.split(), folder, port):
        yield Front(folder, port, app, "gunicorn")
    close_app(app)


def test_gunicorn_hands_on_the_certificate_that_a_client_shows(front: Front) -> None:
    name = distinguished(C="DE", CN="station")
    client = register(
        front.app,
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=station,C=DE",
    ).client_id
    assert front.is_let_in(CA.client(name), client)
    assert not front.is_let_in(CA.client("other"), client)
    assert not front.is_let_in(None, client)
    held = CA.client(name)
    for header in ("SSL_CLIENT_CERT", "SSL-CLIENT-CERT", "X-SSL-Client-Cert"):
        assert not front.is_let_in(None, client, [(header, held.escaped), ("SSL_CLIENT_VERIFY", "SUCCESS")])
    assert not front.is_let_in(self_signed(name), client)  # Python's TLS ends the connection
