"""openid-client and oauth4webapi, of npm: the scripts in `node/` are the clients, and read every answer strictly.

The one is told the server's name, the other only the API's address: where everything is they find out.
"""

from pathlib import Path
from typing import Any

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import close_app
from tests.support.conversation import told_by_node
from tests.support.serving import Server, Walker, build_server, serving

REDIRECT_URI = "https://app.example/callback"
LIBRARIES = ["openid_client", "oauth4webapi"]

pytestmark = [pytest.mark.node, pytest.mark.parametrize("library", LIBRARIES)]


def tell(library: str, story: str, server: Server, registered: Client, alice: Walker, **deed: Any) -> dict[str, Any]:
    """Let a script tell a story; alice does her part when it asks her to. Returns what it ends with."""
    setup = {
        "story": story,
        "issuer": server.url,
        "api": server.me,
        "client_id": registered.client_id,
        "client_secret": registered.client_secret,
        "redirect_uri": REDIRECT_URI,
    }

    def answer(said: dict[str, Any]) -> str:
        if "open" in said:
            return alice.approve(said["open"], REDIRECT_URI, **deed)
        return alice.connect_device(server.device, said["type"], **deed).url

    return told_by_node(f"{library}.mjs", answer, **setup)


def web_app(server: Server) -> Any:
    return server.register("authorization_code", "refresh_token", redirect_uris=[REDIRECT_URI])


def test_code_with_pkce_then_refresh_introspection_revocation(library: str, server: Server, alice: Walker) -> None:
    registered = web_app(server)
    told = tell(library, "code", server, registered, alice)
    assert told["me"] == {"client": registered.client_id, "subject": "alice"}
    assert told["refreshed"]["refresh_token"] != told["tokens"]["refresh_token"]
    assert told["active"]["active"] is True
    assert told["after"] == {"active": False}
    if library == "oauth4webapi":
        assert told["scope"] == "weather:read"
        assert told["resource"]["resource"] == told["active"]["aud"] == server.url


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_pushed_request_and_a_signed_answer(library: str, algorithm: str, tmp_path: Path, alice: Walker) -> None:
    instance = str(tmp_path / "instance")
    required = {"OAUTH_PAR": "required", "OAUTH_JARM": "required"}
    with serving(lambda url: build_server(url, instance_path=instance, **required)) as (url, app):
        server = Server(url, app)
        registered = server.register(
            "authorization_code", redirect_uris=[REDIRECT_URI], authorization_signed_response_alg=algorithm
        )
        told = tell(library, "pushed", server, registered, alice)
    close_app(app)
    assert told["me"] == {"client": registered.client_id, "subject": "alice"}
    assert told["beside"] == ["response"]


def test_a_code_without_its_verifier(library: str, server: Server, alice: Walker) -> None:
    told = tell(library, "wrong_verifier", server, web_app(server), alice)
    assert told == {"error": "invalid_grant", "status": 400}


def test_an_answer_that_another_server_gave_is_refused(library: str, server: Server, alice: Walker) -> None:
    assert "iss" in tell(library, "another_issuer", server, web_app(server), alice)["refused"]


def test_a_refusal_by_the_user(library: str, server: Server, alice: Walker) -> None:
    told = tell(library, "refused", server, web_app(server), alice, decision="deny")
    assert told["error"] == "access_denied"
    assert told["description"]


def test_device(library: str, server: Server, alice: Walker) -> None:
    registered = server.register("device_code", "refresh_token", token_endpoint_auth_method="none")
    told = tell(library, "device", server, registered, alice)
    assert told["answer"]["verification_uri"] == server.device
    assert told["me"]["subject"] == "alice"
    assert told.get("pending", "authorization_pending") == "authorization_pending"


def test_client_credentials(library: str, server: Server, alice: Walker) -> None:
    told = tell(library, "client_credentials", server, server.register("client_credentials"), alice)
    assert told["tokens"]["scope"] == "weather:read"
    assert told["active"]["active"] is True
    assert told["after"] == {"active": False}
