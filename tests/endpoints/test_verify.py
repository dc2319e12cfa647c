"""`/oauth/verify`: forward auth, as nginx, Traefik, Caddy and Envoy ask."""

import functools
import json
import posixpath
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.support.app import bearer, refusal, register, token_for

PROTECT: list[dict[str, Any]] = [
    {"path": "/public/*", "scopes": None},
    {"host": "Admin.example", "path": "/*", "scopes": ["weather:write"]},
    {"path": "/files/*", "methods": ["GET"], "scopes": ["weather:read"]},
    {"path": "/files/*", "scopes": ["weather:write"]},
    {"path": "/names/<name>", "scopes": ["weather:write"]},
    {"path": "/names/*", "scopes": []},
]
AUTH = ("X-Auth-Subject", "X-Auth-Client", "X-Auth-Scopes", "X-Auth-Attributes")


class Proxy:
    """Asks as a proxy does, with the tokens of a caller."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.registered = register(app)
        self.read, self.write = (self.token(scope) for scope in ("weather:read", "weather:write"))

    def token(self, scope: str) -> dict[str, str]:
        return bearer(token_for(self.client, self.registered, scope=scope)["access_token"])

    def nginx(self, path: str, method: str = "GET", headers: Any = (), **more: str) -> int:
        asked = {"X-Original-URI": path, "X-Original-Method": method, **dict(headers), **more}
        return self.client.get("/oauth/verify", headers=asked).status_code

    def forwarded(
        self, path: str, method: str = "GET", host: str = "a.example", headers: Any = (), query: str = ""
    ) -> int:
        asked = {"X-Forwarded-Uri": path, "X-Forwarded-Method": method, "X-Forwarded-Host": host, **dict(headers)}
        return self.client.get(f"/oauth/verify{query}", headers=asked).status_code

    def asking(self, query: str, headers: Any = (), method: str = "GET") -> int:
        return self.client.open(f"/oauth/verify{query}", method=method, headers=dict(headers)).status_code


@pytest.fixture
def proxy(make_app: Callable[..., Flask]) -> Proxy:
    return Proxy(make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=PROTECT))


@pytest.fixture
def plain(make_app: Callable[..., Flask]) -> Proxy:
    return Proxy(make_app(OAUTH_FORWARD_AUTH=True))


# What the URL asks for


def test_the_url_that_the_proxy_calls_says_what_is_asked_for(plain: Proxy) -> None:
    for query, expected in {
        "": [401, 204, 204],
        "?scope=": [401, 204, 204],
        "?scope=weather:read": [401, 204, 403],
        "?scope=weather:read+weather:write": [401, 403, 403],
        "?any_of=weather:write%20other": [401, 403, 204],
        "?scope=weather:read&audience=https://api.example": [401, 401, 403],
    }.items():
        assert [plain.asking(query, headers) for headers in ({}, plain.read, plain.write)] == expected, query
    for method in ("POST", "PUT", "PROPFIND", "OPTIONS", "HEAD", "ODD"):
        assert [plain.asking("?scope=weather:read", each, method) for each in ({}, plain.read)] == [401, 204], method


@pytest.mark.parametrize(
    "query", ["?scopes=a", "?scope=a&scope=b", "?any_of=", "?audience=", '?scope=a"b', "?scope=a&x", "?scope=%00"]
)
def test_a_url_that_can_t_be_understood_lets_nobody_through(plain: Proxy, query: str) -> None:
    assert [plain.asking(query, headers) for headers in ({}, plain.read)] == [403, 403]


def test_a_refusal_is_401_or_403_with_the_challenge(plain: Proxy) -> None:
    client = plain.client
    refused = client.get("/oauth/verify")
    refusal(refused, 401, "unauthorized")
    metadata = 'resource_metadata="http://localhost/.well-known/oauth-protected-resource"'
    assert refused.headers["WWW-Authenticate"] == f'Bearer realm="oauth", {metadata}'
    lacking = client.get("/oauth/verify?scope=weather:write", headers=plain.read)
    refusal(lacking, 403, "insufficient_scope")
    assert 'scope="weather:write"' in lacking.headers["WWW-Authenticate"]
    malformed = client.get("/oauth/verify", headers={"Authorization": "Bearer a b"})
    refusal(malformed, 401, "invalid_request")
    assert 'error="invalid_request"' in malformed.headers["WWW-Authenticate"]


# Without OAUTH_PROTECT


def test_without_rules_any_good_token_passes_wherever_the_proxy_names_the_path(plain: Proxy) -> None:
    callers: list[dict[str, str]] = [{}, plain.read, plain.write, bearer("bad")]
    for path in ("/files/a", "/files/a?b=c", "/", "/public/../files/a", "/%zz", "*"):
        for ask in (plain.nginx, plain.forwarded):
            assert [ask(path, headers=each) for each in callers] == [401, 204, 204, 401], path
            assert [ask(path, "DELETE", headers=each) for each in callers] == [401, 204, 204, 401], path
    for path in ("/files/a?b=c", "/", "/public/%2e%2e/a"):  # Envoy
        asked = [plain.client.put(f"/oauth/verify{path}", headers=each) for each in callers]
        assert [each.status_code for each in asked] == [401, 200, 200, 401], path
    refused = plain.client.get("/oauth/verify", headers={"X-Original-URI": "/files/a", "X-Original-Method": "GET"})
    refusal(refused, 401, "unauthorized")
    assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="oauth", resource_metadata=')
    by_envoy = plain.client.get("/oauth/verify/files/a")
    refusal(by_envoy, 401, "unauthorized")
    assert by_envoy.headers["WWW-Authenticate"] == refused.headers["WWW-Authenticate"]


def test_without_rules_nobody_needs_to_be_believed_and_nobody_gets_by_without_a_token(plain: Proxy) -> None:
    told = {"X-Original-URI": "/files/a", "X-Original-Method": "GET"}
    for headers, status in ((told, 401), (told | plain.read, 204), ({"X-Original-URI": "/x"} | plain.read, 204)):
        answer = plain.client.get("/oauth/verify", headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        assert answer.status_code == status
    # A proxy that names no path passes on its caller's headers: they may say that this is a preflight.
    preflight = {"Access-Control-Request-Method": "GET"}
    assert plain.nginx("/files/a", "OPTIONS", preflight) == 401
    assert plain.forwarded("/files/a", "OPTIONS", headers=preflight) == 401
    assert plain.client.options("/oauth/verify/files/a", headers=preflight).status_code == 401
    assert plain.nginx("/files/a", headers=plain.read | {"X-Forwarded-Uri": "/other"}) == 403
    # What the URL asks for counts as ever, whoever wrote it.
    for path in ("/files/a", "/files/a?scope=weather:write"):
        query = "?scope=weather:write"
        assert [plain.forwarded(path, headers=each, query=query) for each in ({}, plain.read, plain.write)] == [
            401, 403, 204,
        ]  # fmt: skip


def test_without_rules_a_plan_still_says_which_paths(make_app: Callable[..., Flask]) -> None:
    plans = {"small": {"paths": ["/files/*"]}}
    proxy = Proxy(make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PLANS=plans))
    with proxy.app.app_context():
        proxy.app.extensions["oauth_gateway"].clients.update(proxy.registered.client_id, plan="small")
    assert [proxy.nginx(path, headers=proxy.read) for path in ("/files/a", "/other")] == [204, 403]
    envoy = [proxy.client.get(f"/oauth/verify{path}", headers=proxy.read) for path in ("/files/a", "/other")]
    assert [each.status_code for each in envoy] == [200, 403]


def test_a_caller_s_query_names_no_audience(make_app: Callable[..., Flask]) -> None:
    """A token for another resource is none for this one, also where the proxy passes its caller's query on."""
    resources = {"/": "http://localhost", "/archive": "https://archive.example"}
    for rules in ({}, {"OAUTH_PROTECT": PROTECT}):
        proxy = Proxy(make_app(OAUTH_FORWARD_AUTH=True, OAUTH_RESOURCES=resources, **rules))
        tokens = [
            bearer(token_for(proxy.client, proxy.registered, scope="weather:read", resource=resource)["access_token"])
            for resource in resources.values()
        ]
        query = "?audience=https://archive.example"
        assert [proxy.forwarded(f"/files/a{query}", headers=each, query=query) for each in tokens] == [401, 401]
        assert [proxy.forwarded("/files/a", headers=each, query=query) for each in tokens] == [401, 204]
        assert [proxy.forwarded("/files/a", headers=each) for each in tokens] == [204, 401]


