"""The commands of the pages, from a process that has imported everything."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.services import MCP_PYTHONS
from tests.support.warm import warm_commands


@pytest.fixture
def quick_commands() -> Path:
    """A folder for the start of the PATH: `flask`, `python`, `pytest`, and the `uvicorn` that has MCP's SDK beside it."""
    folder = warm_commands()
    with suppress(FileExistsError):  # another fork was here
        folder.joinpath("uvicorn").symlink_to(MCP_PYTHONS["2"].with_name("uvicorn"))
    return folder
