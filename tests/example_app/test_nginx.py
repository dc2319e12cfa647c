"""The real nginx with the example's configuration, in front of files and of an application that knows no tokens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from example_app import create_app
from tests.support.app import bearer, close_app
from tests.support.fronts import Answer, Upstream, ask, nginx_with, running
from tests.support.ports import free_port
from tests.support.serving import serving

pytestmark = pytest.mark.nginx

CONF = Path(__file__).parent.parent.parent / "example_app" / "nginx.conf"
ARCHIVE, STATION = "archive.localhost", "station.localhost"


class Sites:
    """What stands behind nginx, and who asks there."""

    def __init__(self, port: int, app: Flask, upstream: Upstream) -> None:
        self.port = port
        self.seen = upstream.seen
        with app.app_context():
            gateway = app.extensions["oauth_gateway"]
            self.read, self.write = (
                bearer(
                    gateway.tokens.issue("weather-app", scope=f"weather:{what}", subject="Zo\u00eb\r\n")["access_token"]
                )
                for what in ("read", "write")
            )
            gateway.clients.update("weather-station", plan="small")
            self.small = bearer(gateway.tokens.issue("weather-station")["access_token"])

    def ask(self, host: str, path: str, headers: Any = (), method: str = "GET", body: bytes = b"") -> Answer:
        return ask(self.port, host, path, headers, method, body)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("nginx")
    for name in ("public", "private"):
        folder.joinpath("archive", name).mkdir(parents=True)
        folder.joinpath("archive", name, "june.txt").write_text(f"{name} june", encoding="utf-8")
    station = Upstream()

    def build(url: str) -> Flask:
        from example_app.seed import seed

        config = {"OAUTH_ISSUER": url, "OAUTH_PLANS": {"small": {"quota": "1/day"}}}
        app = create_app(config, instance_path=str(folder / "instance"))
        seed(app)
        return app

    port = free_port()
    with serving(build) as (gateway, app), serving(lambda _: station) as (upstream, _):
        conf = CONF.read_text(encoding="utf-8")
        for named, url in (("5000", gateway), ("5001", upstream), ("8080", f"http://127.0.0.1:{port}")):
            assert f"127.0.0.1:{named}" in conf
            conf = conf.replace(f"127.0.0.1:{named}", url.removeprefix("http://"))
        with running(nginx_with(folder, conf), folder, port):
            yield Sites(port, app, station)
        close_app(app)


def test_files_need_a_token_with_the_scope(sites: Sites) -> None:
    refused = sites.ask(ARCHIVE, "/private/june.txt")
    (challenge,) = refused.challenges
    assert (refused.status, challenge.partition(", resource")[0]) == (401, 'DPoP realm="oauth", scope="weather:read"')
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


def test_a_used_up_quota_is_said_to_the_caller(sites: Sites) -> None:
    assert sites.ask(ARCHIVE, "/private/june.txt", sites.small).status == 200
    for host in (ARCHIVE, STATION):
        answer = sites.ask(host, "/private/june.txt", sites.small)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 60
