"""Tokens that are bound to a key, got and used by openid-client, oauth4webapi and dpop, of npm; with nonces and without."""

from collections.abc import Iterator

import pytest

from tests.support.app import close_app
from tests.support.conversation import told_by_node
from tests.support.serving import Server, Walker, build_server, serving

REDIRECT_URI = "https://app.example/callback"

pytestmark = pytest.mark.node


@pytest.fixture(scope="module", params=[False, True], ids=["", "nonces"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = {"OAUTH_DPOP": "required", "OAUTH_PAR": True, "OAUTH_DPOP_NONCE": request.param}
    instance = str(tmp_path_factory.mktemp("dpop"))
    with serving(lambda url: build_server(url, instance_path=instance, **config)) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.mark.parametrize("library", ["openid_client", "oauth4webapi"])
@pytest.mark.parametrize(
    ("method", "algorithm", "pushed"),
    [("none", "ES256", False), ("none", "Ed25519", True), ("client_secret_basic", "PS256", True)],
)
def test_tokens_are_got_refreshed_and_used_with_proofs(
    server: Server, alice: Walker, library: str, method: str, algorithm: str, pushed: bool
) -> None:
    more = {"token_endpoint_auth_method": "none"} if method == "none" else {}
    registered = server.register("authorization_code", "refresh_token", redirect_uris=[REDIRECT_URI], **more)
    setup = {
        "library": library,
        "issuer": server.url,
        "api": server.me,
        "client_id": registered.client_id,
        "client_secret": registered.client_secret,
        "redirect_uri": REDIRECT_URI,
        "algorithm": algorithm,
        "pushed": pushed,
    }
    found = told_by_node("dpop.mjs", lambda said: alice.approve(said["open"], REDIRECT_URI), **setup)
    assert {found[name]["token_type"].lower() for name in ("tokens", "fresh")} == {"dpop"}
    assert found["me"] == found["me_by_dpop"] == {"client": registered.client_id, "subject": "alice"}
    assert found["stolen"] == 401
