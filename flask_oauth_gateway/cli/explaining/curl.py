"""Reads a curl line, or just a URL, as a request."""

from __future__ import annotations

import argparse
import shlex
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote_plus, urlsplit

from ...errors import shown, without_secrets

FORM = "application/x-www-form-urlencoded"


class NotUnderstood(ValueError):
    """The line is neither a URL nor a curl line, or has an unknown option."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request in a line."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise NotUnderstood(f"The curl line can't be read: {message}.")


def _parser() -> _Parser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("urls", nargs="*")
    parser.add_argument("--url", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-u", "--user")
    parser.add_argument("--oauth2-bearer")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    for name in ("--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode"):
        short = ["-d"] if name == "--data" else []
        encoded = name == "--data-urlencode"
        parser.add_argument(
            *short, name, dest="data", action="append", type=_encoded if encoded else _plain, default=[]
        )
    for flags in (["-s", "--silent"], ["-S", "--show-error"], ["-k", "--insecure"], ["-i", "--include"], ["-v", "--verbose"],
                  ["-L", "--location"], ["-f", "--fail"], ["--compressed"]):  # fmt: skip
        parser.add_argument(*flags, action="store_true")
    for flags in (
        ["-o", "--output"],
        ["-w", "--write-out"],
        ["-m", "--max-time"],
        ["-A", "--user-agent"],
        ["-b", "--cookie"],
    ):
        parser.add_argument(*flags)
    return parser


def read_line(words: Sequence[str]) -> Wanted:
    """The request in a URL or a curl line, given as one text or as words. Raises `NotUnderstood`."""
    try:
        line = (
            shlex.split(words[0].replace("\\\n", " ")) if len(words) == 1 and " " in words[0].strip() else list(words)
        )
    except ValueError as error:
        raise NotUnderstood(f"The line can't be read: {error}.") from None
    if line[:1] != ["curl"]:
        if len(line) != 1:
            raise NotUnderstood("Give one URL, or a line that begins with curl.")
        return Wanted("GET", _url(line[0]))
    given = _parser().parse_args(line[1:])
    urls = [*given.url, *given.urls]
    if len(urls) != 1:
        raise NotUnderstood("The curl line names no URL, or more than one.")
    url, data = _url(urls[0]), "&".join(given.data)
    headers = []
    for number, header in enumerate(given.header, 1):
        name, colon, value = header.partition(":")
        if not colon:
            raise NotUnderstood(f"Header {number} has no colon.")
        headers.append((name.strip(), value.strip()))
    if given.user is not None:
        headers.append(("Authorization", f"Basic {b64encode(given.user.encode()).decode()}"))
    if given.oauth2_bearer is not None:
        headers.append(("Authorization", f"Bearer {given.oauth2_bearer}"))
    if given.get and data:
        url, data = f"{url}{'&' if '?' in url else '?'}{data}", ""
    if given.data and not given.get and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", FORM))
    method = given.request or ("HEAD" if given.head else "POST" if given.data and not given.get else "GET")
    return Wanted(method.upper(), url, headers, data.encode())


def _url(text: str) -> str:
    is_url = "://" in text or text.startswith("/")
    if not is_url and without_secrets(text) != text:  # a key or token: what is shown of a URL would hold its end
        raise NotUnderstood(f"{shown(text)} is no URL.")
    text = text if "://" in text or text.startswith("/") else f"http://{text}"
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("", "http", "https") and (parts.port is None or True)
    except ValueError:
        fine = False
    if not fine:
        raise NotUnderstood(f"{shown(text, 80)} is no http URL.")
    return text


def _plain(value: str) -> str:
    if value.startswith("@"):
        raise argparse.ArgumentTypeError("a file after -d is not read: put its content there")
    return value


def _encoded(value: str) -> str:
    name, equals, content = value.partition("=")
    return f"{name}={quote_plus(content)}" if equals and name else quote_plus(content if equals else value)
