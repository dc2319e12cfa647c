"""oauth4webapi, of npm, asks for authorization details, and for fewer of them at a refresh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app import close_app
from tests.support.conversation import told_by_node
from tests.support.details import FILES, PAYMENT, TYPES
from tests.support.serving import Server, Walker, build_server, serving
from tests.support.site import REDIRECT_URI

pytestmark = pytest.mark.node


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = {"instance_path": str(tmp_path / "instance"), "OAUTH_AUTHORIZATION_DETAILS": TYPES}
    with serving(lambda url: build_server(url, **config)) as (url, app):
        yield Server(url, app)
    close_app(app)


def test_it_gets_what_the_user_allowed(server: Server, alice: Walker) -> None:
    client = server.register(
        "authorization_code",
        "refresh_token",
        redirect_uris=[REDIRECT_URI],
        authorization_details_types=["payment", "files"],
    )
    setup = {
        "story": "authorization_details",
        "issuer": server.url,
        "api": server.me,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": REDIRECT_URI,
        "authorization_details": [PAYMENT, FILES],
    }
    found = told_by_node("oauth4webapi.mjs", lambda said: alice.approve(said["open"], REDIRECT_URI), **setup)
    assert found["types"] == [*TYPES]
    assert found["tokens"]["authorization_details"] == [PAYMENT, FILES]
    assert found["refreshed"]["authorization_details"] == [PAYMENT]
    assert found["active"]["authorization_details"] == [PAYMENT]
