"""Every example in the README and in docs/ works as it is written."""

import time
from pathlib import Path

import pytest
import requests

from tests.docs.accounts import arrive
from tests.docs.pages import Page, programs_of
from tests.support.serving import Form

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
#: Programs that not every machine has. A page whose commands call one carries its mark.
PROGRAMS = {"nginx": pytest.mark.nginx, "uvicorn": pytest.mark.mcp_sdks}
LONG = {"tutorial.md": pytest.mark.timeout(180)}  # sixty commands


def sign_in_and_out_at_the_dashboard(page: Page) -> None:
    """What the page asks its reader to do with a browser; then out at the app, which tells the dashboard."""
    accounts, dashboard = (f"http://127.0.0.1:{page.ports[port]}" for port in ("5000", "5001"))
    with requests.Session() as browser:
        assert arrive(browser, f"{dashboard}/").text == "Hello, Alice Liddell!"
        assert browser.post(Form(browser.get(f"{dashboard}/account")).action).text == "Signed out."
        assert browser.get(f"{dashboard}/").url.startswith(f"{accounts}/login?"), "signed out at both"
        assert arrive(browser, f"{dashboard}/").text == "Hello, Alice Liddell!"
        form = Form(browser.get(f"{accounts}/oauth/logout"))
        browser.post(f"{accounts}/oauth/logout", data=form.fields)
        until = time.monotonic() + 20
        while browser.get(f"{dashboard}/", allow_redirects=False).status_code == 200:
            assert time.monotonic() < until, "the dashboard hasn't been told"
            time.sleep(0.1)
    forged = requests.post(f"{dashboard}/backchannel-logout", data={"logout_token": "e30.e30.e30"})
    assert forged.status_code == 400


LOOKS = {"openid.md": sign_in_and_out_at_the_dashboard}


def marked(path: Path) -> pytest.ParameterSet:
    marks = [PROGRAMS[name] for name in sorted(PROGRAMS.keys() & programs_of(path))]
    if path.name in LONG:
        marks.append(LONG[path.name])
    return pytest.param(path, marks=marks)


@pytest.mark.parametrize("path", [marked(path) for path in PAGES], ids=NAMES)
def test_the_examples_work(path: Path, tmp_path: Path, quick_commands: Path) -> None:
    page = Page(path, tmp_path, quick_commands)
    if not page.is_empty:
        page.run(LOOKS.get(path.name, lambda _: None))


def test_the_index_names_every_page() -> None:
    docs = ROOT / "docs"
    index = docs.joinpath("index.md").read_text(encoding="utf-8")
    missing = [page for path in docs.rglob("*.md") if f"({(page := str(path.relative_to(docs)))})" not in index]
    assert missing == ["index.md"]


def test_the_quick_start_of_the_readme_is_run() -> None:
    """The blocks are found as they are meant: one program, and the two requests at the end."""
    text = PAGES[0].read_text(encoding="utf-8")
    assert text.count("```python\n") == 1
    assert "\n$ flask oauth client create " in text
    assert text.count("\n$ curl ") == 2
