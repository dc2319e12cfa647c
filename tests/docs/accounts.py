"""The app of docs/openid.md, served, and Alice with a browser, who presses its buttons."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.docs.pages import app_of
from tests.support.serving import Form, serving

DOCS = Path(__file__).parents[2] / "docs"


def arrive(browser: requests.Session, url: str) -> requests.Response:
    """Go to an address of a program; sign in and allow where the app asks that. Returns where alice is in the end."""
    page = browser.get(url)
    for _ in range(3):
        if 'method="post"' not in page.text:
            break
        form = Form(page)
        page = browser.post(form.action or page.url, data=[*form.fields, ("decision", "allow")])
    return page


@dataclass
class Accounts:
    """The app of docs/openid.md at an address of its own, and Alice's browser."""

    url: str
    app: Any
    browser: requests.Session

    def register(self, page: str) -> tuple[str, str]:
        """Run the command of a page; returns what it prints."""
        (line,) = re.findall(r"^\$ flask (oauth client create .*)$", page, re.MULTILINE)
        printed = self.app.test_cli_runner().invoke(args=shlex.split(line)).output
        (client_id,) = re.findall(r"^client_id: +(\S+)", printed, re.MULTILINE)
        (client_secret,) = re.findall(r"^client_secret: +(\S+)", printed, re.MULTILINE)
        return client_id, client_secret

    def metadata(self) -> dict[str, Any]:
        return dict(requests.get(f"{self.url}/.well-known/openid-configuration").json())


def app_for(url: str, folder: Path) -> Any:
    names: dict[str, Any] = {"__name__": "accounts"}
    code = app_of(DOCS / "openid.md").replace(
        'app.config["OAUTH_OIDC"]',
        f'app.config["OAUTH_ISSUER"] = {url!r}\napp.config["OAUTH_DATABASE_URI"] = {f"sqlite:///{folder}/oauth.db"!r}\n'
        'app.config["SESSION_COOKIE_NAME"] = "accounts"\napp.config["OAUTH_OIDC"]',
    )
    exec(compile(code, "openid.md", "exec"), names)  # noqa: S102  # the page's own example
    return names["app"]


@contextmanager
def accounts_in(folder: Path) -> Iterator[Accounts]:
    with serving(lambda url: app_for(url, folder)) as (url, app), requests.Session() as browser:
        yield Accounts(url, app, browser)
        app.extensions["oauth_gateway"].close()
