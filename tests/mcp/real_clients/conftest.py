"""One server for all clients, and alice with a browser. `make mcp` installs the clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app import close_app
from tests.support.mcp_clients import NODE_MODULES, Browser, Documents, build, serving_documents
from tests.support.services import MCP_PYTHONS
from tests.support.serving import Server, Walker, serving


def pytest_collection_modifyitems() -> None:
    if missing := [str(path) for path in (NODE_MODULES, *MCP_PYTHONS.values()) if not path.exists()]:
        raise pytest.UsageError(f"`make mcp` installs what these tests need: {', '.join(missing)}")


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    with pytest.MonkeyPatch.context() as trusting, serving_documents(tmp_path_factory.mktemp("documents")) as made:
        trusting.setenv("SSL_CERT_FILE", str(made[1]))
        yield made[0]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, documents: Documents) -> Iterator[Server]:
    instance = str(tmp_path_factory.mktemp("server"))
    with serving(lambda url: build(url, instance_path=instance)) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.fixture
def alice() -> Iterator[Walker]:
    person = Walker("alice")
    with person.browser:
        yield person


@pytest.fixture
def browser_of_alice(alice: Walker, tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(alice, tmp_path)
    yield browser
    browser.close()
