"""`flask oauth doctor --mcp URL`: what an MCP client would trip over, at a server of ours and at others'."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.wrappers import Request, Response

from flask_oauth_gateway import require_token
from tests.support.app import MakeApp, gateway_of
from tests.support.ports import free_ports
from tests.support.serving import build_server, serving

RESOURCE = "/.well-known/oauth-protected-resource"
OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "WWW-Authenticate"}
PREFLIGHT = CORS | {"Access-Control-Allow-Headers": "authorization, content-type, mcp-protocol-version"}
PAGE = ("200 OK", {"Content-Type": "text/html"}, "<!doctype html><p>Hello</p>")
Answers = dict[str, Any]


class Other:
    """Somebody else's server: `answers` has by method and path a status, headers and a body, or a function that makes them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: Answers = {}
        self.asked: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        http = Request(environ)
        what = f"{http.method} {http.path}"
        self.asked.append(what)
        found = self.answers.get(what, ("404 Not Found", CORS, {}))
        status, headers, body = found(http) if callable(found) else found
        text = body if isinstance(body, str) else json.dumps(body)
        kind = {} if "Content-Type" in headers else {"Content-Type": "application/json"}
        return Response(text, status, {**headers, **kind})(environ, start_response)

    def mend(self) -> None:
        """Answer as a good server does, with its authorization server at a path."""
        issuer = f"{self.url}/auth"
        metadata = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "registration_endpoint": f"{issuer}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "client_id_metadata_document_supported": True,
            "authorization_response_iss_parameter_supported": True,
        }
        resource = {
            "resource": f"{self.url}/mcp",
            "authorization_servers": [issuer],
            "scopes_supported": ["files"],
        }
        self.asked.clear()
        self.answers = {
            "POST /mcp": self._refused,
            "OPTIONS /mcp": ("204 No Content", PREFLIGHT, ""),
            f"GET {RESOURCE}/mcp": ("200 OK", CORS, resource),
            f"GET {OAUTH}/auth": ("200 OK", CORS, metadata),
            f"GET {OPENID}/auth": ("200 OK", CORS, metadata),
            "GET /auth/authorize": ("400 Bad Request", {"Content-Type": "text/html"}, "<p>Nobody knows it</p>"),
            "POST /auth/token": ("401 Unauthorized", CORS, {"error": "invalid_client"}),
            "OPTIONS /auth/token": ("204 No Content", PREFLIGHT, ""),
            "POST /auth/register": ("400 Bad Request", CORS, {"error": "invalid_redirect_uri"}),
            "OPTIONS /auth/register": ("204 No Content", PREFLIGHT, ""),
            "POST /token": ("401 Unauthorized", CORS, {"error": "invalid_client"}),
        }

    def _refused(self, http: Request) -> Any:
        error = 'error="invalid_token", ' if "Authorization" in http.headers else ""
        challenge = f'Bearer {error}scope="files", resource_metadata="{self.url}{RESOURCE}/mcp"'
        return "401 Unauthorized", CORS | {"WWW-Authenticate": challenge}, {"error": "invalid_token"}

    def challenge(self, text: str) -> None:
        self.answers["POST /mcp"] = ("401 Unauthorized", CORS | {"WWW-Authenticate": text}, {})

    def says(self, place: str, **changed: Any) -> None:
        """Change members of a document; None leaves one out."""
        status, headers, body = self.answers[place]
        told = {name: value for name, value in (body | changed).items() if value is not None}
        self.answers[place] = (status, headers, told)

    def both(self, **changed: Any) -> None:
        for place in (OAUTH, OPENID):
            self.says(f"GET {place}/auth", **changed)


def answer(place: str, *given: Any) -> Callable[[Other], None]:
    def change(other: Other) -> None:
        other.answers[place] = given

    return change


def status(place: str, text: str) -> Callable[[Other], None]:
    return answer(place, text, CORS, {})