# What the upstream hears


def test_the_answer_says_whose_token_it_is_in_headers_that_hold_any_text(plain: Proxy) -> None:
    tokens = plain.app.extensions["oauth_gateway"].tokens
    made = tokens.issue(
        plain.registered.client_id,
        scope="weather:read weather:write",
        subject=" Zoë\r\nX-Evil: 100%, \x7f",
        attributes={"region": "n\u00f6rd\r\n", "_secret": 1},
    )
    answer = plain.client.get("/oauth/verify", headers=bearer(made["access_token"]))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (204, b"", "no-store")
    assert answer.headers["X-Auth-Subject"] == "%20Zo%C3%AB%0D%0AX-Evil:%20100%25,%20%7F"
    assert answer.headers["X-Auth-Client"] == plain.registered.client_id
    assert answer.headers["X-Auth-Scopes"] == "weather:read weather:write"
    assert answer.headers["X-Auth-Attributes"].isascii()
    assert json.loads(answer.headers["X-Auth-Attributes"]) == {"region": "n\u00f6rd\r\n"}


def test_what_there_is_nothing_to_say_of_is_empty_and_there(proxy: Proxy) -> None:
    told = {"X-Original-URI": "/public/x", "X-Original-Method": "GET"}
    forged = dict.fromkeys(AUTH, "admin")
    answer = proxy.client.get("/oauth/verify", headers=told | forged)
    assert [answer.headers[name] for name in AUTH] == [""] * 4
    answer = proxy.client.get("/oauth/verify?scope=", headers=proxy.read | forged)
    assert [answer.headers[name] for name in AUTH] == ["", proxy.registered.client_id, "weather:read", ""]


