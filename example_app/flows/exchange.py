"""One request and its answer, with only the standard library, so that every byte on the way can be seen."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote_plus, urlsplit

TIMEOUT = 30
#: The headers of an answer that matter to a client.
TELLING = ("Content-Type", "Cache-Control", "WWW-Authenticate", "Location", "Retry-After")


class UnexpectedAnswer(Exception):
    """The server's answer is not the one that the flow expects."""


@dataclass
class Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: str
    cookies: list[str] = field(default_factory=list)

    @property
    def json(self) -> Any:
        """Return the body as JSON. Raises `UnexpectedAnswer` if it isn't JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswer(f"the answer is not JSON: {self.body[:200]!r}") from None


@dataclass
class Step:
    """One request, and its answer once the request was sent."""

    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    expected: tuple[int, ...]
    answer: Answer | None = None
    checks: list[str] = field(default_factory=list)
    #: The members of a long JSON answer that matter here; the others are left out where it is shown. Empty: all.
    only: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[dict[str, Any], int]:
        """The answer's JSON as it is shown, and how many members are left out. Raises `UnexpectedAnswer` if it isn't JSON."""
        body = {} if self.answer is None else self.answer.json
        kept = {name: value for name, value in body.items() if name in self.only} if self.only else body
        return kept, len(body) - len(kept)


def exchange(step: Step, also: dict[str, str] | None = None) -> Answer:
    """Send a request unchanged, and follow no redirect. Raises `UnexpectedAnswer` if nobody answers.

    `also` are headers that belong to whoever shows it, and not to the request.
    """
    parts = urlsplit(step.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(step.method, target, step.body or None, {**step.headers, **(also or {})})
        response = connection.getresponse()
        headers = {name: value for name in TELLING if (value := response.getheader(name)) is not None}
        cookies = response.headers.get_all("Set-Cookie") or []
        return Answer(response.status, response.reason, headers, response.read().decode(errors="replace"), cookies)
    except (OSError, HTTPException) as error:
        raise UnexpectedAnswer(f"{step.url} can't be reached: {error}") from error
    finally:
        connection.close()


def basic(client_id: str, client_secret: str) -> str:
    """Return the header of client_secret_basic, with both parts form-encoded (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"
