"""Which redirect URIs fit a registered one, where no registration may be made by which to ask over HTTP."""

import pytest

from flask_oauth_gateway.clients.redirect_uris import is_registered
from flask_oauth_gateway.stores.registered_client import Client


@pytest.mark.parametrize(
    ("registered", "asked", "fits"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", True),
        ("http://cli.localhost/cb", "http://cli.localhost:8976/cb", True),
        ("http://cli.localhost/cb", "http://other.localhost:8976/cb", False),
        ("http://app.example/cb", "http://app.example/cb", True),
        ("http://app.example/cb", "http://app.example:8080/cb", False),  # an older row, of before http was refused
    ],
)
def test_only_a_loopback_address_may_have_another_port(registered: str, asked: str, fits: bool) -> None:
    client: Client = type("Registered", (), {"redirect_uris": (registered,)})()
    assert is_registered(asked, client) is fits