# What the path asks for


def test_the_path_in_a_header_is_looked_up_in_the_rules_and_without_one_it_is_refused(proxy: Proxy) -> None:
    for ask in (proxy.nginx, proxy.forwarded):
        assert ask("/public/a?b=c") == 204
        assert [ask("/files/a", headers=each) for each in ({}, proxy.read, proxy.write)] == [401, 204, 403]
        assert [ask("/files/a", "HEAD", headers=each) for each in ({}, proxy.read)] == [401, 204]
        assert [ask("/files/a", "post", headers=each) for each in ({}, proxy.read, proxy.write)] == [401, 403, 204]
        assert [ask(path, headers=proxy.read) for path in ("/", "/other", "/filesystem", "", "x", "*")] == [403] * 6
    preflight = {"Access-Control-Request-Method": "GET"}
    assert proxy.nginx("/files/a", "OPTIONS", preflight) == 204
    assert proxy.nginx("/files/a", "OPTIONS") == 401
    assert proxy.nginx("/files/a", "GET", preflight) == 401
    assert proxy.nginx("/other", "OPTIONS", preflight) == 403
    refused = proxy.client.get("/oauth/verify", headers=proxy.read)
    assert "X-Original-URI" in refusal(refused, 403, "access_denied")


def test_an_entry_with_a_host_is_for_that_upstream_alone(proxy: Proxy, make_app: Callable[..., Flask]) -> None:
    for host in ("admin.example", "ADMIN.example:8443", "admin.example."):
        assert [proxy.forwarded("/files/a", host=host, headers=each) for each in (proxy.read, proxy.write)] == [
            403,
            204,
        ]
    for host in ("a.example", "xadmin.example", "admin.example, a.example"):
        assert [proxy.forwarded("/files/a", host=host, headers=each) for each in (proxy.read, proxy.write)] == [
            204,
            403,
        ]
    assert (
        proxy.client.get("/any", headers={"Host": "admin.example"}).status_code == 404
    )  # the app's own paths: not asked


#: Each may be read as another path than it looks like.
TWOFOLD = [
    "/public/../files/a", "/public/%2e%2e/files/a", "/public/%2E./files/a", "/public/..%2ffiles/a", "/PUBLIC/a",
    "/public/..;/files/a", "/public/..%3b/files/a", "/public/..%5cfiles/a", "/public/..\\files\\a",
    "/public//../files/a", "/public/%252e%252e/files/a", "/public%2f..%2ffiles%2fa", "//files/a/../../public/x",
    "/./files/../public/../files/a", "/public/%c0%ae%c0%ae/files/a", "/public/%u002e%u002e/files", "/public/a%00",
    "/public/a%0d%0a", "/public/a%zz", "/public/%ff", "/public/a#/../../files", "/public/a#b", "http://x/public/a", "/public/%",
    "/public/../..", "/pub%6cic/../files/a", "/public/x/..//../files/a", "/files/../public/a", "/names/a%2fb",
    "/names/a%252fb",
]  # fmt: skip


def test_a_path_that_could_be_read_otherwise_finds_no_way_round(proxy: Proxy) -> None:
    for headers in ({}, proxy.read, proxy.write):
        for ask in (proxy.nginx, proxy.forwarded):
            assert {path: ask(path, headers=headers) for path in TWOFOLD} == dict.fromkeys(TWOFOLD, 403)


