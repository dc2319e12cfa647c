"""The running example app, one for all tests that look at its playground."""

from collections.abc import Iterator

import pytest

from tests.support.example import example_app, url_in


@pytest.fixture(scope="session")
def playground_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with example_app(tmp_path_factory.mktemp("demo")) as printed:
        yield url_in(printed)
