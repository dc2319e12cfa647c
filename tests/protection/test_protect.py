"""`@require_token` and `gateway.protect`: which requests reach a view, and what the others hear."""

import asyncio
import time
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from flask.views import MethodView, View

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.tokens.issue import Issue
from tests.support.app import MakeApp, bearer, refusal, register, server_of, token_for
from tests.support.clock import Clock

METADATA = "http://localhost/.well-known/oauth-protected-resource"
NEEDED = 'scope="weather:read"'
MALFORMED = "The Authorization header must be 'Bearer <token>', with one token."


def token_saying(app: Flask, scopes: tuple[str, ...] = (), **claims: Any) -> str:
    """A token that carries claims, as those of grants in which a user signs in do."""
    server = server_of(app)
    client = server.clients.load(register(app).client_id)
    request = Issue(client=client, grant_type="direct", scopes=scopes, subject="alice", claims=claims)
    return str(server.issuing.issue(request)["access_token"])


def challenge(response: Any, status: int, error: str) -> str:
    """The challenge of a refusal, without the realm that begins each and the metadata's address that ends it."""
    refusal(response, status, error)
    start, end = 'Bearer realm="oauth"', f', resource_metadata="{METADATA}"'
    text = response.headers["WWW-Authenticate"]
    assert text.startswith(start)
    assert text.endswith(end)
    return str(text.removeprefix(start).removesuffix(end).removeprefix(", "))


# What may be protected


def hello() -> str:
    return f"hello {current_token.client_id}"


async def hello_later() -> str:
    await asyncio.sleep(0)
    return hello()


class HelloView(View):
    decorators = (require_token("weather:read"),)

    def dispatch_request(self) -> str:
        return hello()


class HelloMethodView(MethodView):
    decorators = (require_token("weather:read"),)

    def get(self) -> str:
        return hello()


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(require_token("weather:read")(hello), id="function"),
        pytest.param(require_token("weather:read")(hello_later), id="async"),
        pytest.param(HelloView.as_view("class"), id="View"),
        pytest.param(HelloMethodView.as_view("methods"), id="MethodView"),
    ],
)
def test_every_kind_of_view_may_be_protected(app: Flask, client: FlaskClient, registered: Client, view: Any) -> None:
    app.add_url_rule("/hello", "hello", view)
    assert challenge(client.get("/hello"), 401, "unauthorized") == NEEDED
    reader = token_for(client, registered, scope="weather:read")["access_token"]
    assert client.get("/hello", headers=bearer(reader)).text == f"hello {registered.client_id}"
    writer = token_for(client, registered, scope="weather:write")["access_token"]
    assert client.get("/hello", headers=bearer(writer)).status_code == 403


def test_without_parentheses_any_good_token_is_enough(app: Flask, client: FlaskClient, registered: Client) -> None:
    app.add_url_rule("/bare", "bare", require_token(hello))
    app.add_url_rule("/empty", "empty", require_token()(hello))
    token = token_for(client, registered, scope="weather:write")["access_token"]
    for path in ("/bare", "/empty"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=bearer(token)).status_code == 200


def test_a_protected_view_keeps_its_name_and_its_documentation(app: Flask) -> None:
    @require_token("weather:read")
    def documented() -> None:
        """What it is about."""

    assert (documented.__name__, documented.__doc__) == ("documented", "What it is about.")


# The challenges of RFC 6750, section 3


