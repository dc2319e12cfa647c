"""Proxies in front of a site, and somebody who asks there byte by byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.ports import wait_for
from tests.support.processes import ended
from tests.support.services import NGINX


class Answer:
    def __init__(self, response: Any) -> None:
        self.status: int = response.status
        self.headers = response.headers
        self.body: str = response.read().decode()
        self.challenges: list[str] = response.headers.get_all("WWW-Authenticate") or []


def ask(port: int, host: str, path: str, headers: Any = (), method: str = "GET", body: bytes = b"") -> Answer:
    """What is answered to a request whose path and headers arrive as they are written here."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": host, "Content-Length": str(len(body)), **dict(headers)}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    try:
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Upstream:
    """A WSGI application that knows no tokens, and what it was asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.seen.append(environ | {"body": body})
        status = "500 INTERNAL SERVER ERROR" if environ["PATH_INFO"].endswith("/broken") else "200 OK"
        start_response(status, [("Content-Length", "7")])
        return [b"station"]


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A program that listens on a port; it works and writes its log in the folder."""
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with folder.joinpath("server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, process_group=0)
    try:
        wait_for(port, server)
        yield
    finally:
        ended(server)


def nginx_with(folder: Path, conf: str) -> list[str]:
    """The command that starts nginx with a configuration; the folder holds what it writes."""
    folder.joinpath("nginx.conf").write_text(conf, encoding="utf-8")
    command = [str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return [*command, "-g", "user root;"] if os.getuid() == 0 else command  # who may read pytest's folders
