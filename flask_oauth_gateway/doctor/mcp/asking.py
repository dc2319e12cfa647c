"""Asks a server as a client would: no redirect is followed, and every answer is shown, whatever its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from werkzeug.datastructures import WWWAuthenticate

SECONDS = 10
MAX_BYTES = 262144
ORIGIN = "https://client.invalid"  # that of a page which nobody has
USER_AGENT = "flask-oauth-gateway"


class Away(Exception):
    """Nobody answers there; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server."""

    url: str
    status: int
    headers: Message
    body: bytes

    @property
    def is_redirect(self) -> bool:
        return self.status in (301, 302, 303, 307, 308)

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people in the place of a document for programs."""
        kind = self.headers.get_content_type() if "Content-Type" in self.headers else ""
        return kind == "text/html" or self.body.lstrip()[:1] == b"<"

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON object that it holds; `None` where it is anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    @property
    def error(self) -> str | None:
        """The OAuth error that it is (RFC 6749 section 5.2)."""
        code = (self.document or {}).get("error")
        return code if isinstance(code, str) else None

    @property
    def challenge(self) -> WWWAuthenticate | None:
        """The challenge for a bearer token (RFC 6750 section 3)."""
        for header in self.headers.get_all("WWW-Authenticate", ()):
            found = WWWAuthenticate.from_header(header)
            if found is not None and found.type == "bearer":
                return found
        return None

    def names(self, header: str) -> set[str]:
        """The names that a header lists, in lower case."""
        listed = ",".join(self.headers.get_all(header, ())).lower()
        return {name.strip() for name in listed.split(",") if name.strip()}

    @property
    def is_for_browsers(self) -> bool:
        """Whether a page of another origin may read it."""
        return bool({"*", ORIGIN} & self.names("Access-Control-Allow-Origin"))


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = build_opener(_NoRedirect)


def ask(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """The server's answer to one request. Raises `Away`. Whoever runs the doctor chooses the URL, so it may be any host's."""
    if not is_http(url):
        raise Away("it is no http or https URL")
    sent = {"User-Agent": USER_AGENT, "Origin": ORIGIN, "Accept": "application/json"} | dict(headers or {})
    request = Request(url, body, sent, method=method)  # noqa: S310 (its scheme was checked)
    try:
        try:
            answer = _opener.open(request, timeout=SECONDS)
        except HTTPError as error:  # as it calls every status but 2xx
            answer = error
        with answer:
            return Answer(url, answer.status, answer.headers, answer.read(MAX_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise Away(str(getattr(error, "reason", None) or error) or type(error).__name__) from error


def is_http(url: str) -> bool:
    """Whether this is a URL that can be asked."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def listed(document: Mapping[str, Any], member: str) -> list[str] | None:
    """The texts that a member of a document lists; `None` where it is left out, or no list."""
    found = document.get(member)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else None


def post_form(url: str, fields: Mapping[str, str]) -> Answer:
    """Send a form, as clients do at the token endpoint."""
    return ask("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode())


def post_json(url: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Send JSON."""
    return ask("POST", url, {"Content-Type": "application/json"} | dict(headers or {}), json.dumps(body).encode())


def preflight(url: str, method: str, headers: str) -> Answer:
    """Ask what a browser asks before it sends the request itself (CORS)."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return ask("OPTIONS", url, asked)
