"""Runs a page of the documentation the way its reader would.

- Its ```python blocks, one after the other, are `app.py` in an empty folder.
- In its ```console blocks a line that begins with `$ ` is a command. The lines below it must be in its output, in that
  order; `…` stands for anything, and how many spaces there are doesn't matter.
- `$ NAME=…` is what the reader copies from an output above.
- `flask run` serves `app.py` until the page ends, on a free port in the place of 5000. A page that doesn't say it gets
  it with its first request.
"""

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:5000"
#: What a reader copies, by the name of the variable that it goes into.
COPIED = {
    "ID": r"^client_id:\s+(\S+)",
    "SECRET": r"^client_secret:\s+(\S+)",
    "TOKEN": r'"access_token":\s*"([^"]+)"',
    "REFRESH": r'"refresh_token":\s*"([^"]+)"',
    "DEVICE": r'"device_code":\s*"([^"]+)"',
    "CODE": r"[?&]code=([^&\s]+)",
}


@dataclass
class Command:
    line: str
    expected: list[str]


class Page:
    """One page, and the folder in which its reader works."""

    def __init__(self, path: Path, folder: Path) -> None:
        blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
        self._folder = folder
        self._program = "\n".join(text for kind, text in blocks if kind == "python")
        self._commands = [command for kind, text in blocks if kind == "console" for command in commands_of(text)]
        self._seen = ""  # every output so far
        self._server: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "FLASK_RUN_PORT": str(self._port),
        }
        self._environment.pop("FLASK_APP", None)

    @property
    def is_empty(self) -> bool:
        return not self._program and not self._commands

    def run(self) -> None:
        self._folder.joinpath("app.py").write_text(self._program, encoding="utf-8")
        try:
            self._run("python app.py")
            for command in self._commands:
                self._follow(command)
        finally:
            if self._server is not None:
                self._server.terminate()
                self._server.wait()

    def _follow(self, command: Command) -> None:
        if re.fullmatch(r"([A-Z]+=… ?)+", command.line):
            for name in re.findall(r"([A-Z]+)=", command.line):
                self._environment[name] = re.findall(COPIED[name], self._seen, re.MULTILINE)[-1]
            return
        if command.line == "flask run" or ADDRESS in command.line:
            self._serve()
        if command.line == "flask run":
            return
        output = self._run(command.line.replace(ADDRESS, f"127.0.0.1:{self._port}"))
        self._seen += output + "\n"
        assert shows(output, command.expected), f"$ {command.line}\n{output}\nlacks, of these lines: {command.expected}"

    def _run(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {line}\nended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self) -> None:
        if self._server is not None:
            return
        with self._folder.joinpath("server.log").open("wb") as log:
            self._server = subprocess.Popen(
                ["flask", "run"], cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )
        wait_for(self._port, self._server)


def commands_of(block: str) -> list[Command]:
    commands: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:], []))
        else:
            commands[-1].expected.append(line)
    return commands


def shows(output: str, expected: list[str]) -> bool:
    """Whether the expected lines are in the output, in their order."""
    lines = iter(normal(line) for line in output.splitlines())
    patterns = [".*".join(map(re.escape, normal(line).split("…"))) for line in expected]
    return all(any(re.fullmatch(pattern, line) for line in lines) for pattern in patterns)


def normal(line: str) -> str:
    return " ".join(line.split())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until something listens. Fails where the server ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The server did not start: see server.log.")
