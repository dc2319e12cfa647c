"""The commands of the pages, from a process that has imported everything."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import warm

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def quick_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `flask`, `python` and `pytest`, for the start of the PATH."""
    folder = tmp_path_factory.mktemp("warm")
    address = folder / "socket"
    process = subprocess.Popen([sys.executable, "-m", "tests.docs.warm", str(address)], cwd=ROOT)
    try:
        while not address.exists():
            assert process.poll() is None, "The process of the commands has ended."
            time.sleep(0.02)
        warm.commands(folder / "bin", address)
        yield folder / "bin"
    finally:
        process.terminate()
        process.wait()