def test_each_refusal_has_the_challenge_that_rfc_6750_gives_it(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    missing = client.get("/weather")
    assert challenge(missing, 401, "unauthorized") == NEEDED
    assert "Authorization: Bearer" in missing.get_json()["error_description"]
    unknown = client.get("/weather", headers=bearer("unknown"))
    expected = f'error="invalid_token", error_description="The access token is not known here.", {NEEDED}'
    assert challenge(unknown, 401, "invalid_token") == expected
    writer = token_for(client, registered, scope="weather:write")["access_token"]
    lacking = client.get("/weather", headers=bearer(writer))
    assert challenge(lacking, 403, "insufficient_scope") == (
        'error="insufficient_scope", error_description="The access token lacks a scope that this needs.",'
        ' scope="weather:read"'
    )


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer a b", "bearer  ", "Bearer \u00e4", "Bearer a, Bearer b"]
)
def test_a_malformed_bearer_header_is_an_invalid_request(client: FlaskClient, header: str) -> None:
    response = client.get("/weather", headers={"Authorization": header})
    expected = f'error="invalid_request", error_description="{MALFORMED}", {NEEDED}'
    assert challenge(response, 400, "invalid_request") == expected


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearerish x", "Token x", "\x00"])
def test_another_scheme_is_as_no_token(client: FlaskClient, header: str) -> None:
    assert challenge(client.get("/weather", headers={"Authorization": header}), 401, "unauthorized") == NEEDED


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_without_regard_to_case(client: FlaskClient, registered: Client, scheme: str) -> None:
    token = token_for(client, registered)["access_token"]
    assert client.get("/weather", headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_a_token_of_more_than_16_kib_is_refused_unread(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[bytes] = []
    store = server_of(client.application).tokens
    monkeypatch.setattr(store, "find", looked_up.append)
    sentence = refusal(client.get("/weather", headers=bearer("x" * 16385)), 401, "invalid_token")
    assert sentence == "The access token is too long."
    assert looked_up == []
    refusal(client.get("/weather", headers=bearer("x" * 16384)), 401, "invalid_token")
    assert len(looked_up) == 1


# Where the token may come from


def test_a_token_in_the_url_or_the_body_counts_only_where_that_is_set(make_app: MakeApp) -> None:
    for methods in (["header"], ["header", "query"], ["header", "body"], ["query"], ["body"]):
        app = make_app(OAUTH_BEARER_METHODS=methods)
        app.add_url_rule("/form", "form", require_token(hello), methods=["GET", "POST"])
        client = app.test_client()
        token = token_for(client, register(app))["access_token"]
        ways = {
            "header": client.get("/form", headers=bearer(token)),
            "query": client.get("/form", query_string={"access_token": token}),
            "body": client.post("/form", data={"access_token": token}),
        }
        for way, response in ways.items():
            assert response.status_code == (200 if way in methods else 401), (methods, way)


def test_a_token_sent_in_two_ways_is_an_invalid_request_even_if_it_is_the_same(make_app: MakeApp) -> None:
    app = make_app(OAUTH_BEARER_METHODS=["header", "body", "query"])
    app.add_url_rule("/form", "form", require_token(hello), methods=["POST"])
    client = app.test_client()
    token = token_for(client, register(app))["access_token"]
    both = {"headers": bearer(token), "query_string": {"access_token": token}}
    for options in (both, {"query_string": [("access_token", token)] * 2}, {"data": {"access_token": [token, token]}}):
        assert "invalid_request" in challenge(client.post("/form", **options), 400, "invalid_request")


# What a view may ask of a token


def test_all_scopes_are_needed_and_of_any_of_one(app: Flask, client: FlaskClient, registered: Client) -> None:
    app.add_url_rule("/all", "all", require_token("weather:read", "weather:write")(hello))
    names = (name for name in ("weather:write", "weather:forecast"))
    app.add_url_rule("/any", "any", require_token(any_of=names)(hello))
    app.add_url_rule("/one", "one", require_token(any_of="weather:write")(hello))
    expected = {
        "weather:read": [403, 403, 403],
        "weather:write": [403, 200, 200],
        "weather:write weather:read": [200, 200, 200],
    }
    for scope, statuses in expected.items():
        headers = bearer(token_for(client, registered, scope=scope)["access_token"])
        for _ in range(2):  # a generator is read once, at decoration
            assert [client.get(path, headers=headers).status_code for path in ("/all", "/any", "/one")] == statuses
    reader = bearer(token_for(client, registered, scope="weather:read")["access_token"])
    for path, scope in (("/all", "weather:read weather:write"), ("/any", "weather:forecast weather:write")):
        assert challenge(client.get(path, headers=reader), 403, "insufficient_scope").endswith(f'scope="{scope}"')


def test_an_optional_token_may_be_missing_and_must_be_good_if_it_is_there(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    @app.get("/maybe")
    @require_token("weather:read", optional=True)
    def maybe() -> str:
        return current_token.client_id if current_token else "nobody"

    assert client.get("/maybe").text == "nobody"
    assert client.get("/maybe", headers={"Authorization": "Basic YTpi"}).text == "nobody"
    token = token_for(client, registered)["access_token"]
    assert client.get("/maybe", headers=bearer(token)).text == registered.client_id
    assert client.get("/maybe", headers=bearer("bad")).status_code == 401
    writer = token_for(client, registered, scope="weather:write")["access_token"]
    assert client.get("/maybe", headers=bearer(writer)).status_code == 403


def test_a_view_may_ask_for_an_audience_or_a_grant(app: Flask, client: FlaskClient, gateway: OAuthGateway) -> None:
    app.add_url_rule("/audience", "audience", require_token(audience="https://api.example")(hello))
    app.add_url_rule("/grant", "grant", require_token(grant_types=["client_credentials", "password"])(hello))
    made = register(app)
    plain = token_for(client, made)["access_token"]
    two = ["https://other.example", "https://api.example"]
    meant = gateway.tokens.issue(made.client_id, audience=two)["access_token"]
    other = gateway.tokens.issue(made.client_id, audience="https://api.example.org")["access_token"]
    statuses = {
        path: [client.get(path, headers=bearer(token)).status_code for token in (plain, meant, other)]
        for path in ("/audience", "/grant")
    }
    assert statuses == {
        "/audience": [401, 200, 401],
        "/grant": [200, 401, 401],
    }
    response = client.get("/audience", headers=bearer(other))
    refusal(response, 401, "invalid_token")
    assert response.headers["WWW-Authenticate"].endswith(
        f'error_description="The access token is meant for another audience.", resource_metadata="{METADATA}/audience"'
    )


def test_a_view_may_ask_how_and_when_the_user_signed_in(app: Flask, client: FlaskClient, clock: Clock) -> None:
    app.add_url_rule("/recent", "recent", require_token(max_age=300)(hello))
    app.add_url_rule("/now", "now", require_token(max_age=0)(hello))
    app.add_url_rule("/strong", "strong", require_token(acr="gold", max_age=300)(hello))
    gold = token_saying(app, auth_time=time.time(), acr="gold")
    tin = token_saying(app, auth_time=time.time(), acr="tin")
    unsaid = token_saying(app)
    assert client.get("/recent", headers=bearer(tin)).status_code == 200
    assert client.get("/strong", headers=bearer(gold)).status_code == 200
    weak = challenge(client.get("/strong", headers=bearer(tin)), 401, "insufficient_user_authentication")
    assert weak == (
        'error="insufficient_user_authentication", error_description="A stronger sign-in is needed.",'
        ' acr_values="gold", max_age="300"'
    )
    for path in ("/recent", "/now", "/strong"):
        assert client.get(path, headers=bearer(unsaid)).status_code == 401
    clock.advance(301)
    old = challenge(client.get("/recent", headers=bearer(gold)), 401, "insufficient_user_authentication")
    assert old.endswith('error_description="A more recent sign-in is needed.", max_age="300"')


def test_what_is_no_name_is_refused_at_decoration() -> None:
    for wrong in ("weather:read weather:write", "", " weather:read", 5):
        with pytest.raises(TypeError, match="is a name without spaces"):
            require_token("weather:read", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="without spaces"):
        require_token(any_of="weather:read weather:write")
    with pytest.raises(TypeError, match="scopes"):
        require_token(scopes=["weather:read"])  # type: ignore[call-overload]


# Whole blueprints


def test_a_blueprint_is_protected_as_a_whole_and_cors_preflights_pass(app: Flask, registered: Client) -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    app.extensions["oauth_gateway"].protect(blueprint, any_of=["weather:read"], audience=None)
    blueprint.add_url_rule("/hello", "hello", hello)
    app.register_blueprint(blueprint)
    client = app.test_client()
    assert challenge(client.get("/api/hello"), 401, "unauthorized") == NEEDED
    token = token_for(client, registered)["access_token"]
    assert client.get("/api/hello", headers=bearer(token)).status_code == 200
    asks = {"Access-Control-Request-Method": "GET", "Origin": "https://app.example"}
    assert client.options("/api/hello", headers=asks).status_code == 200
    assert client.options("/api/hello").status_code == 401
    assert client.get("/api/hello", headers=asks).status_code == 401
    with pytest.raises(TypeError):
        app.extensions["oauth_gateway"].protect(blueprint, "two names")
