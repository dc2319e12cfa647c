"""docs/forward-auth.md: nginx, Caddy and HAProxy with the configurations that stand there, before a site without tokens."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import text

from tests.bound_tokens.places import Places as Bound
from tests.support.app import bearer, build_app, close_app, gateway_of, register
from tests.support.fronts import Answer, Upstream, ask, nginx_with, running
from tests.support.ports import free_port
from tests.support.proofs import ProofKey
from tests.support.proxy import Proxy
from tests.support.services import CADDY, HAPROXY
from tests.support.serving import serving

PAGE = Path(__file__).parents[2] / "docs" / "forward-auth.md"
SITE = "station.example.com"
PROTECT: list[dict[str, Any]] = [
    {"host": SITE, "path": "/public/*", "scopes": None},
    {"host": SITE, "path": "/*", "methods": ["GET"], "scopes": ["weather:read"]},
    {"host": SITE, "path": "/*", "scopes": ["weather:write"]},
    {"path": "/*", "scopes": None},  # what another site has open is not open here
]


class Places(NamedTuple):
    """Where a proxy listens, and what stands behind it: each as host and port."""

    front: str
    gateway: str
    station: str


def block(kind: str) -> str:
    [found] = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


def put(configuration: str, **places: str) -> str:
    """A configuration with other places than those that the page names."""
    for named, place in places.items():
        assert named in configuration
        configuration = configuration.replace(named, place)
    return configuration


def nginx(folder: Path, places: Places) -> list[str]:
    paths = "".join(f"{kind}_temp_path tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    upstreams = "".join(f"upstream {name} {{ server {getattr(places, name)}; }}\n" for name in ("gateway", "station"))
    site = f"server {{ listen {places.front}; server_name {SITE};\n{block('nginx')} }}"
    elsewhere = f"server {{ listen {places.front} default_server; return 404; }}"
    conf = f"daemon off; pid nginx.pid; events {{}} http {{ access_log off;\n{paths}{upstreams}{site}\n{elsewhere} }}"
    return nginx_with(folder, conf)


def caddy(folder: Path, places: Places) -> list[str]:
    site = f"http://{SITE}:{places.front.rpartition(':')[2]}"
    conf = put(block("caddyfile"), **{"gateway:5000": places.gateway, "station:8000": places.station})
    conf = put(conf, **{f"{SITE} {{": f"{site} {{\nbind 127.0.0.1"})
    folder.joinpath("Caddyfile").write_text(f"{{\nadmin off\n}}\n{conf}", encoding="utf-8")
    return [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def haproxy(folder: Path, places: Places) -> list[str]:
    script = folder / "oauth.lua"
    script.write_text(put(block("lua"), **{"127.0.0.1:5000": places.gateway}), encoding="utf-8")
    conf = put(
        block("haproxy"),
        **{"/etc/haproxy/oauth.lua": str(script), "bind :80": f"bind {places.front}", "station:8000": places.station},
    )
    folder.joinpath("haproxy.cfg").write_text(conf, encoding="utf-8")
    return [str(HAPROXY), "-db", "-f", str(folder / "haproxy.cfg")]


PROXIES: dict[str, Callable[[Path, Places], list[str]]] = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


class Front:
    """A proxy with the page's configuration, its gateway, the site behind it, and callers' tokens."""

    def __init__(self, name: str, port: int, app: Flask, station: Upstream, way: Proxy) -> None:
        self.name = name
        self.port = port
        self.app = app
        self.way = way  # from the proxy to the gateway
        self.seen = station.seen
        small = register(app, plan="small").client_id
        with app.app_context():
            tokens, client_id = gateway_of(app).tokens, register(app, client_name="B").client_id
            self.read, self.write = (
                bearer(tokens.issue(client_id, scope=f"weather:{what}", subject="Zo\u00eb\r\n")["access_token"])
                for what in ("read", "write")
            )
            self.small = bearer(tokens.issue(small, scope="weather:read")["access_token"])

    def ask(self, path: str, headers: Any = (), method: str = "GET", body: bytes = b"", host: str = SITE) -> Answer:
        return ask(self.port, host, path, headers, method, body)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in PROXIES])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp(request.param)
    station, port = Upstream(), free_port()

    def build(url: str) -> Flask:
        plans = {"small": {"quota": "1/day"}}
        return build_app(
            instance_path=str(folder / "instance"), OAUTH_DATABASE_URI=f"sqlite:///{folder / 'oauth.db'}",
            OAUTH_ISSUER=url, OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=PROTECT, OAUTH_PLANS=plans,
            OAUTH_DPOP=True, OAUTH_PUBLIC_ORIGINS=[f"http://{SITE}"],
        )  # fmt: skip

    with serving(build) as (gateway, app), serving(lambda _: station) as (upstream, _):
        way = Proxy("127.0.0.1", int(gateway.rpartition(":")[2]))
        places = Places(f"127.0.0.1:{port}", f"127.0.0.1:{way.port}", upstream.removeprefix("http://"))
        with running(PROXIES[request.param](folder, places), folder, port):
            yield Front(request.param, port, app, station, way)
        way.close()
        close_app(app)


def test_the_page_says_which_configurations_are_tried() -> None:
    text = PAGE.read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    proxies = ("nginx", "Traefik", "Caddy", "HAProxy", "Envoy")
    assert {name for name in proxies if "**Untried**" in parts[name]} == {"Traefik", "Envoy"}
    assert {name.lower() for name in proxies if "**Untried**" not in parts[name]} == PROXIES.keys()


def test_a_request_needs_a_token_with_what_its_path_and_method_ask_for(front: Front) -> None:
    refused = front.ask("/readings")
    (challenge,) = refused.challenges
    assert (refused.status, challenge.partition(", resource")[0]) == (401, 'DPoP realm="oauth", scope="weather:read"')
    bad = front.ask("/readings", bearer("bad"))
    assert bad.status == 401
    assert 'error="invalid_token"' in bad.challenges[0]
    lacking = front.ask("/readings", front.read, "POST", b"rain=3")
    assert lacking.status == 403
    assert 'error="insufficient_scope"' in lacking.challenges[0]
    assert 'scope="weather:write"' in lacking.challenges[0]
    assert front.ask("/readings", front.read).body == "station"
    assert front.ask("/public/today").body == "station"
    body = b"x" * 200_000
    assert front.ask("/readings?a=b%20c", front.write, "POST", body).status == 200
    seen = front.seen[-1]
    assert (seen["REQUEST_METHOD"], seen["QUERY_STRING"], seen["body"]) == ("POST", "a=b%20c", body)


def test_what_the_upstream_hears_is_the_gateway_s_word_alone(front: Front) -> None:
    forged = dict.fromkeys(("X-Auth-Subject", "X-Auth-Client", "X-Auth-Attributes", "X-Auth-Scopes"), "admin")
    for headers, path in ((front.read, "/readings"), ({}, "/public/today")):
        assert front.ask(path, headers | forged).status == 200
        told = {name: value for name, value in front.seen[-1].items() if name.startswith("HTTP_X_AUTH") and value}
        assert "HTTP_AUTHORIZATION" not in front.seen[-1]
        if headers:
            assert told.pop("HTTP_X_AUTH_CLIENT")
            assert told == {"HTTP_X_AUTH_SUBJECT": "Zo%C3%AB%0D%0A", "HTTP_X_AUTH_SCOPES": "weather:read"}
        else:
            assert told == {}


def test_no_header_path_or_host_finds_a_way_round(front: Front) -> None:
    count = len(front.seen)
    as_nginx = {"X-Original-URI": "/public/today", "X-Original-Method": "OPTIONS"}
    as_caddy = {"X-Forwarded-Uri": "/public/today", "X-Forwarded-Method": "OPTIONS", "X-Forwarded-Host": "a.example"}
    preflight = {"Access-Control-Request-Method": "GET"}
    for forged in (as_nginx, as_caddy, as_nginx | as_caddy, preflight):
        assert front.ask("/readings", forged | preflight).status in (401, 403), forged
    for path in (
        "/public/../readings", "/public/%2e%2e/readings", "/public/..%2freadings", "//readings", "/./readings",
        "/public//../readings", "/public/..;/readings", "/public/..%5creadings", "/%72eadings", "/readings?scope=",
        f"http://{SITE}/readings", "/readings?x=/public/today", "/oauth/verify",
    ):  # fmt: skip
        assert front.ask(path).status in (400, 401, 403, 404), path
    for host in ("a.example", f"{SITE}.a.example", "127.0.0.1"):
        front.ask("/readings", host=host)
    assert len(front.seen) == count
    assert front.ask("/readings", preflight, "OPTIONS").status == 200


def test_a_used_up_quota_and_a_database_that_is_away_are_said_to_the_caller(front: Front) -> None:
    assert front.ask("/readings", front.small).status == 200
    used_up = front.ask("/readings", front.small)
    assert (used_up.status, int(used_up.headers["Retry-After"]) > 60) == (429, True)
    engine = gateway_of(front.app).database.engine
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE oauth_access_token RENAME TO away"))
        away = front.ask("/readings", front.read)
        connection.execute(text("ALTER TABLE away RENAME TO oauth_access_token"))
    assert (away.status, away.headers["Retry-After"].isdecimal()) == (503, True)
    assert front.ask("/readings", front.read).status == 200


def test_nobody_gets_by_while_the_gateway_is_away(front: Front) -> None:
    front.way.close()
    status = front.ask("/readings", front.read).status
    front.way.open()
    assert status == {"nginx": 503, "caddy": 502, "haproxy": 503}[front.name]
    assert front.ask("/readings", front.read).status == 200


def test_an_error_of_the_upstream_s_own_stays_what_it_is(front: Front) -> None:
    answer = front.ask("/broken", front.read)
    assert (answer.status, answer.body) == (500, "station")


@pytest.mark.haproxy
def test_nobody_gets_by_where_haproxy_can_t_run_the_lines_in_lua(tmp_path: Path) -> None:
    station, port = Upstream(), free_port()
    with serving(lambda _: station) as (upstream, _):
        command = haproxy(tmp_path, Places(f"127.0.0.1:{port}", "127.0.0.1:1", upstream.removeprefix("http://")))
        script = tmp_path / "oauth.lua"
        without_client = script.read_text(encoding="utf-8").replace("core.httpclient", "core.not_there")  # before 2.5
        script.write_text(without_client, encoding="utf-8")
        with running(command, tmp_path, port):
            assert ask(port, SITE, "/readings").status == 503
    assert station.seen == []


def test_a_token_bound_to_a_key_passes_with_a_proof_of_the_caller_s_own_request(front: Front) -> None:
    holder = ProofKey()
    uri = f"http://{SITE}/readings/june"
    for method, scope in (("GET", "weather:read"), ("POST", "weather:write")):
        token = Bound.mint(front.app, {"jkt": holder.thumbprint}, scopes=(scope,))
        good = holder.with_token(token, method, f"{uri}?day=1")
        assert front.ask("/readings/june?day=1", good, method).status == 200
        for stolen in (
            good,
            bearer(token),
            {"Authorization": f"DPoP {token}"},
            ProofKey().with_token(token, method, uri),
            holder.with_token(token, "DELETE", uri),
            holder.with_token(token, method, f"http://{SITE}/oauth/verify"),
            holder.with_token(token, method, f"http://{SITE}/readings/july"),
        ):
            answer = front.ask("/readings/june?day=1", stolen, method)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
