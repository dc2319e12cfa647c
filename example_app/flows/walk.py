"""`Walk`: sends requests, shows them and their answers the way a person reads them, and checks the answers.

It takes nothing but the standard library, so that every byte on the way is to be seen here.
"""

from __future__ import annotations

import json
import re
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

TIMEOUT = 30
FORM = "application/x-www-form-urlencoded"
#: The headers of an answer that matter to a client.
TELLING = ("Content-Type", "Cache-Control", "WWW-Authenticate", "Location", "Retry-After")


class UnexpectedAnswer(Exception):
    """The server answered otherwise than the flow expects."""


@dataclass
class Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: str
    cookies: list[str] = field(default_factory=list)

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `UnexpectedAnswer` where it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswer(f"the answer is not JSON: {self.body[:200]!r}") from None


@dataclass
class Step:
    """One request and its answer."""

    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    expected: tuple[int, ...]
    answer: Answer | None = None
    checks: list[str] = field(default_factory=list)


class Walk:
    """A client on its way through flows against the server at `url`.

    `app_id` is the public client of the flows with a user. `quiet` prints nothing; `flows` has it all either way.
    """

    def __init__(
        self, url: str, client_id: str, client_secret: str, *, app_id: str = "weather-app", quiet: bool = False
    ) -> None:
        self.url = url.rstrip("/")
        self.client_id = client_id
        self.client_secret = client_secret
        self.app_id = app_id
        self.flows: list[dict[str, Any]] = []
        self._quiet = quiet
        self._steps: list[Step] = []

    def begin(self, name: str, about: str) -> None:
        """Begin a flow."""
        self._steps = []
        self.flows.append({"flow": name, "about": about, "steps": self._steps})
        self._print(f"\n{name}\n{'=' * len(name)}\n{about}")

    def tell(self, text: str) -> None:
        """Say what happens where no request is sent."""
        self._print(f"\n{textwrap.fill(text, 100) if chr(10) not in text else text}")

    def send(
        self,
        title: str,
        method: str,
        path: str,
        *,
        client: bool = False,
        token: str | None = None,
        form: dict[str, str] | Sequence[tuple[str, str]] | None = None,
        cookies: dict[str, str] | None = None,
        expect: int | tuple[int, ...] = 200,
    ) -> Answer:
        """Send a request and return its answer; `client` authenticates the client, `token` goes along as bearer.

        Raises `UnexpectedAnswer` where its status is not one that is expected.
        """
        headers = {}
        if client:
            headers["Authorization"] = basic(self.client_id, self.client_secret)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if form is not None:
            headers["Content-Type"] = FORM
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = "" if form is None else urlencode(form)
        expected = (expect,) if isinstance(expect, int) else expect
        url = path if "://" in path else self.url + path
        step = Step(title, method, url, headers, body, expected)
        self._steps.append(step)
        self._print(f"\n{len(self._steps)}. {title}\n\n{as_text(self._told(step))}")
        step.answer = exchange(step)
        self._print(f"\n{as_text(told_answer(step.answer))}")
        if step.answer.status not in expected:
            wanted = " or ".join(map(str, expected))
            raise UnexpectedAnswer(f"{method} {path} answered {step.answer.status}, expected was {wanted}")
        return step.answer

    def check(self, holds: bool, what: str) -> None:
        """Say what is to be seen in the last answer. Raises `UnexpectedAnswer` where it isn't."""
        if not holds:
            raise UnexpectedAnswer(f"it should be that {what}; it isn't")
        checks = self._steps[-1].checks
        checks.append(what)
        self._print(f"   ✓ {what}" if len(checks) > 1 else f"\n   ✓ {what}")

    def token(self) -> str:
        """A token of the client's own, for the flows that begin with one."""
        form = {"grant_type": "client_credentials", "scope": "weather:read"}
        answer = self.send("First, a token.", "POST", "/oauth/token", client=True, form=form)
        return str(answer.json["access_token"])

    def as_json(self) -> str:
        """All that was sent and answered."""
        flows = [{**flow, "steps": [asdict(step) for step in flow["steps"]]} for flow in self.flows]
        return json.dumps({"url": self.url, "flows": flows}, indent=2)

    def _told(self, step: Step) -> str:
        shown = {**step.headers}
        if "Cookie" in shown:
            shown["Cookie"] = re.sub(r"=[^;]{12}[^;]*", "=…", shown["Cookie"])
        lines = [f"{step.method} {step.url}", *(f"{name}: {value}" for name, value in shown.items())]
        if step.headers.get("Authorization", "").startswith("Basic "):
            lines.insert(2, f"    (base64 of {quote_plus(self.client_id)}:{quote_plus(self.client_secret)})")
        return "\n".join([*lines, "", step.body] if step.body else lines)

    def _print(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)


def basic(client_id: str, client_secret: str) -> str:
    """The header of client_secret_basic: both parts form-encoded (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def exchange(step: Step) -> Answer:
    """Send a request as it stands, following no redirect. Raises `UnexpectedAnswer` where nobody answers."""
    parts = urlsplit(step.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(step.method, target, step.body or None, step.headers)
        response = connection.getresponse()
        headers = {name: value for name in TELLING if (value := response.getheader(name)) is not None}
        cookies = response.headers.get_all("Set-Cookie") or []
        return Answer(response.status, response.reason, headers, response.read().decode(errors="replace"), cookies)
    except (OSError, HTTPException) as error:
        raise UnexpectedAnswer(f"{step.url} can't be reached: {error}") from error
    finally:
        connection.close()


def told_answer(answer: Answer) -> str:
    """An answer, JSON the way a person reads it."""
    body = answer.body.strip()
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        body = json.dumps(answer.json, indent=2, ensure_ascii=False)
    elif answer.headers.get("Content-Type", "").startswith("text/html"):
        title = re.search(r"<title>(.*?)</title>", body, re.DOTALL)
        body = f"(the page “{unescape(title[1])}”)" if title and "Location" not in answer.headers else ""
    lines = [f"{answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.headers.items())]
    return "\n".join([*lines, "", body] if body else lines)


def as_text(block: str) -> str:
    """A block, indented as the text around it isn't."""
    return textwrap.indent(block, "   ")