#: What is wrong with a server, and what is said of it: where, why, and which clients that concerns.
TROUBLES: list[tuple[Callable[[Other], None], str, str, str]] = [
    (status("POST /mcp", "200 OK"), "POST without a token", "anybody may call", "every client"),
    (status("POST /mcp", "403 Forbidden"), "POST without a token", "the answer is 403", "every client"),
    (
        answer("POST /mcp", "307 Temporary Redirect", {"Location": "/mcp/"}, ""),
        "POST without a token",
        "redirects to /mcp/",
        "every client",
    ),
    (status("POST /mcp", "401 Unauthorized"), "POST without a token", "no WWW-Authenticate", "every client"),
    (lambda it: it.challenge('Basic realm="a"'), "POST without a token", "no WWW-Authenticate", "every client"),
    (lambda it: it.challenge("Bearer"), "POST without a token", "no resource_metadata", "SDKs"),
    (lambda it: it.challenge('Bearer scope="offline_access"'), "POST without a token", "offline_access", "SDKs"),
    (
        lambda it: it.challenge(f'Bearer scope="files", resource_metadata="{it.url}/gone"'),
        "the document that the challenge names",
        "nothing is there",
        "SDKs",
    ),
    (
        lambda it: it.challenge('Bearer scope="files", resource_metadata="file:///etc/passwd"'),
        "the document that the challenge names",
        "no http or https URL",
        "every client",
    ),
    (status("GET /mcp", "200 OK"), "GET without a token", "anybody may listen", "every client"),
    (answer("POST /mcp/", *PAGE), "the paths below", "two rules", "every client"),
    (answer(f"GET {RESOURCE}", *PAGE), RESOURCE, "with a page", "every client"),
    (answer(f"GET {RESOURCE}/mcp", *PAGE), "resource metadata", "at none of its places", "every client"),
    (
        lambda it: it.says(f"GET {RESOURCE}/mcp", resource="https://other.example/mcp"),
        "resource metadata",
        "nor above it",
        "SDKs",
    ),
    (lambda it: it.says(f"GET {RESOURCE}/mcp", resource=f"{it.url}/mc"), "resource metadata", "nor above it", "SDKs"),
    (
        lambda it: it.says(f"GET {RESOURCE}/mcp", authorization_servers=["http://["]),
        "resource metadata",
        "names no authorization_servers",
        "every client",
    ),
    (
        lambda it: it.says(f"GET {RESOURCE}/mcp", scopes_supported=["files", "offline_access"]),
        "resource metadata",
        "offline_access",
        "SDKs",
    ),
    (
        lambda it: it.says(f"GET {RESOURCE}/mcp", bearer_methods_supported=["body"]),
        "resource metadata",
        "no token is taken from the header",
        "every client",
    ),
    (answer(f"GET /auth{OPENID}", *PAGE), f"/auth{OPENID}", "with a page", "every client"),
    (
        answer(f"GET {OPENID}/auth", "302 Found", {"Location": "/elsewhere"}, ""),
        f"{OPENID}/auth",
        "redirects to /elsewhere",
        "every client",
    ),
    (
        lambda it: it.says(f"GET {OPENID}/auth", code_challenge_methods_supported=None),
        f"{OPENID}/auth",
        "no S256",
        "SDKs",
    ),
    (lambda it: it.both(issuer=f"{it.url}/auth/"), f"{OAUTH}/auth", "must be the same", "SDKs"),
    (
        lambda it: it.says(f"GET {OPENID}/auth", token_endpoint=f"{it.url}/other"),
        "authorization server metadata",
        "token_endpoint differs from place to place",
        "every client",
    ),
    (
        lambda it: it.both(authorization_endpoint="http://auth.example/authorize"),
        "authorization server metadata",
        "not https",
        "SDKs",
    ),
    (
        lambda it: it.both(registration_endpoint=None, client_id_metadata_document_supported=None),
        "authorization server metadata",
        "nobody registered by hand",
        "ChatGPT",
    ),
    (
        lambda it: it.both(token_endpoint_auth_methods_supported=None),
        "authorization server metadata",
        "client_secret_basic alone",
        "ChatGPT",
    ),
    (
        lambda it: it.both(token_endpoint_auth_methods_supported=["client_secret_basic"]),
        "authorization server metadata",
        "can't keep a secret",
        "VS Code",
    ),
    (
        lambda it: it.both(response_types_supported="code"),
        "authorization server metadata",
        "have no code",
        "every client",
    ),
    (
        lambda it: it.both(token_endpoint=None),
        "authorization server metadata",
        "names no token_endpoint",
        "every client",
    ),
    (status("GET /auth/authorize", "500 Oops"), "authorization_endpoint", "answered with 500", "every client"),
    (
        answer("GET /auth/authorize", "302 Found", {"Location": "https://client.invalid/callback?error=x"}, ""),
        "authorization_endpoint",
        "send people anywhere",
        "every client",
    ),
    (
        answer("POST /auth/token", "400 Bad Request", CORS, {"error": "invalid_client"}),
        "token_endpoint",
        "400 invalid_client",
        "Claude",
    ),
    (answer("POST /auth/token", *PAGE), "token_endpoint", "is answered 200", "every client"),
    (
        answer("POST /auth/token", "422 Unprocessable", CORS, {"error": "invalid_request"}),
        "token_endpoint",
        "is answered 422",
        "every client",
    ),
    (
        answer("POST /auth/token", "400 Bad Request", CORS, {"error": "invalid_request"}),
        "token_endpoint",
        "has to begin anew",
        "every client",
    ),
    (
        answer("POST /auth/register", "308 Permanent Redirect", {"Location": "/auth/register/"}, ""),
        "registration_endpoint",
        "a redirect to /auth/register/",
        "every client",
    ),
    (
        answer("POST /auth/register", "400 Bad Request", {"Content-Type": "text/html"}, "<p>No</p>"),
        "registration_endpoint",
        "400 with a page",
        "every client",
    ),
    (
        answer("POST /auth/register", "201 Created", CORS, {"client_id": "x"}),
        "registration_endpoint",
        "delete it there",
        "every client",
    ),
]
#: What nobody trips over today, and an operator should know.
NOTES: list[tuple[Callable[[Other], None], str, str]] = [
    (lambda it: it.challenge('Bearer error="invalid_token", scope="files"'), "POST without a token", "though no token"),
    (lambda it: it.challenge("Bearer"), "POST without a token", "names no scope"),
    (status("OPTIONS /mcp", "401 Unauthorized"), "OPTIONS", "answered with 401"),
    (lambda it: it.both(registration_endpoint=None), "authorization server metadata", "still need"),
    (
        lambda it: it.both(client_id_metadata_document_supported=None),
        "authorization server metadata",
        "may go from 2027-07-28 on",
    ),
    (
        lambda it: it.both(authorization_response_iss_parameter_supported=False),
        "authorization server metadata",
        "RFC 9207",
    ),
    (
        lambda it: it.both(grant_types_supported=["authorization_code"]),
        "authorization server metadata",
        "sign in again",
    ),
    (status("POST /auth/register", "401 Unauthorized"), "registration_endpoint", "wants a token"),
    (status("POST /token", "404 Not Found"), "/token at the root", "whatever the metadata say"),
]


