"""The commands of the pages, from a process that has imported everything."""

from pathlib import Path

import pytest

from tests.support.warm import warm_commands


@pytest.fixture
def quick_commands() -> Path:
    """A folder with `flask`, `python` and `pytest`, for the start of the PATH."""
    return warm_commands()
