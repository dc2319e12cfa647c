"""Signed requests of openid-client and oauth4webapi, of npm: by value, pushed, and encrypted by jose."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.app import close_app
from tests.support.conversation import told_by_node
from tests.support.serving import Server, Walker, build_server, serving
from tests.support.signing import Signer

REDIRECT_URI = "https://app.example/callback"
CONFIG = {"OAUTH_JAR": "required", "OAUTH_PAR": True, "OAUTH_REQUEST_ENCRYPTION": True}

pytestmark = [pytest.mark.node, pytest.mark.parametrize("library", ["openid_client", "oauth4webapi"])]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    instance = str(tmp_path_factory.mktemp("signed"))
    with serving(lambda url: build_server(url, instance_path=instance, **CONFIG)) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.mark.parametrize(
    ("story", "more"),
    [
        ("value", {}),
        ("pushed", {}),
        ("encrypted", {"encryption": "RSA-OAEP-256"}),
        ("encrypted", {"encryption": "ECDH-ES"}),
        ("value", {"algorithm": "PS256"}),
    ],
)
def test_a_signed_request_leads_to_a_token(
    library: str, server: Server, alice: Walker, story: str, more: dict[str, Any]
) -> None:
    signer = Signer(more.get("algorithm", "ES256"))
    registered = server.register("authorization_code", redirect_uris=[REDIRECT_URI], jwks=signer.jwks())
    setup = {
        "library": library,
        "story": story,
        "issuer": server.url,
        "api": server.me,
        "client_id": registered.client_id,
        "client_secret": registered.client_secret,
        "redirect_uri": REDIRECT_URI,
        "key": signer.private_pem(),
        "algorithm": signer.algorithm,
        **more,
    }
    found = told_by_node("signed_requests.mjs", lambda said: alice.approve(said["open"], REDIRECT_URI), **setup)
    assert found["me"] == {"client": registered.client_id, "subject": "alice"}
    assert found["tokens"]["scope"] == "weather:read"