def test_an_unusual_path_is_fine_where_every_reading_has_the_same_rule(proxy: Proxy) -> None:
    paths = (
        "/files/a//b",
        "/files/a%20b/%C3%A9;v=1",
        "/files/a/../b",
        "/files/x%252fy",
        "/FILES/a".lower(),
        "/%66iles/a",
    )
    assert [proxy.nginx(path, headers=proxy.read) for path in paths] == [204] * 6
    assert [proxy.nginx(path) for path in paths] == [401] * 6


def windows(path: str) -> str:
    return "/".join(re.sub(r"(?<=[^. ])[. ]+$", "", name.partition("::")[0]) for name in path.split("/"))


def cut(path: str) -> str:
    return re.sub(";[^/]*", "", path)


def resolve(path: str) -> str:
    return posixpath.normpath(path)


def normalised(path: str) -> str:
    return unicodedata.normalize("NFKC", path).replace("\u200b", "")


def backslashes(path: str) -> str:
    return path.replace("\\", "/")


def unquote_names(path: str) -> str:
    return re.sub("%2f", "%252f", path, flags=re.IGNORECASE)


#: What upstreams make of a path, one step after the other.
UPSTREAMS: list[tuple[Callable[[str], str], ...]] = [
    (unquote,), (unquote, resolve), (unquote, cut, resolve), (cut, unquote, resolve), (cut, resolve, unquote),
    (unquote, backslashes, resolve), (unquote, unquote, resolve), (unquote, resolve, unquote, resolve),
    (unquote, str.lower, resolve), (unquote, cut, backslashes, resolve), (unquote_names, unquote, resolve),
    (resolve, cut, unquote, resolve), (unquote, windows, resolve), (unquote, resolve, windows),
    (unquote, backslashes, windows, resolve),
    (unquote, normalised, resolve), (unquote, normalised, windows, resolve),
]  # fmt: skip
PIECES = st.sampled_from(
    [
        "public", "api", "API", "..", ".", "%2e%2e", "%2E.", "..;", "..;a=b", ";x", "%3b", "..%2f", "..%5c", "..\\",
        "%252e%252e", "%252f", "x", "%70ublic", "%61pi", "", "api.", "api%20", "api%c2%a0", "..%20", "api::$DATA", "%ef%bd%81pi",
        "api%e2%80%8b", "x%ef%bc%8fapi",
    ]
)  # fmt: skip


def test_whatever_upstreams_make_of_a_path_it_was_asked_for_what_that_asks(make_app: Callable[..., Flask]) -> None:
    rules = [{"path": "/public/*", "scopes": None}, {"path": "/api/*", "scopes": []}, {"path": "/*", "scopes": None}]
    proxy = Proxy(make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=rules))
    assert [proxy.nginx(path) for path in ("/public/x", "/x", "/api/x", "/API/x")] == [204, 204, 401, 403]

    @settings(max_examples=200)
    @given(st.lists(PIECES, max_size=6))
    def walk(pieces: list[str]) -> None:
        path = "/" + "/".join(pieces)
        if proxy.nginx(path) == 204:
            for steps in UPSTREAMS:
                reached = functools.reduce(lambda text, step: step(text), steps, path)
                assert not re.match("/*api(/|$)", reached), (path, steps)

    walk()


# Whom to believe


def test_headers_of_one_meaning_may_not_disagree(proxy: Proxy) -> None:
    forged = {"X-Forwarded-Uri": "/public/a"}
    assert proxy.nginx("/files/a", headers=proxy.read | forged) == 403
    assert proxy.nginx("/files/a", headers=proxy.write | {"X-Forwarded-Method": "POST"}) == 403
    assert proxy.forwarded("/files/a", headers=proxy.read | {"X-Original-URI": "/public/a"}) == 403
    assert proxy.nginx("/files/a", headers=proxy.read | {"X-Forwarded-Uri": "/files/a"}) == 204
    without_method = {"X-Original-URI": "/public/a"}
    assert proxy.client.get("/oauth/verify", headers=without_method).status_code == 403


