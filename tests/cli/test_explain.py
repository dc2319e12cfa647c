"""`flask oauth explain`: which check a request fails, what it expected and what it got; and nothing has happened."""

import json
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
from blinker import Signal
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView
from sqlalchemy import inspect, text

from flask_oauth_gateway import require_token, signals
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import recorded, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.signing import Signer, claims_of
from tests.support.site import DEVICE_CODE, REDIRECT_URI, VERIFIER, Page, query

SIGNALS = [each for each in vars(signals).values() if isinstance(each, Signal)]
HOST = "http://localhost"
OTHER = "https://app.example:8/c"
TOKEN = f"{HOST}/oauth/token"


def run(app: Flask, *line: str) -> Result:
    result: Result = app.test_cli_runner().invoke(args=["oauth", "explain", *line])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def verdict(app: Flask, *line: str) -> dict[str, Any]:
    result = run(app, "--json", *line)
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if found["error"] is None else 1)
    return found


def why(app: Flask, *line: str) -> tuple[str, str, str, str]:
    """Error, check, expected and got; the source is there."""
    found = verdict(app, *line)
    told = found["explanation"]
    assert told["source"].startswith(("RFC ", "OpenID"))
    return found["error"], told["check"], told["expected"], told["got"]


def link(client: Any, **parameters: str | None) -> str:
    return f"{HOST}/oauth/authorize?{urlencode(query(client, **parameters))}"


def curl(client: Client, *, secret: str | None = None, **form: str) -> str:
    """The curl line of a token request."""
    words = ["curl", "-s", "-X", "POST", "-u", f"{client.client_id}:{secret or client.client_secret}"]
    for name, value in form.items():
        words += ["--data-urlencode", f"{name}={value}"]
    return shlex.join([*words, TOKEN])


