"""Plans: what a client may reach, and how often."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from flask_oauth_gateway import ConfigurationError, current_token, require_token
from tests.support.app import MakeApp, ask, basic, bearer, refusal, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.statements import statements_of

FREE = {"scopes": ["weather:read"], "quota": "2/minute", "attributes": {"tier": "free", "_cost": 1}}
PLANS = {"free": FREE, "api": {"paths": ["/api/*", "/oauth/*"]}, "burst": {"quota": "1/second;3/hour"}}


@pytest.fixture(params=["opaque", "jwt"])
def app(make_app: MakeApp, request: pytest.FixtureRequest) -> Flask:
    made: Flask = make_app(OAUTH_PLANS=PLANS, OAUTH_ACCESS_TOKEN_FORMAT=request.param)

    @made.get("/mine")
    @made.get("/api/mine")
    @require_token
    def mine() -> dict[str, Any]:
        return {"plan": current_token.plan, "attributes": dict(current_token.attributes), "scope": current_token.scope}

    @made.get("/twice")
    @require_token
    @require_token("weather:read")
    def twice() -> str:
        return "once"

    return made


def get(app: Flask, path: str, token: str) -> Any:
    return app.test_client().get(path, headers=bearer(token))


def token_of(app: Flask, registered: Client) -> str:
    return str(token_for(app.test_client(), registered)["access_token"])


def left(response: Any) -> list[int]:
    return [int(response.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")]


def test_a_quota_is_one_client_s_whatever_token_it_sends(app: Flask, clock: Clock) -> None:
    first, other = register(app, plan="free"), register(app, plan="free")
    tokens = [token_of(app, first) for _ in range(3)]
    answers = [get(app, "/twice", token) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [left(answer)[:2] for answer in answers] == [[2, 1], [2, 0], [2, 0]]
    refusal(answers[2], 429, "temporarily_unavailable")
    wait = int(answers[2].headers["Retry-After"])
    assert wait == left(answers[2])[2] <= 60
    assert get(app, "/twice", token_of(app, other)).status_code == 200
    clock.advance(wait + 1)
    assert get(app, "/twice", tokens[0]).status_code == 200


def test_what_is_refused_anyway_spends_nothing(app: Flask) -> None:
    registered = register(app, plan="free", scope="weather:read")
    token = token_of(app, registered)
    assert "RateLimit-Limit" not in get(app, "/weather", "wrong").headers
    form = {"token": token}
    client = app.test_client()
    for _ in range(3):  # nor does asking what it is
        headers = basic(registered.client_id, registered.client_secret)
        assert client.post("/oauth/introspect", data=form, headers=headers).get_json()["active"]
        assert client.get("/oauth/tokeninfo", headers=bearer(token)).status_code == 200
    assert left(get(app, "/weather", token))[:2] == [2, 1]


def test_of_several_limits_the_nearest_is_told(app: Flask, clock: Clock) -> None:
    token = token_of(app, register(app, plan="burst"))
    assert left(get(app, "/weather", token)) == [1, 0, 1]
    assert left(get(app, "/weather", token))[0] == 1
    for _ in range(2):
        clock.advance(2)
        last = get(app, "/weather", token)
    assert last.status_code == 429
    assert left(last)[:2] == [3, 0]


def test_a_plan_s_scopes_are_the_most_that_its_clients_get(app: Flask) -> None:
    registered = register(app, plan="free")
    assert token_for(app.test_client(), registered)["scope"] == "weather:read"
    said = refusal(ask(app.test_client(), registered, scope="weather:write"), 400, "invalid_scope")
    assert "plan" in said


def test_a_change_of_plan_holds_for_tokens_that_are_out(app: Flask) -> None:
    registered, clients = register(app, plan="api"), app.extensions["oauth_gateway"].clients
    token = token_of(app, registered)
    assert "weather:write" in get(app, "/api/mine", token).json["scope"]
    assert "RateLimit-Limit" not in get(app, "/api/mine", token).headers
    clients.update(registered.client_id, plan="free")
    answer = get(app, "/api/mine", token)
    assert (answer.json["plan"], answer.json["scope"]) == ("free", "weather:read")
    clients.update(registered.client_id, plan="")
    assert get(app, "/mine", token).json["plan"] is None


def test_a_plan_s_paths_are_all_that_its_clients_reach(app: Flask) -> None:
    token = token_of(app, register(app, plan="api"))
    assert get(app, "/api/mine", token).status_code == 200
    assert "path" in refusal(get(app, "/mine", token), 403, "insufficient_scope")


def test_attributes_of_plan_and_client_come_with_the_token(app: Flask) -> None:
    registered = register(
        app, plan="free", attributes={"region": "north", "tier": "trial", "sub": "alice", "scope": "all"}
    )
    token = token_of(app, registered)
    assert get(app, "/mine", token).json["attributes"] == {"region": "north", "tier": "trial", "_cost": 1}
    client, headers = app.test_client(), basic(registered.client_id, registered.client_secret)
    told = client.post("/oauth/introspect", data={"token": token}, headers=headers).get_json()
    assert (told["tier"], told["region"], told["scope"]) == ("trial", "north", "weather:read")
    assert not {"_cost", "sub"} & told.keys()
    shown = client.get("/oauth/tokeninfo", headers=bearer(token)).get_json()
    assert (shown["tier"], shown["user_id"], "_cost" in shown) == ("trial", None, False)


def test_a_plan_that_is_gone_lets_nothing_through(make_app: MakeApp, app: Flask) -> None:
    registered = register(app, plan="free")
    token = token_of(app, registered)
    server_of(app).plans._plans.clear()  # as after a restart with other settings
    refusal(get(app, "/weather", token), 401, "invalid_token")
    headers = basic(registered.client_id, registered.client_secret)
    assert app.test_client().post("/oauth/introspect", data={"token": token}, headers=headers).json == {"active": False}


def test_forward_auth_counts_and_goes_by_the_caller_s_path(make_app: MakeApp) -> None:
    app = make_app(OAUTH_PLANS=PLANS, OAUTH_FORWARD_AUTH=True)
    client, token = app.test_client(), token_of(app, register(app, plan="api"))

    def verify(uri: str | None, query: str = "?scope=weather:read") -> int:
        named = {} if uri is None else {"X-Original-URI": uri, "X-Original-Method": "GET"}
        return int(client.get(f"/oauth/verify{query}", headers=bearer(token) | named).status_code)

    assert verify("/api/x") == 204
    for path in ("/mine", "/api/../mine", "/api/%2e%2e/mine", "/api/..;/mine", None):
        assert verify(path) == 403
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    headers = bearer(token) | {"X-Original-URI": "/api/x", "X-Original-Method": "GET"}
    answer = client.get("/oauth/verify?scope=weather:read", headers=headers, environ_overrides=elsewhere)
    assert answer.status_code == 403  # whoever that is, it may say anything
    token = token_of(app, register(app, plan="free"))
    assert [verify("/x") for _ in range(3)] == [204, 204, 429]


def test_other_wsgi_applications_have_the_quota_too(app: Flask) -> None:
    def other(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"other"]

    client = Client(app.extensions["oauth_gateway"].wsgi(other, "weather:read"))
    token = token_of(app, register(app, plan="free"))
    answers = [client.get("/", headers=bearer(token)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [left(answer)[1] for answer in answers] == [1, 0, 0]


def test_a_plan_costs_no_statement_of_each_request(app: Flask) -> None:
    registered = register(app, plan="burst")
    token = token_of(app, registered)
    get(app, "/weather", token)
    with statements_of(app.extensions["oauth_gateway"].database.engine) as sent:
        get(app, "/weather", token)
    assert len(sent) == (0 if token.startswith("eyJ") else 1)


def test_the_command_line_names_a_plan(make_app: MakeApp) -> None:
    app = make_app(OAUTH_PLANS=PLANS)
    run = app.test_cli_runner().invoke
    create = ("oauth", "client", "create", "Station", "--grant", "client_credentials")
    made = run(args=[*create, "--scope", "weather:read", "--plan", "gold"])
    assert made.exit_code == 1
    assert "free, api, burst" in made.output
    made = run(args=[*create, "--client-id", "station", "--plan", "free"])
    assert made.exit_code == 0, made.output
    assert run(args=["oauth", "client", "show", "station"]).output.count("free") == 1
    assert run(args=["oauth", "client", "update", "station", "--plan", ""]).exit_code == 0
    assert "free" not in run(args=["oauth", "client", "show", "station"]).output


@pytest.mark.parametrize(
    "wrong",
    [
        *({"scopes": each} for each in (["weather:delete"], 5, [None])),
        *({"paths": each} for each in (["api"], ["/a*"], 5)),
        *({"quota": each} for each in ("many", 5, "")),
        *({"attributes": each} for each in ({"sub": "alice"}, ["tier"], {5: 1})),
        {"rate": "1/second"},
    ],
)
def test_a_plan_that_can_t_be_is_told_at_start_up(make_app: MakeApp, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_PLANS\['free'\]"):
        make_app(OAUTH_PLANS={"free": wrong})