@pytest.fixture(scope="module")
def other() -> Iterator[Other]:
    with serving(Other) as (_, made):
        yield made


@pytest.fixture
def doctor(app: Flask) -> Callable[..., Any]:
    def run(url: str, *further: str) -> Any:
        return app.test_cli_runner().invoke(args=["oauth", "doctor", "--mcp", url, *further])

    return run


def found(result: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(result.stdout)
    return listed


def test_nothing_is_in_the_way_at_a_good_server_and_no_client_is_left_there(
    doctor: Callable[..., Any], other: Other
) -> None:
    other.mend()
    result = doctor(f"{other.url}/mcp")
    assert (result.exit_code, result.output) == (0, "Nothing is in clients' way.\n")
    assert found(doctor(f"{other.url}/mcp", "--json")) == []
    # It looked at every place, and took each step.
    for place in (RESOURCE, f"{RESOURCE}/mcp", f"{OAUTH}/auth", f"{OPENID}/auth", f"/auth{OPENID}", "/auth/authorize"):
        assert f"GET {place}" in other.asked
    assert {"POST /auth/token", "POST /auth/register", "OPTIONS /auth/token"} <= set(other.asked)


def test_each_thing_in_the_way_is_said_with_the_clients_that_trip_over_it(
    doctor: Callable[..., Any], other: Other
) -> None:
    for change, key, why, clients in TROUBLES:
        other.mend()
        change(other)
        result = doctor(f"{other.url}/mcp", "--json")
        said = [each for each in found(result) if not each["is_note"]]
        assert any(each["key"] == key and why in each["why"] and clients in each["clients"] for each in said), (
            why,
            said,
        )
        assert result.exit_code == 1
        assert result.stderr.endswith("in clients' way.\n")
        assert all(each["fix"] for each in said)


def test_nothing_is_in_the_way_at_a_server_of_ours(doctor: Callable[..., Any], tmp_path: Path) -> None:
    """By the profile alone, and with registration and OpenID Connect for those that want them."""
    for number, further in enumerate(({}, {"OAUTH_REGISTRATION": "open", "OAUTH_OIDC": True})):
        config = {
            "TESTING": True,
            "OAUTH_DATABASE_URI": f"sqlite:///{tmp_path / f'{number}.db'}",
            "OAUTH_PROFILE": "mcp",
            "OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token"],
        }
        with serving(lambda url, config=config | further: ours(url, config)) as (url, app):
            result = doctor(f"{url}/mcp", "--json")
            assert [each for each in found(result) if not each["is_note"]] == []
            assert result.exit_code == 0
            assert gateway_of(app).clients.list() == [], "nothing was registered"


