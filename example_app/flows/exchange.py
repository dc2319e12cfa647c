"""One request and its answer, with nothing but the standard library: every byte on the way is to be seen here."""

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
    """One request, and its answer once it is sent."""

    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    expected: tuple[int, ...]
    answer: Answer | None = None
    checks: list[str] = field(default_factory=list)


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


def basic(client_id: str, client_secret: str) -> str:
    """The header of client_secret_basic: both parts form-encoded (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"