def contents(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table of the gateway's."""
    server_of(app).audit.flush()
    server_of(app).last_used.close()  # when a secret was last used is written soon, which would be in between
    database = app.extensions["oauth_gateway"].database
    tables = [name for name in inspect(database.engine).get_table_names() if name.startswith("oauth_")]
    return {name: sorted(map(repr, database.all(text(f"SELECT * FROM {name}")))) for name in tables}  # noqa: S608


@every_database
def test_what_it_has_nothing_to_say_of_it_leaves_out(app: Flask) -> None:
    lines = run(app, f"{HOST}/oauth/nowhere").stdout.splitlines()
    assert lines[0] == "GET /oauth/nowhere: 404 not_found"
    assert not [line for line in lines if line.endswith(":")]


def test_nothing_of_it_has_happened(make_site: Callable[..., Any]) -> None:
    """What would be spent, stored, revoked and written down, is not, on every database."""
    site = make_site(OAUTH_RATE_LIMITS={"token_failures": "1/hour"})
    client, code = site.register(), ""
    code = site.code(client)
    spent = site.tokens(client)
    site.refresh(client, spent["refresh_token"])
    before = contents(site.app)
    good = curl(client, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    with ExitStack() as stack:
        told = [stack.enter_context(recorded(signal, site.app)) for signal in SIGNALS]
        for _ in range(2):
            assert verdict(site.app, good) == {
                "status": 200,
                "says": "It would be answered.",
                "error": None,
                "explanation": None,
            }
            assert (
                why(site.app, curl(client, grant_type="refresh_token", refresh_token=spent["refresh_token"]))[1]
                == "refresh token"
            )
            assert why(site.app, good.replace(code, "nobody-s"))[1] == "authorization code"
            assert why(site.app, curl(client, secret="wrong", grant_type="client_credentials"))[1] == "client secret"
            assert verdict(site.app, link(client))["error"] is None
    assert not any(told)
    assert contents(site.app) == before
    assert site.redeem(client, code).status_code == 200


def test_authorization_requests(make_site: Callable[..., Any]) -> None:
    site = make_site(OAUTH_GRANT_TYPES=["authorization_code", "client_credentials"])
    app, client = (
        site.app,
        site.register(
            client_id="weather-app", redirect_uris=[REDIRECT_URI, "https://b.example/x", "http://127.0.0.1/cb"]
        ),
    )
    missing, registered = "required parameter", f"exactly {REDIRECT_URI} (the nearest of 3)"
    cases = [
        ({"redirect_uri": f"{REDIRECT_URI}/"}, "redirect URI", registered, f"{REDIRECT_URI}/: a slash at the end is"),
        ({"redirect_uri": "http://app.example/cb"}, "redirect URI", registered, "http://app.example/cb: another scheme"),
        ({"redirect_uri": OTHER}, "redirect URI", registered, f"{OTHER}: another host or port and path"),
        ({"redirect_uri": "http://localhost:1455/cb"}, "redirect URI", "exactly http://127.0.0.1/cb (the nearest of 3)",
         "http://localhost:1455/cb: localhost, 127.0.0.1 and [::1] are three hosts, and the program registered the other one"),
        ({"redirect_uri": None}, missing, "the parameter 'redirect_uri'", "response_type, client_id"),
        ({"client_id": "weather-ap"}, "client_id", "a client_id that is registered; the nearest is weather-app", "weather-ap"),
        ({"client_id": "0f3a"}, "client_id", "a client_id that is registered: weather-app",
         "0f3a (if it was deleted, the program must remove the connection and connect again)"),
        ({"client_id": None}, missing, "the parameter 'client_id'", ""),
        ({"response_type": "token"}, "response type", "response_type=code (OAUTH_GRANT_TYPES)", "token"),
        ({"scope": "weather:raed"}, "scope", "a name in OAUTH_SCOPES; the nearest is weather:read", "weather:raed"),
        ({"code_challenge": None, "code_challenge_method": None}, "PKCE", "code_challenge, with", "none"),
        ({"code_challenge_method": "plain"}, "PKCE method", "code_challenge, with code_challenge_method=S256", "plain"),
        ({"code_challenge_method": None}, "PKCE method", "code_challenge, with", "none, which means plain"),
    ]  # fmt: skip
    for changes, check, expected, got in cases:
        told = why(app, link(client, **changes))
        assert (told[1], told[2].startswith(expected), told[3].startswith(got)) == (check, True, True), (changes, told)
    app.extensions["oauth_gateway"].clients.update(client.client_id, scope="weather:read", enabled=False)
    assert why(app, link(client))[3] == "weather-app, which is disabled (flask oauth client enable)"
    applications = app.extensions["oauth_gateway"].applications
    applications.create("Partner", application_id="partner", status="pending")
    app.extensions["oauth_gateway"].clients.update(client.client_id, enabled=True, application="partner")
    approve = "(flask oauth application approve)"
    assert why(app, link(client))[3] == f"weather-app; the application partner is pending {approve}"
    applications.approve("partner")
    assert why(app, link(client, scope="weather:write"))[2] == "what the client is registered for: weather:read"
    site.person = None
    app.extensions["oauth_gateway"].login(lambda _: "sign in, please")
    assert verdict(app, link(client))["error"] is None


def test_logout_requests(make_site: Callable[..., Any]) -> None:
    site = make_site(OAUTH_OIDC=True)
    after = "https://app.example/bye"
    client = site.register(client_id="board", scope="openid", post_logout_redirect_uris=[after])
    site.gateway.logout(lambda: None)

    def asked(**parameters: str) -> str:
        return f"http://localhost/oauth/logout?{urlencode(parameters)}"

    wrong = why(site.app, asked(client_id=client.client_id, post_logout_redirect_uri=f"{after}/"))
    assert wrong[2] == f"exactly {after} (the nearest of 1)"
    assert wrong[3] == f"{after}/: a slash at the end is a difference too"
    assert "not valid" in verdict(site.app, asked(id_token_hint="abc"))["says"]
    assert verdict(site.app, asked(client_id=client.client_id, post_logout_redirect_uri=after))["error"] is None


def test_client_authentication(make_app: Callable[..., Any], clock: Clock) -> None:
    app = make_app(OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic", "private_key_jwt", "none"])
    client = register(app, client_id="station")
    old = client.client_secret
    signs = register(app, client_id="signs", token_endpoint_auth_method="private_key_jwt", jwks=Signer().jwks())
    form = {"grant_type": "client_credentials"}
    hint = client.secrets[0].hint
    assert why(app, curl(client, secret="w" * 20, **form)) == (
        "invalid_client",
        "client secret",
        f"a secret that ends in ...{hint}",
        "one of 20 characters that ends in ...wwww",
    )
    assert why(app, curl(client, secret=f"{old} ", **form))[3] == "the secret with white space around it"
    no_way_back = ("private_key_jwt", "client_secret_basic: no falling back to a secret")
    assert why(app, curl(signs, secret="x", **form))[2:] == no_way_back
    assert (
        why(app, f"curl -d grant_type=client_credentials -d client_id=station -d client_secret={old} {TOKEN}")[3]
        == "client_secret_post"
    )
    offered = why(app, f"curl -d grant_type=client_credentials -d client_id=station {TOKEN}")
    assert offered[2].endswith("this client is registered for client_secret_basic")
    assert offered[3] == "none"
    assert why(app, f"curl -d grant_type=client_credentials {TOKEN}")[1] == "client authentication"
    client = app.extensions["oauth_gateway"].clients.rotate_secret("station", 60)
    clock.advance(61)
    assert why(app, curl(client, secret=old, **form))[3].startswith("one that ended on 2")
    assert verdict(app, curl(client, **form))["error"] is None
    assert "station" in why(app, curl(type("C", (), {"client_id": "statoin"}), secret="x", **form))[2]


def test_token_requests(make_site: Callable[..., Any], clock: Clock) -> None:
    site = make_site()
    app, client, other = site.app, site.register(), site.register()
    code = site.code(client)
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}

    def told(by: Any = client, **changes: str) -> tuple[str, str]:
        return why(app, curl(by, **{**form, "code": code, **changes}))[2:]

    assert told(by=other) == (f"the client that it was given to, {client.client_id}", other.client_id)
    assert told(redirect_uri="https://b.example/") == (
        f"redirect_uri={REDIRECT_URI}, as in the authorization request",
        "https://b.example/",
    )
    assert told(code_verifier="w" * 43)[0].startswith("a verifier for the S256 challenge ")
    assert told(code_verifier="") == ("a code_verifier", "none")
    assert told(code="nobody-s")[1].startswith("one that it doesn't know")
    assert told(grant_type="client_credentials") == (
        "what the client is registered for: authorization_code, refresh_token",
        "client_credentials",
    )
    assert told(grant_type="device_code")[1] == "device_code (a short name is for the configuration alone)"
    clock.advance(61)
    assert told()[0] == "a code that is used within 60 s"
    site.redeem(client, code)  # which spends it
    assert told()[0] == "a code that is used within 60 s"
    code = site.code(client)
    tokens = site.redeem(client, code).get_json()
    assert told()[0] == "a code that is used for the first time"

    def refreshed(by: Any = client, token: str = tokens["refresh_token"]) -> tuple[str, str]:
        return why(app, curl(by, grant_type="refresh_token", refresh_token=token))[2:]

    assert refreshed(token="nobody-s")[0] == "a refresh token that this server gave"
    assert refreshed(by=other)[0] == f"the client that it was given to, {client.client_id}"
    site.refresh(client, tokens["refresh_token"])
    assert refreshed()[0] == "a refresh token that is used for the first time"
    site.refresh(client, tokens["refresh_token"])  # a theft
    assert refreshed()[0] == "an approval that holds"
    tokens = site.tokens(client)
    clock.advance(40 * 86400)
    assert refreshed(token=tokens["refresh_token"])[0] == "a refresh token that lives"
    device = site.register(grant_types=[DEVICE_CODE])
    assert why(app, curl(device, grant_type=DEVICE_CODE, device_code="x"))[0] == "invalid_grant"


def test_an_assertion_is_explained_and_not_used_up(make_trading: Callable[..., Any]) -> None:
    trading = make_trading()
    line = f"curl -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d assertion={{}} {TOKEN}"
    good = trading.assertion()
    assert verdict(trading.app, line.format(good))["error"] is None
    assert trading.trade(good)
    assert "used before" in why(trading.app, line.format(good))[3]
    stranger = Signer().sign(claims_of("https://stranger.example"))
    assert "its issuer 'https://stranger.example' is not trusted here" in why(trading.app, line.format(stranger))[3]


def test_protected_views_are_asked_and_not_called(
    app: Flask, client: FlaskClient, registered: Client, clock: Clock
) -> None:
    called = []

    @app.post("/fire")
    @require_token("weather:write")
    def fire() -> str:
        called.append(1)
        return ""

    token = token_for(client, registered, scope="weather:read")["access_token"]
    line = f"curl -H 'Authorization: Bearer {token}' -X POST {HOST}/fire"
    assert why(app, line) == (
        "insufficient_scope",
        "scopes of the token",
        "the scopes weather:write",
        "a token with weather:read",
    )
    assert why(app, f"curl -X POST {HOST}/fire")[1] == "access token"
    both = token_for(client, registered)["access_token"]
    fine = verdict(app, line.replace(token, both))
    assert fine["says"] == "Nothing that asks for a token refuses it; the view itself was not called."
    clock.advance(3601)
    _, check, expected, got = why(app, line)
    assert (check, expected, got.endswith("The access token expired.")) == (
        "access token",
        "an access token that lives",
        True,
    )
    assert registered.client_id in got
    assert why(app, line.replace(token, "x"))[3] == "The access token is not known here."
    assert why(app, f"{HOST}/nowhere")[0] == "not_found"
    assert why(app, f"{HOST}/oauth/nowhere")[0] == "not_found"
    assert not called


def test_for_people_it_is_a_few_lines(app: Flask, registered: Client) -> None:
    result = run(app, "curl", "-u", f"{registered.client_id}:x", "-d", "grant_type=client_credentials", TOKEN)
    assert result.exit_code == 1
    assert result.stderr == "Error: The request is refused: invalid_client.\n"
    first, says, *rest = result.stdout.splitlines()
    assert first == "POST /oauth/token: 401 invalid_client"
    assert says.startswith("Client authentication failed")
    assert [line.partition(":")[0] for line in rest] == ["check", "expected", "got", "source"]
    assert rest[-1].split(maxsplit=1)[1] == "RFC 6749 section 2.3.1"
    line = curl(registered, grant_type="client_credentials")
    given = app.test_cli_runner().invoke(args=["oauth", "explain", "-"], input=f"{line}\n")
    assert (given.exit_code, given.stdout) == (0, "POST /oauth/token: 200 OK\nIt would be answered.\n")


@pytest.mark.parametrize(
    "line",
    ["curl", "curl -d", "curl --frobnicate x http://localhost/", "curl -d @secrets http://localhost/", "wget http://x",
     "curl a b", "curl -H nothing http://localhost/", "ftp://x", "http://[", "curl 'unclosed"],
)  # fmt: skip
def test_what_is_no_request_is_one_line_on_stderr(app: Flask, line: str) -> None:
    result = run(app, line)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("debug", [True, False])
def test_the_error_page_says_it_in_debug_mode_alone(make_site: Callable[..., Any], debug: bool) -> None:
    site = make_site(DEBUG=debug)
    client = site.register()
    page = Page(site.ask(client, redirect_uri=f"{REDIRECT_URI}?x=<1>"))
    assert ("another query" in page.text) is debug
    assert (REDIRECT_URI in page.text) is debug


class Decorated(MethodView):
    """A class view whose method asks for a token itself."""

    @require_token("weather:write")
    def get(self) -> str:
        return "in"


def test_a_class_view_is_explained_by_what_its_method_asks_for(make_app: Any) -> None:
    app = make_app()
    app.add_url_rule("/decorated", view_func=Decorated.as_view("decorated"))
    registered = register(app)
    token = token_for(app.test_client(), registered, scope="weather:read")["access_token"]
    for line, status in (
        (("curl", f"{HOST}/decorated"), 401),
        (("curl", "-H", f"Authorization: Bearer {token}", f"{HOST}/decorated"), 403),
    ):
        headers = {} if status == 401 else {"Authorization": f"Bearer {token}"}
        assert app.test_client().get("/decorated", headers=headers).status_code == status
        assert verdict(app, *line)["status"] == status


def test_requests_at_the_root_of_the_clients_of_2025(make_site: Callable[..., Any]) -> None:
    site = make_site(OAUTH_PROFILE="mcp", OAUTH_GRANT_TYPES=["authorization_code", "refresh_token"])
    asked = link(site.register_public(), scope="claudeai").replace("/oauth/authorize", "/authorize")
    assert verdict(site.app, asked)["error"] == "invalid_scope"
    told = verdict(
        site.app, "curl -d grant_type=refresh_token -d client_id=nobody -d refresh_token=x http://localhost/token"
    )
    assert told["error"] == "invalid_client"
