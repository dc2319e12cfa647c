"""A running server, and alice with her browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_oauth_gateway.endpoints import device_authorization
from tests.support.app import close_app, gateway_of
from tests.support.serving import Server, Walker, build_server, serving


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """On SQLite alone: what depends on the database is tested elsewhere."""
    monkeypatch.setattr(
        device_authorization, "INTERVAL", 1
    )  # seconds between two questions of a device; the tests have better to do
    with serving(lambda url: build_server(url, instance_path=str(tmp_path / "instance"))) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.fixture
def alice() -> Iterator[Walker]:
    person = Walker("alice")
    with person.browser:
        yield person


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with OpenID Connect, which all relying parties share."""
    instance = str(tmp_path_factory.mktemp("provider"))
    with serving(lambda url: build_server(url, instance_path=instance, OAUTH_OIDC=True)) as (url, app):
        gateway_of(app).user_claims(lambda user, _: {"name": user.name, "email": f"{user.id}@example.com"})
        yield Server(url, app)
    close_app(app)
