"""What the runner of the pages does beyond one app and its commands."""

from pathlib import Path

import pytest

from tests.docs.pages import Page, programs_of
from tests.support.ports import free_ports, is_open

SECOND_SERVER = '''
```python
# echo.py
from http.server import BaseHTTPRequestHandler, HTTPServer
import sys

class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the second server")

server = HTTPServer(("127.0.0.1", 5001), Echo)
print("It listens.", flush=True)
server.serve_forever()
```

```text
# words.txt
word for word
```

```text
not a file
```

```console
$ python echo.py &
It listens.
$ curl http://127.0.0.1:5001/
the second server
$ cat words.txt
word for word
$ export WORD=$(echo "of its own")
$ echo "a word $WORD"
a word of its own
$ touch ~/kept
$ ls kept
kept
$ nginx -v
```
'''  # fmt: skip


def page(folder: Path, text: str, commands: Path) -> Page:
    folder.joinpath("page.md").write_text(text, encoding="utf-8")
    return Page(folder / "page.md", folder, commands)


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Programs that stand in for those that not every machine has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    folder.joinpath("nginx").write_text("#!/bin/sh\n", encoding="utf-8")
    folder.joinpath("nginx").chmod(0o755)
    return folder


def test_a_second_server_runs_until_the_page_ends(tmp_path: Path, commands: Path) -> None:
    run = page(tmp_path, SECOND_SERVER, commands)
    run.run()
    assert not tmp_path.joinpath("not a file").exists()
    port = run.ports["5001"]
    assert port != 5001
    assert f'("127.0.0.1", {port})' in tmp_path.joinpath("echo.py").read_text(encoding="utf-8")
    assert not is_open(port)


def test_it_is_waited_for_by_its_port_where_it_says_nothing(tmp_path: Path, commands: Path) -> None:
    silent = SECOND_SERVER.replace("$ python echo.py &\nIt listens.", "$ sleep 0.3; exec python echo.py &")
    page(tmp_path, silent, commands).run()


def test_one_that_ends_too_early_fails_the_page(tmp_path: Path, commands: Path) -> None:
    broken = SECOND_SERVER.replace("It listens.\n$", "It never says this.\n$").replace("server.serve_forever()", "")
    with pytest.raises(AssertionError, match=r"It listens\.\s+lacks, of these lines: \[.It never says this\..\]"):
        page(tmp_path, broken, commands).run()


def test_a_page_is_marked_by_the_programs_that_it_calls(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(SECOND_SERVER, encoding="utf-8")
    assert programs_of(path) == {"python", "curl", "cat", "export", "echo", "touch", "ls", "nginx"}


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20
