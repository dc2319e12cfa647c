"""The real nginx with the example's configuration, in front of files and of an application that knows no tokens."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from example_app import create_app
from tests.support.app import bearer, close_app
from tests.support.ports import free_port, wait_for
from tests.support.services import NGINX
from tests.support.serving import serving

pytestmark = pytest.mark.nginx

CONF = Path(__file__).parent.parent.parent / "example_app" / "nginx.conf"
ARCHIVE, STATION = "archive.localhost", "station.localhost"


class Answer:
    def __init__(self, response: Any) -> None:
        self.status: int = response.status
        self.body: str = response.read().decode()
        self.challenges: list[str] = response.headers.get_all("WWW-Authenticate") or []


class Sites:
    """What stands behind nginx, and somebody who asks there byte by byte."""

    def __init__(self, port: int, app: Flask, seen: list[dict[str, Any]]) -> None:
        self.port = port
        self.seen = seen
        with app.app_context():
            tokens = app.extensions["oauth_gateway"].tokens
            self.read, self.write = (
                bearer(tokens.issue("weather-app", scope=f"weather:{what}", subject="Zo\u00eb\r\n")["access_token"])
                for what in ("read", "write")
            )

    def ask(self, host: str, path: str, headers: Any = (), method: str = "GET", body: bytes = b"") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": host, "Content-Length": str(len(body)), **dict(headers)}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()


@contextmanager
def nginx(folder: Path, **ports: int) -> Iterator[None]:
    conf = CONF.read_text(encoding="utf-8")
    for port, instead in ports.items():
        assert f"127.0.0.1:{port[1:]}" in conf
        conf = conf.replace(f"127.0.0.1:{port[1:]}", f"127.0.0.1:{instead}")
    folder.joinpath("nginx.conf").write_text(conf, encoding="utf-8")
    command = [str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    if os.getuid() == 0:
        command += ["-g", "user root;"]  # who may read pytest's folders
    with folder.joinpath("nginx.log").open("wb") as log:
        server = subprocess.Popen(command, stderr=log)
    try:
        wait_for(ports["_8080"], server)
        yield
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("nginx")
    for name in ("public", "private"):
        folder.joinpath("archive", name).mkdir(parents=True)
        folder.joinpath("archive", name, "june.txt").write_text(f"{name} june", encoding="utf-8")
    seen: list[dict[str, Any]] = []

    def station(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        seen.append(environ | {"body": body})
        start_response("200 OK", [("Content-Length", "7")])
        return [b"station"]

    def build(url: str) -> Flask:
        from example_app.seed import seed

        app = create_app({"OAUTH_ISSUER": url}, instance_path=str(folder / "instance"))
        seed(app)
        return app

    port = free_port()
    with serving(build) as (gateway, app), serving(lambda _: station) as (upstream, _):
        gateway_port, upstream_port = (int(url.rpartition(":")[2]) for url in (gateway, upstream))
        with nginx(folder, _5000=gateway_port, _5001=upstream_port, _8080=port):
            yield Sites(port, app, seen)
        close_app(app)


def test_files_need_a_token_with_the_scope(sites: Sites) -> None:
    refused = sites.ask(ARCHIVE, "/private/june.txt")
    (challenge,) = refused.challenges
    assert (refused.status, challenge.partition(", resource")[0]) == (401, 'Bearer realm="oauth", scope="weather:read"')
    bad = sites.ask(ARCHIVE, "/private/june.txt", bearer("bad"))
    assert bad.status == 401
    assert 'error="invalid_token"' in bad.challenges[0]
    lacking = sites.ask(ARCHIVE, "/private/june.txt", sites.write)
    assert lacking.status == 403
    assert [text.split(", ")[-2] for text in lacking.challenges] == ['scope="weather:read"']
    assert sites.ask(ARCHIVE, "/private/june.txt", bearer("a b")).status == 401
    good = sites.ask(ARCHIVE, "/private/june.txt", sites.read)
    assert (good.status, good.body) == (200, "private june")
    assert sites.ask(ARCHIVE, "/private/none.txt", sites.read).status == 404
    assert sites.ask(ARCHIVE, "/private/none.txt").status == 401
    assert sites.ask(ARCHIVE, "/public/june.txt?scope=x").body == "public june"


def test_no_path_and_no_header_finds_a_way_round(sites: Sites) -> None:
    for path in (
        "/public/../private/june.txt", "/public/%2e%2e/private/june.txt", "/public/..%2fprivate/june.txt",
        "//private/june.txt", "/public//../private/june.txt", "/./private/june.txt", "/public/%2e%2e//private/june.txt",
        "/%70rivate/june.txt", "/private/june.txt?scope=&x=/public/", "/private/june.txt#/public/", "/_verify",
        "http://archive.localhost/private/june.txt", "/public/..;/private/june.txt", "/PUBLIC/../private/june.txt",
    ):  # fmt: skip
        answer = sites.ask(ARCHIVE, path)
        assert answer.status in (400, 401, 403, 404), path
        assert "june" not in answer.body
    assert sites.ask(ARCHIVE, "//private//june.txt", sites.read).body == "private june"
    forged = {
        "X-Original-URI": "/public/june.txt",
        "X-Forwarded-Uri": "/public/june.txt",
        "X-Original-Method": "OPTIONS",
    }
    forged |= {"X-Forwarded-Method": "OPTIONS", "Access-Control-Request-Method": "GET", "X-Forwarded-Host": ARCHIVE}
    assert sites.ask(ARCHIVE, "/private/june.txt", forged).status == 401
    assert sites.ask("other.localhost", "/public/june.txt", sites.read).status == 404


def test_an_upstream_hears_whose_token_it_is_from_nobody_else(sites: Sites) -> None:
    forged = dict.fromkeys(
        ("X-Auth-Subject", "X_Auth_Subject", "X-Auth-Client", "X-Auth-Attributes", "X-Auth-Scopes"), "admin"
    )
    assert sites.ask(STATION, "/readings", forged).status == 401
    assert sites.ask(STATION, "/readings", sites.read | forged, "POST", b"mine").status == 403
    assert sites.seen == []
    assert sites.ask(STATION, "/readings?a=b", sites.read | forged).body == "station"
    told = {name: value for name, value in sites.seen[-1].items() if name.startswith("HTTP_X_AUTH")}
    # An empty header is one that nginx doesn't send.
    assert told == {
        "HTTP_X_AUTH_SUBJECT": "Zo%C3%AB%0D%0A",
        "HTTP_X_AUTH_CLIENT": "weather-app",
        "HTTP_X_AUTH_SCOPES": "weather:read",
    }
    assert "HTTP_AUTHORIZATION" not in sites.seen[-1]
    assert sites.ask(STATION, "/readings", sites.write, "POST", b"x" * 50_000).status == 200
    assert (sites.seen[-1]["REQUEST_METHOD"], sites.seen[-1]["body"]) == ("POST", b"x" * 50_000)
