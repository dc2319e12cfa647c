"""An app that only checks tokens: what it can do, and what it doesn't even load."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.config import ConfigurationError
from tests.support.app import bearer
from tests.support.checking import API, ISSUER, asked, checking_app, said
from tests.support.clock import Clock
from tests.support.key_server import KeyServer, key_server
from tests.support.ports import free_ports
from tests.support.signing import Signer

pytest_plugins = ["flask_oauth_gateway.testing"]
OTHER = "https://other.example"
SIGNER = Signer("ES256")
TRUSTED = {ISSUER: {"jwks": SIGNER.jwks(), "audience": API}}


@pytest.fixture
def app() -> Flask:
    return checking_app(
        TRUSTED,
        OAUTH_RESOURCES={"/": API},
        OAUTH_SCOPES={"weather:read": "Read the weather", "metrics": "Read the metrics"},
        OAUTH_PROTECT=[{"path": "/reports/*", "scopes": ["weather:read"]}, {"path": "/public", "scopes": None}],
        OAUTH_FORWARD_AUTH=True,
        OAUTH_METRICS="metrics",
    )


def token(**more: Any) -> dict[str, str]:
    return bearer(SIGNER.sign(said(**more)))


def test_it_loads_nothing_of_an_authorization_server_and_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    program = f"""
        import sys
        from flask import Flask
        from flask_oauth_gateway import OAuthGateway, require_token
        app = Flask("api", instance_path={str(tmp_path / "instance")!r})
        app.config["OAUTH_TRUSTED_TOKEN_ISSUERS"] = {TRUSTED!r}
        gateway = OAuthGateway(app, resource_server=True)
        app.get("/weather")(require_token("weather:read")(lambda: "clear"))
        headers = {{"Authorization": "Bearer " + sys.argv[1]}}
        print(app.test_client().get("/weather", headers=headers).text, app.test_client().get("/weather").status_code)
        print(app.test_client().get("/.well-known/oauth-protected-resource").status_code)
        print(app.test_client().post("/oauth/token").status_code)
        assert app.test_cli_runner().invoke(args=["oauth", "routes"]).exit_code == 0
        print(" ".join(sys.modules))
    """
    arguments = [sys.executable, "-c", textwrap.dedent(program), SIGNER.sign(said())]
    ran = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ran.stderr == ""
    *answers, modules = ran.stdout.splitlines()
    assert answers == ["clear 401", "200", "404"]
    unwanted = ("grants", "endpoints.token", "authorization", "cli.client", "doctor", "database.connect", "pages")
    loaded = [name.removeprefix("flask_oauth_gateway.") for name in modules.split()]
    assert [
        name for name in loaded if name.startswith(unwanted) or name in ("lxml", "signxml", "flask_sqlalchemy")
    ] == []
    assert [*tmp_path.iterdir()] == []


def test_it_has_no_clients_and_no_tokens_and_says_so(app: Flask) -> None:
    gateway = app.extensions["oauth_gateway"]
    for ask in (lambda: gateway.clients, lambda: gateway.tokens, lambda: gateway.database):
        with pytest.raises(RuntimeError, match="only checks tokens"):
            ask()
    gateway.close()
    with pytest.raises(ConfigurationError, match="OAUTH_TRUSTED_TOKEN_ISSUERS"):
        checking_app({})


def test_all_that_protects_something_works_there(app: Flask) -> None:
    gateway = app.extensions["oauth_gateway"]
    app.get("/reports/today")(lambda: "rain")
    blueprint = Blueprint("files", __name__, url_prefix="/files")
    gateway.protect(blueprint, "weather:read")
    blueprint.get("/one")(lambda: "file")
    app.register_blueprint(blueprint)
    client = app.test_client()
    for path in ("/weather", "/reports/today", "/files/one", "/oauth/verify?scope=weather:read"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=token(scope="other")).status_code == 403
        assert client.get(path, headers=token()).status_code in (200, 204)
    assert client.get("/oauth/verify", headers=token()).status_code == 403, "the proxy has to name a path"
    passed = client.get("/oauth/verify?scope=weather:read", headers=token())
    assert (passed.headers["X-Auth-Subject"], passed.headers["X-Auth-Client"]) == ("alice", "shop")
    challenge = client.get("/weather").headers["WWW-Authenticate"]
    assert f'resource_metadata="{API}/.well-known/oauth-protected-resource"' in challenge
    published = client.get("/.well-known/oauth-protected-resource").get_json()
    assert (published["resource"], published["authorization_servers"]) == (API, [ISSUER])
    assert client.get("/.well-known/oauth-authorization-server").status_code == 404

    def wrapped(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['oauth.client_id']} {environ['oauth.subject']}".encode()]

    app.wsgi_app = gateway.wsgi(wrapped, "weather:read")  # type: ignore[method-assign]
    assert client.get("/any").status_code == 401
    assert client.get("/any", headers=token()).text == "shop alice"


def test_documents_and_metrics_know_it(app: Flask) -> None:
    gateway = app.extensions["oauth_gateway"]
    with app.test_request_context():
        assert gateway.openapi_security("weather") != []
        assert gateway.openapi_security_schemes() == {"bearer": {"type": "http", "scheme": "bearer"}}
    client = app.test_client()
    client.get("/weather", headers=token())
    client.get("/weather")
    assert "oauth_" in client.get("/oauth/metrics", headers=token(scope="metrics")).text


def test_the_fixtures_make_tokens_for_it(app: Flask, oauth_token: Callable[..., Any], oauth_clock: Any) -> None:
    client = app.test_client()
    made = oauth_token("weather:read", subject="alice", client_id="spa", expires_in=60)
    answer = client.get("/who", headers=made.headers).get_json()
    assert (answer["client"], answer["user"], answer["scopes"]) == ("spa", "Alice", ["weather:read"])
    assert client.get("/weather", headers=oauth_token().headers).status_code == 403
    assert client.get("/weather", headers=bearer("test-another")).status_code == 401
    assert client.get("/weather", headers=token()).status_code == 200, "real ones are taken too"
    oauth_clock.advance(61)
    assert client.get("/who", headers=made.headers).status_code == 401


def test_an_app_that_only_checks_knows_the_users_of_its_one_issuer() -> None:
    entries = {name: {"jwks": SIGNER.jwks(), "audience": API} for name in (ISSUER, OTHER)}
    one = checking_app({ISSUER: entries[ISSUER]}, OAUTH_CHECK_USER=True).test_client()
    assert one.get("/who", headers=bearer(SIGNER.sign(said()))).json["user"] == "Alice"
    gone = one.get("/who", headers=bearer(SIGNER.sign(said(sub="bob"))))
    assert (gone.status_code, "gone" in gone.json["error_description"]) == (401, True)
    several = checking_app(entries).test_client()
    answer = several.get("/who", headers=bearer(SIGNER.sign(said()))).json
    assert (answer["subject"], answer["user"]) == ("alice", None)
    with pytest.raises(ConfigurationError, match="OAUTH_CHECK_USER"):
        checking_app(entries, OAUTH_CHECK_USER=True)


# The command line


@pytest.fixture
def asking() -> Iterator[tuple[Flask, KeyServer]]:
    with key_server() as server:
        yield checking_app({**TRUSTED, OTHER: asked(server.url, scopes=["weather:read"])}), server


def run(app: Flask, *arguments: str, fails: bool = False) -> str:
    result: Any = app.test_cli_runner().invoke(args=["oauth", *arguments])
    assert result.exit_code == int(fails), result.output
    return str(result.stderr.strip() if fails else result.stdout)


def test_the_commands_are_those_that_such_an_app_has_a_use_for(app: Flask) -> None:
    text = run(app, "--help")
    assert "issuer" in text
    assert "routes" in text
    assert "client" not in text.partition("Commands:")[2]
    assert "weather:read" in run(app, "routes")
    assert "looks at MCP servers alone: give it --mcp URL" in run(app, "doctor", fails=True)
    (port,) = free_ports(1)
    assert (
        run(app, "doctor", "--mcp", f"http://127.0.0.1:{port}/mcp", fails=True)
        == "Error: One thing is in clients' way."
    )


def test_issuer_list_shows_keys_and_who_is_asked_and_no_secret(asking: tuple[Flask, KeyServer]) -> None:
    app, server = asking
    server.says = {"active": False}
    text = run(app, "issuer", "list", "--json")
    keyed, other = json.loads(text)
    assert (keyed["issuer"], keyed["kind"], keyed["audience"]) == (ISSUER, "access tokens", [API])
    assert [each["kid"] for each in keyed["keys"]] == ["k1"]
    assert other["source"] == f"OAUTH_TRUSTED_TOKEN_ISSUERS, introspection {server.url}"
    assert (other["client_id"], other["scopes"], other["problem"]) == ("api", ["weather:read"], None)
    table = run(app, "issuer", "list")
    assert "(access tokens)" in table
    assert "secret" not in text + table
    server.status = 401
    assert "problem:      the server answered 401" in run(app, "issuer", "list")


def test_issuer_check_says_what_current_token_would_hold_or_which_check_fails(
    asking: tuple[Flask, KeyServer], clock: Clock
) -> None:
    app, server = asking
    server.says = {"active": False}

    def refused(value: str) -> str:
        return run(app, "issuer", "check", value, fails=True).removeprefix("Error: Refused: ").removesuffix(".")

    text = run(app, "issuer", "check", SIGNER.sign(said(tier="gold")))
    assert text.startswith("Accepted: ")
    for line in (
        f"issuer:     {ISSUER}",
        "client_id:  shop",
        "subject:    alice",
        f"audience:   {API}",
        '"tier": "gold"',
    ):
        assert line in text
    assert refused(SIGNER.sign(said(aud=OTHER))) == f"it is for '{OTHER}', not for us"
    assert refused(SIGNER.sign(said(aud=None))) == "it names no audience (aud)"
    assert refused(SIGNER.sign(said(exp=1))) == "it has expired"
    assert refused(SIGNER.sign(said(typ="ID"))) == "its typ is 'ID', which is no access token's"
    assert refused(Signer("ES256").sign(said())) == "its signature is wrong"
    assert "not trusted" in refused(SIGNER.sign(said(iss="https://stranger.example")))
    assert "not known" in refused("opaque")
    assert refused("mistyped.txt").startswith("there is no such file, and ")
    server.says = said(iss=None, aud=OTHER) | {"active": True, "token_type": "Bearer"}
    assert refused("opaque") == f"{OTHER}: it is for '{OTHER}', not for us"
    server.how = "down"
    assert "Nobody can tell" in run(app, "issuer", "check", "opaque", fails=True)


def test_an_app_that_issues_tokens_too_tells_them_from_assertions(tmp_path: Path) -> None:
    app = Flask("both", instance_path=str(tmp_path))
    issuers = {ISSUER: {"jwks": SIGNER.jwks()}}
    app.config.update(TESTING=True, OAUTH_TRUSTED_TOKEN_ISSUERS=TRUSTED, OAUTH_JWT_ISSUERS=issuers)
    gateway = OAuthGateway(app)
    assert "this is for the grant" in run(app, "issuer", "check", SIGNER.sign(said()), fails=True).lower()
    assert "Accepted" in run(app, "issuer", "check", SIGNER.sign(said(), typ="at+jwt"))
    assert "the text is no assertion" in run(app, "issuer", "check", "opaque", fails=True)
    assert [each["kind"] for each in json.loads(run(app, "issuer", "list", "--json"))] == ["access tokens"]
    gateway.close()
