"""Starts `python -m example_app` the way `make run` does, on a free port."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import ended
from tests.support.warm import warm_commands

ROOT = Path(__file__).parent.parent.parent


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what Flask would read of it, and with the example app in reach."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"} | extra


@contextmanager
def example_app(folder: Path, port: str = "0") -> Iterator[str]:
    """What the running example app printed at its start. Its data is in `folder`."""
    # The folder of the package is where Flask puts the instance folder, so a link to it keeps the tests' data apart.
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "example_app"
    if not link.exists():
        link.symlink_to(ROOT / "example_app")
    with tempfile.TemporaryFile() as complaints:  # a pipe that nobody reads would stop it
        server = subprocess.Popen(
            [warm_commands() / "python", "-m", "example_app"],
            cwd=folder,
            env=environment(PYTHONPATH=str(folder), PORT=port),
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            process_group=0,
        )
        try:
            assert server.stdout is not None
            lines: list[str] = []
            for line in server.stdout:
                lines.append(line)
                if "example_app.flows" in line:
                    break
            else:
                complaints.seek(0)
                raise AssertionError(f"It ended with {server.wait()}: {complaints.read().decode()}")
            yield "".join(lines)
        finally:
            ended(server)


def url_in(printed: str) -> str:
    """Where the app says that it is."""
    found = re.search(r"http://127\.0\.0\.1:\d+", printed)
    assert found, f"it printed no address: {printed!r}"
    return found[0]
