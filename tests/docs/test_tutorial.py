"""What the tutorial's own test can't run: its notice board in a real browser, and what is installed at its start."""

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.docs.pages import Page, wait_for
from tests.support.browser import Browser
from tests.support.processes import ended

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
STEPS = 5  # as it is, 1, 2, 3, 4
SERVE = """
import sys
from app import create_app
from demo import demo_data
from oauth import gateway

app = create_app()
with app.app_context():
    demo_data()
    gateway.clients.create(
        client_id="board", client_name="Notice board", token_endpoint_auth_method="none", redirect_uris=[sys.argv[2]],
        grant_types=["authorization_code"], scope="notes:read",
    )
app.run(port=int(sys.argv[1]))
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def board(tmp_path: Path) -> Iterator[str]:
    """The address of the board, beside the notes app as step 4 leaves it."""
    page = Page(TUTORIAL, tmp_path, tmp_path)
    page.write(STEPS)
    folder, port = tmp_path / "board", page.ports["5000"]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        script = folder / "board.js"
        script.write_text(script.read_text().replace("http://127.0.0.1:8000/", url))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with (tmp_path / "server.log").open("wb") as log:
            command = [sys.executable, "-c", SERVE, str(port), url]
            notes = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, process_group=0)
        try:
            wait_for(port, notes)
            yield url
        finally:
            ended(notes)
            server.shutdown()


@pytest.mark.chromium
def test_the_board_shows_the_notes_of_who_allows_it(browser: Browser, board: str) -> None:
    page = browser.new_context().new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(board)
    page.get_by_role("button", name="Show my notes").click()
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Read your notes")).to_be_checked()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("listitem")).to_have_text("Buy tea")
    assert page.url == board

    expect(page.get_by_role("alert")).to_be_empty()

    page.get_by_role("button", name="Show my notes").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("alert")).to_have_text("access_denied: The user refused.")
    expect(page.get_by_role("listitem")).to_have_count(0)

    # A refusal in JSON: of a code that was none.
    server = page.evaluate("server")
    page.evaluate("sessionStorage.setItem('asked', JSON.stringify({verifier: 'v'.repeat(43), state: 'mine'}))")
    page.goto(f"{board}?state=mine&code=none&iss={server}")
    expect(page.get_by_role("alert")).to_have_text(re.compile("^invalid_grant: .+"))
    assert complaints == []


def test_its_first_lines_install_what_a_checkout_has() -> None:
    """`.ci/run wheel` runs them, as they ask a package index for the rest."""
    block = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)[0]
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    [installed] = [line[2:] for line in lines if line[:2] == ["pip", "install"]]
    assert installed == [".", "Flask-Login", "pytest"]
    assert "flask-oauth-gateway" not in {word for line in lines for word in line}
