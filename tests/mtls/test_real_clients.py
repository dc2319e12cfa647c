"""Programs that people have, unmodified, show their certificates to the real nginx: requests, openid-client and oauth4webapi."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.app import build_app, close_app, register
from tests.support.certificates import Held, self_signed
from tests.support.conversation import told_by_node
from tests.support.ports import free_port
from tests.support.tls_fronts import Front, front_of

pytestmark = pytest.mark.nginx


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    here = f"https://localhost:{port}"
    app = build_app(
        OAUTH_ISSUER=here,
        OAUTH_MTLS=True,
        OAUTH_MTLS_CERTIFICATE="nginx",
        OAUTH_MTLS_URL=here,
        OAUTH_CLIENT_AUTH_METHODS=["tls_client_auth", "self_signed_tls_client_auth"],
        OAUTH_DATABASE_URI=f"sqlite:///{folder}/oauth.db",
    )
    with front_of("nginx", folder, port, app) as found:
        yield found
    close_app(app)


def kept(front: Front, held: Held, name: str) -> tuple[str, str]:
    """The files of a certificate and its key."""
    files = front.folder / f"{name}.pem", front.folder / f"{name}.key"
    for file, text in zip(files, (held.pem, held.private_pem), strict=True):
        file.write_text(text, encoding="ascii")
    return str(files[0]), str(files[1])


def by_key(front: Front, held: Held) -> str:
    return register(
        front.app,
        token_endpoint_auth_method="self_signed_tls_client_auth",
        certificate=held.pem,
        tls_client_certificate_bound_access_tokens=True,
    ).client_id


def session_with(front: Front, files: tuple[str, str] | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # this machine may name other authorities
    session.verify, session.cert = str(front.folder / "front.pem"), files
    return session


def test_requests_gets_a_token_and_only_its_certificate_opens_the_view(front: Front) -> None:
    held = self_signed("requests")
    client, here = by_key(front, held), f"https://localhost:{front.port}"
    own, other = kept(front, held, "own"), kept(front, self_signed("requests"), "other")
    with session_with(front, own) as session:
        form = {"grant_type": "client_credentials", "client_id": client}
        token = session.post(f"{here}/oauth/token", data=form).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert session.get(f"{here}/weather", headers=bearer).json() == {"for": client}
    for thief in (other, None):
        with session_with(front, thief) as session:
            stolen = session.get(f"{here}/weather", headers={**bearer, "X-SSL-Client-Cert": held.escaped})
            assert (stolen.status_code, 'error="invalid_token"' in stolen.headers["WWW-Authenticate"]) == (401, True)


@pytest.mark.node
@pytest.mark.parametrize("library", ["openid_client", "oauth4webapi"])
def test_libraries_of_npm_show_a_certificate_and_use_a_bound_token(front: Front, library: str) -> None:
    held = self_signed(library)
    certificate, key = kept(front, held, library)
    here, client = f"https://localhost:{front.port}", by_key(front, held)
    setup = {
        "library": library, "issuer": here, "api": f"{here}/weather", "client_id": client,
        "certificate": certificate, "key": key, "ca": str(front.folder / "front.pem"),
    }  # fmt: skip
    found = told_by_node("mtls.mjs", str, **setup)
    assert found["tokens"]["token_type"].lower() == "bearer"
    assert found["me"] == {"for": client}