def test_a_query_makes_what_the_path_asks_for_never_less(proxy: Proxy) -> None:
    """Caddy's `uri /oauth/verify` passes the caller's query on."""
    for headers in ({}, proxy.read, proxy.write):
        assert proxy.forwarded("/other?scope=", headers=headers, query="?scope=") == 403
    query = "?scope=weather:read"
    assert proxy.forwarded("/files/a?scope=weather:read", "POST", headers=proxy.read, query=query) == 403
    assert proxy.forwarded("/files/a?scope=weather:read", "GET", headers=proxy.read, query=query) == 204
    assert proxy.forwarded("/public/a?scope=weather:read", headers={}, query=query) == 401
    # A scope of the proxy's own is enough where the path has no rule, and comes on top where it has one.
    assert [proxy.forwarded("/other", headers=each, query=query) for each in ({}, proxy.read)] == [401, 204]
    assert [proxy.forwarded("/files/a", "POST", headers=each, query=query) for each in (proxy.read, proxy.write)] == [
        403,
        403,
    ]
    # Nor does a caller's own header, where the proxy sends none of that name.
    forged = {"X-Forwarded-Uri": "/public/a?scope=weather:write", "X-Forwarded-Method": "GET"}
    assert proxy.asking("?scope=weather:write", proxy.read | forged) == 403
    preflight = {
        "Access-Control-Request-Method": "GET",
        "X-Forwarded-Method": "OPTIONS",
        "X-Forwarded-Uri": "/public/a",
    }
    assert proxy.asking("?scope=weather:write", preflight) == 401


def test_only_the_peers_that_are_named_may_say_which_path_is_meant(make_app: Callable[..., Flask]) -> None:
    proxy = Proxy(make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=PROTECT, OAUTH_FORWARD_AUTH_PEERS="10.1.0.0/16 ::1"))
    told = {"X-Original-URI": "/public/a", "X-Original-Method": "GET"}
    asked = {"headers": told}

    def status(address: str, query: str = "", **how: Any) -> int:
        return proxy.client.get(
            f"/oauth/verify{query}", environ_base={"REMOTE_ADDR": address}, **asked | how
        ).status_code

    expected = {
        "10.1.2.3": 204,
        "::ffff:10.1.2.3": 204,
        "::1": 204,
        "10.2.0.1": 403,
        "127.0.0.1": 403,
        "": 403,
        "x": 403,
    }
    assert {address: status(address) for address in expected} == expected
    assert status("192.0.2.1", "?scope=weather:read", headers=told | proxy.read) == 204
    proxy.app.wsgi_app = ProxyFix(proxy.app.wsgi_app)  # type: ignore[method-assign]
    assert status("10.1.2.3", headers=told | {"X-Forwarded-For": "192.0.2.1"}) == 204
    assert status("192.0.2.1", headers=told | {"X-Forwarded-For": "10.1.2.3"}) == 403


def test_by_default_that_is_this_machine(proxy: Proxy) -> None:
    told = {"X-Original-URI": "/public/a", "X-Original-Method": "GET"}
    for address, status in (("127.8.8.8", 204), ("::1", 204), ("", 204), ("10.0.0.1", 403)):
        answer = proxy.client.get("/oauth/verify", headers=told, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status


# Envoy


def test_envoy_puts_the_path_behind_ours_and_wants_200(proxy: Proxy) -> None:
    def envoy(path: str, method: str = "GET", headers: Any = (), host: str = "a.example", **environ: str) -> int:
        headers = {"Host": host, **dict(headers)}
        url = f"/oauth/verify{path}"
        return proxy.client.open(url, method=method, headers=headers, environ_overrides=environ).status_code

    assert [envoy("/files/a?scope=", headers=each) for each in ({}, proxy.read, proxy.write)] == [401, 200, 403]
    assert [envoy("/files/a", "PUT", each) for each in (proxy.read, proxy.write)] == [403, 200]
    assert [envoy("/files/a", host="admin.example:443", headers=each) for each in (proxy.read, proxy.write)] == [
        403,
        200,
    ]
    assert [envoy("/public/a"), envoy("/other"), envoy("/")] == [200, 403, 403]
    assert envoy("/", host="admin.example", headers=proxy.write) == 200
    assert envoy("/files/a", headers={"X-Original-URI": "/public/a", "X-Original-Method": "GET"}) == 401
    assert envoy("/public/%252e%252e/files/a", headers=proxy.read) == 403
    assert envoy("/public/..%5Cfiles", headers=proxy.read) == 403
    # As it came it says more: "a%2fb" may be one name.
    came = "/oauth/verify/names/a%2Fb?x"
    assert envoy("/names/a/b", headers=proxy.read, REQUEST_URI=came) == 403
    assert envoy("/names/a/b", headers=proxy.read, REQUEST_URI="", RAW_URI=came) == 403
    assert envoy("/names/a/b", headers=proxy.read, REQUEST_URI="", RAW_URI="") == 200
    preflight = {"Access-Control-Request-Method": "GET"}
    assert [envoy("/files/a", "OPTIONS", preflight), envoy("/other", "OPTIONS", preflight)] == [200, 403]


def test_it_is_off_unless_it_is_on(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    assert [client.get(path).status_code for path in ("/oauth/verify", "/oauth/verify/x")] == [404, 404]