def ours(url: str, config: dict[str, Any]) -> Flask:
    app = build_server(url, **config | {"OAUTH_RESOURCES": {"/mcp": f"{url}/mcp"}})
    app.add_url_rule("/mcp", "mcp", require_token("weather:read")(dict), methods=["POST"])
    return app


def test_a_note_is_no_failure(doctor: Callable[..., Any], other: Other) -> None:
    for change, key, why in NOTES:
        other.mend()
        change(other)
        said = found(doctor(f"{other.url}/mcp", "--json"))
        assert any(each["is_note"] and each["key"] == key and why in each["why"] for each in said), (why, said)
    assert doctor(f"{other.url}/mcp").output.startswith("Note: /token at the root: nothing answers at")
    assert doctor(f"{other.url}/mcp").exit_code == 0


def test_what_a_careless_server_registers_is_taken_back(doctor: Callable[..., Any], other: Other) -> None:
    other.mend()
    made = {
        "client_id": "x",
        "registration_client_uri": f"{other.url}/auth/register/x",
        "registration_access_token": "t",
    }
    other.answers["POST /auth/register"] = ("201 Created", CORS, made)
    other.answers["DELETE /auth/register/x"] = ("204 No Content", CORS, "")
    (said,) = found(doctor(f"{other.url}/mcp", "--json"))
    assert said["why"].endswith("it was deleted again")
    elsewhere = made | {"registration_client_uri": "https://other.example/x"}
    other.answers["POST /auth/register"] = ("201 Created", CORS, elsewhere)
    (said,) = found(doctor(f"{other.url}/mcp", "--json"))
    assert said["why"].endswith("delete it there")


def test_whatever_a_server_answers_ends_in_sentences(doctor: Callable[..., Any], other: Other) -> None:
    odd: list[Any] = ["[1]", "{", "\x00", "[" * 100_000, {"issuer": 1, "resource": [], "scopes_supported": {}}]
    odd += [{"authorization_servers": [1, None, "http://x:y", f"{other.url}/auth"], "token_endpoint": 5}]
    odd += [
        dict.fromkeys(("response_types_supported", "grant_types_supported", "code_challenge_methods_supported"), True)
    ]
    for body in odd:
        other.mend()
        other.answers = {place: ("200 OK", {}, body) for place in other.answers}
        other.challenge('Bearer scope=, resource_metadata="http://["')
        assert doctor(f"{other.url}/mcp").exit_code == 1
    other.mend()
    other.both(token_endpoint="http://127.0.0.1:99999/x", issuer="\x1b[31m")
    result = doctor(f"{other.url}/mcp")
    assert "\x1b" not in result.output
    assert "nobody answers" in result.output


def test_an_address_where_nobody_answers_one_with_nothing_there_and_one_that_is_none(
    doctor: Callable[..., Any], other: Other
) -> None:
    elsewhere = doctor(f"{other.url}/mpc")
    assert elsewhere.exit_code == 1
    assert elsewhere.output.count("POST") == 1
    assert "nothing is at this path" in elsewhere.output
    (port,) = free_ports(1)
    away = doctor(f"http://127.0.0.1:{port}/mcp")
    assert away.exit_code == 1
    assert "nobody answers: " in away.output
    wrong = doctor("/mcp")
    assert wrong.exit_code == 1
    assert "it is the URL of an MCP server: https://api.example.com/mcp" in wrong.stderr


def test_it_is_the_server_that_is_asked_and_not_this_app(make_app: MakeApp, other: Other) -> None:
    """No table of this app's is needed for it."""
    other.mend()
    app = make_app(OAUTH_DATABASE_URI="postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert app.test_cli_runner().invoke(args=["oauth", "doctor", "--mcp", f"{other.url}/mcp"]).exit_code == 0
