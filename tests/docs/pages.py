"""Runs a page of the documentation the way its reader would.

- Its ```python blocks, one after the other, are `app.py` in an empty folder; one that begins with `# name.py` is a file
  of that name, and so is a block of any language that begins so (```html with `<!-- folder/name.html -->`, ```js with
  `// folder/name.js`). Blocks of one name stand one below the other; `# name.py, now:` begins that file anew.
- `<!-- the app of ../other.md -->` begins `app.py` with that of another page.
- `<!-- next step -->` divides a page: what is written below it isn't there above it, and the server starts anew.
- In its ```console blocks a line that begins with `$ ` is a command. The lines below it must be in its output, in that
  order; `…` stands for anything, and how many spaces there are doesn't matter.
- `$ NAME=…` is what the reader copies from an output above. `$ export NAME=…` holds for the commands below it.
- `flask run` serves `app.py` until the page ends, on a free port in the place of 5000. A page that doesn't say it gets
  it with its first request.
- A command that ends with ` &`, a second server, runs until the page or its step ends. It is waited for: until the lines
  below it were seen, or where there are none, until it listens on one of the `PORTS`. Each of these is a free port here.
- Whatever opens a browser (`webbrowser.open`, as command line tools do) meets alice, who signs in and presses Allow: see
  browser.py. The folder is the reader's home, too.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_ports, is_open, wait_for
from tests.support.processes import ended

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|//|<!--) ([\w-][\w/-]*\.\w+)(, now:)?(?: -->)?\n")
NEXT_STEP = "<!-- next step -->\n"
APP_OF = re.compile(r"^<!-- the app of (\S+) -->$", re.MULTILINE)
PORTS = ("5000", "5001", "8080")
#: A port as pages write it: in an address, in a program's call, on a command line.
PORT = re.compile(rf'(127\.0\.0\.1(?::|", )|--port )({"|".join(PORTS)})\b')
BROWSER = Path(__file__).with_name("browser.py")
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

    def __init__(self, path: Path, folder: Path, commands: Path) -> None:
        """`commands` is a folder of programs that come first on the PATH."""
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        text = self._here(path.read_text(encoding="utf-8"))
        self._steps = [BLOCK.findall(step) for step in text.split(NEXT_STEP)]
        elsewhere = APP_OF.search(text)
        self._app = self._here(app_of(path.parent / elsewhere[1])) if elsewhere else ""
        self._folder = folder
        self._seen = ""  # every output so far
        self._server: subprocess.Popen[bytes] | None = None
        self._background: list[subprocess.Popen[bytes]] = []
        places = [str(commands), str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
        self._environment = os.environ | {
            "PATH": os.pathsep.join(places),  # nginx is in Debian's last place
            "HOME": str(folder),
            "FLASK_RUN_PORT": str(self.ports["5000"]),
            "BROWSER": f"python {BROWSER} %s &",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a reader's machine has none of ours
        }
        self._environment.pop("FLASK_APP", None)

    def _here(self, text: str) -> str:
        return PORT.sub(lambda found: f"{found[1]}{self.ports[found[2]]}", text)

    @property
    def is_empty(self) -> bool:
        return not any(self._files_of(len(self._steps)).values()) and not any(map(commands_in, self._steps))

    def run(self, look: Callable[["Page"], None] = lambda _: None) -> None:
        """Follow the page; `look` is called at the end of each step, while its servers still run."""
        for number, blocks in enumerate(self._steps, start=1):
            self.write(number)
            try:
                self._run("python app.py")
                for command in commands_in(blocks):
                    self._follow(command)
                look(self)
            finally:
                self._stop()

    def write(self, steps: int) -> None:
        """Write the files as they are in that step of the page; 1 is the first."""
        for name, text in self._files_of(steps).items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _files_of(self, steps: int) -> dict[str, str]:
        files = {"app.py": self._app}
        for kind, text in (block for step in self._steps[:steps] for block in step):
            named = NAMED.match(text)
            if named or kind == "python":
                name, is_anew = (named[1], named[2]) if named else ("app.py", None)
                files[name] = ("" if is_anew else files.get(name, "")) + text + "\n"
        return files

    def _follow(self, command: Command) -> None:
        if re.fullmatch(r"([A-Z]+=… ?)+", command.line):
            for name in re.findall(r"([A-Z]+)=", command.line):
                self._environment[name] = re.findall(COPIED[name], self._seen, re.MULTILINE)[-1]
        elif exported := re.fullmatch(r"export (\w+)=(.*)", command.line):
            self._environment[exported[1]] = self._run(f'{command.line}; printf %s "${exported[1]}"')
        elif command.line == "flask run":
            self._serve()
        elif command.line.endswith(" &"):
            self._start(command)
        else:
            if f"127.0.0.1:{self.ports['5000']}" in command.line:
                self._serve()
            output = self._run(command.line)
            self._seen += output + "\n"
            assert shows(output, command.expected), lacking(command, output)

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
                ["flask", "run"], cwd=self._folder, env=self._environment, stdout=log, stderr=log, process_group=0
            )
        wait_for(self.ports["5000"], self._server)

    def _start(self, command: Command, seconds: float = 30) -> None:
        path = self._folder / f"background-{len(self._background)}.log"
        named = [
            port for port in self.ports.values() if str(port) in command.line
        ]  # another may become somebody else's
        free = [port for port in named or self.ports.values() if not is_open(port)]
        with path.open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", command.line.removesuffix(" &")],
                cwd=self._folder, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._background.append(process)
        until = time.monotonic() + seconds
        while True:
            is_over = process.poll() is not None or time.monotonic() > until
            output = path.read_text(encoding="utf-8")
            if shows(output, command.expected) if command.expected else any(map(is_open, free)):
                break
            assert not is_over, lacking(command, output)
            time.sleep(0.05)
        self._seen += output + "\n"

    def _stop(self) -> None:
        if self._server is not None:
            ended(self._server)
            self._server = None
        for process in self._background:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        self._background.clear()


def app_of(path: Path) -> str:
    """`app.py` of a page without steps, where it names it."""
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    return "\n".join(text for kind, text in blocks if kind == "python" and text.startswith("# app.py\n"))


def commands_in(blocks: list[tuple[str, str]]) -> list[Command]:
    return [command for kind, text in blocks if kind == "console" for command in commands_of(text)]


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


def lacking(command: Command, output: str) -> str:
    return f"$ {command.line}\n{output}\nlacks, of these lines: {command.expected}"


def programs_of(path: Path) -> set[str]:
    """What the commands of a page begin with."""
    return {command.line.split()[0] for command in commands_in(BLOCK.findall(path.read_text(encoding="utf-8")))}


def normal(line: str) -> str:
    return " ".join(line.split())
