"""`gateway.asgi`: other ASGI applications behind a token."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client

from flask_oauth_gateway import current_token
from flask_oauth_gateway.signals import token_rejected
from tests.support.app import MakeApp, bearer, gateway_of, recorded, register, token_for

Messages = list[dict[str, Any]]


class Application:
    """A plain ASGI application that keeps what it got, and answers in two pieces."""

    def __init__(self) -> None:
        self.seen: Messages = []
        self.between: Callable[[], Awaitable[Any]] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope)
        if scope["type"] != "http":
            await receive()
            await send({"type": f"{scope['type']}.accepted"})
            return
        body = (await receive()).get("body", b"")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"yes")]})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        if self.between is not None:
            await self.between()
        await send({"type": "http.response.body", "body": body})

    @property
    def token(self) -> Any:
        return self.seen[-1]["state"]["oauth_token"]


def scope_of(path: str = "/", headers: dict[str, str] | None = None, **further: Any) -> dict[str, Any]:
    """What a server hands to an application with a request."""
    fields = {"host": "localhost"} | (headers or {})
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": ("192.0.2.1", 50000),
        "server": ("localhost", 80),
    } | further


async def call(application: Any, scope: dict[str, Any], *events: dict[str, Any]) -> Messages:
    """The messages that an application sends."""
    waiting, sent = list(events or [{"type": "http.request", "body": b"body"}]), []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


def get(application: Any, path: str = "/", headers: dict[str, str] | None = None, **further: Any) -> Messages:
    return asyncio.run(call(application, scope_of(path, headers, **further)))


@pytest.fixture
def inner() -> Application:
    return Application()


def test_an_application_is_reached_with_a_good_token_alone(app: Flask, client: FlaskClient, inner: Application) -> None:
    gateway, made = gateway_of(app), register(app)
    outside = gateway.asgi(inner, "weather:read")
    reader = gateway.tokens.issue(made.client_id, scope="weather:read", subject="alice", attributes={"region": "n"})
    start, first, last = get(outside, "/x", bearer(reader["access_token"]), method="POST")
    assert (start["status"], start["headers"]) == (200, [(b"x-own", b"yes")])
    assert first["body"] + last["body"] == b"first body"
    token = inner.token
    assert (token.client_id, token.subject, token.scopes) == (made.client_id, "alice", {"weather:read"})
    assert token.attributes == {"region": "n"}
    gateway.load_user(lambda subject: f"the user {subject}")
    with app.app_context():
        assert token.user == "the user alice"
    assert (inner.seen[-1]["path"], inner.seen[-1]["method"]) == ("/x", "POST")


def test_a_refusal_is_the_same_byte_for_byte_as_that_of_a_wsgi_application(
    app: Flask, client: FlaskClient, inner: Application
) -> None:
    gateway = gateway_of(app)
    outside = gateway.asgi(inner, "weather:read")
    beside = Client(gateway.wsgi(app.wsgi_app, "weather:read"))
    writer = token_for(client, register(app), scope="weather:write")["access_token"]
    seen = []
    for headers in ({}, bearer("bad"), bearer(writer), bearer("two words"), {"Authorization": "Basic YTpi"}):
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            start, body = get(outside, "/x", headers, method=method)
            plain = beside.open("/x", headers=headers, method=method)
            assert (start["status"], body["body"]) == (plain.status_code, plain.data)
            assert start["headers"] == [(k.lower().encode(), v.encode()) for k, v in plain.headers.items()]
        seen.append(start["status"])
    assert seen == [401, 401, 403, 400, 401]
    assert inner.seen == []


def test_what_was_refused_is_logged_and_told_as_anywhere(app: Flask, inner: Application) -> None:
    with recorded(token_rejected, app) as told:
        get(gateway_of(app).asgi(inner), "/mcp/x", bearer("bad"), root_path="/mcp")
    assert [(each["error"], each["path"]) for each in told] == [("invalid_token", "/mcp/x")]


def test_nobody_can_say_by_a_header_or_an_old_state_who_he_is(
    app: Flask, client: FlaskClient, inner: Application
) -> None:
    outside = gateway_of(app).asgi(inner, optional=True)
    shared = {"oauth_token": "admin", "pool": "the lifespan's"}
    get(outside, "/", {"oauth_token": "admin", "X_Authorization": "Bearer x"}, state=shared)
    assert inner.token is None
    made = register(app)
    get(outside, "/", bearer(token_for(client, made)["access_token"]), state=shared)
    assert inner.token.client_id == made.client_id
    assert inner.seen[-1]["state"]["pool"] == "the lifespan's"
    assert shared == {"oauth_token": "admin", "pool": "the lifespan's"}, "the server's own dict stays as it was"
    assert get(outside, "/", bearer("bad"))[0]["status"] == 401


def test_a_token_that_comes_twice_or_by_a_header_that_looks_like_it_is_none(
    app: Flask, client: FlaskClient, inner: Application
) -> None:
    outside = gateway_of(app).asgi(inner)
    value = f"Bearer {token_for(client, register(app))['access_token']}".encode()
    twice = [(b"host", b"localhost"), (b"authorization", value), (b"authorization", b"Bearer other")]
    assert get(outside, headers=None)[0]["status"] == 401
    assert asyncio.run(call(outside, scope_of() | {"headers": twice}))[0]["status"] == 400
    assert asyncio.run(call(outside, scope_of() | {"headers": [(b"Authorization", value)]}))[0]["status"] == 200
    assert inner.token.client_id


def test_the_resource_is_that_of_the_path_wherever_the_application_is_mounted(
    make_app: MakeApp, inner: Application
) -> None:
    app = make_app(OAUTH_ISSUER="https://a.example", OAUTH_RESOURCES={"/mcp": "https://a.example/mcp"})
    gateway, made = gateway_of(app), register(app)
    outside = gateway.asgi(inner)

    def status(audience: str, path: str, **further: Any) -> int:
        token = gateway.tokens.issue(made.client_id, audience=[audience])["access_token"]
        return int(get(outside, path, bearer(token), **further)[0]["status"])

    api, root = "https://a.example/mcp", "https://a.example"
    assert [status(api, "/mcp"), status(root, "/mcp")] == [200, 401]
    # Older servers give the path below the place of mounting, newer ones all of it.
    assert [status(api, "/", root_path="/mcp"), status(api, "/mcp/x", root_path="/mcp")] == [200, 200]
    assert [status(root, "/", root_path="/mcp"), status(api, "/mcpx"), status(root, "/mcpx")] == [401, 401, 200]
    other = gateway.asgi(inner, audience="https://a.example/mcp")
    token = gateway.tokens.issue(made.client_id, audience=[api])["access_token"]
    assert get(other, "/elsewhere", bearer(token))[0]["status"] == 200
    challenge = dict(get(outside, "/mcp")[0]["headers"])[b"www-authenticate"]
    assert b'resource_metadata="https://a.example/.well-known/oauth-protected-resource/mcp"' in challenge


def test_a_lifespan_passes_and_what_nobody_knows_does_not(app: Flask, inner: Application) -> None:
    outside = gateway_of(app).asgi(inner, "weather:read")
    sent = asyncio.run(call(outside, {"type": "lifespan"}, {"type": "lifespan.startup"}))
    assert sent == [{"type": "lifespan.accepted"}]
    with pytest.raises(ValueError, match="'webtransport' is not known"):
        asyncio.run(call(outside, {"type": "webtransport", "path": "/", "headers": []}))
    assert [each["type"] for each in inner.seen] == ["lifespan"]


def test_a_websocket_without_a_fitting_token_never_opens(app: Flask, client: FlaskClient, inner: Application) -> None:
    outside = gateway_of(app).asgi(inner, "weather:read")
    connect = {"type": "websocket.connect"}

    def open_one(headers: dict[str, str], **further: Any) -> Messages:
        scope = scope_of("/ws", headers, type="websocket", scheme="wss", **further)
        del scope["method"]
        return asyncio.run(call(outside, scope, connect))

    assert open_one({}) == [{"type": "websocket.close", "code": 1008}]
    start, body = open_one(bearer("bad"), extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert b"www-authenticate" in dict(start["headers"])
    assert body["type"] == "websocket.http.response.body"
    assert b"invalid_token" in body["body"]
    assert inner.seen == []
    token = token_for(client, register(app))["access_token"]
    assert open_one(bearer(token)) == [{"type": "websocket.accepted"}]
    assert inner.token.scopes >= {"weather:read"}


def test_an_answer_passes_as_it_comes_and_no_request_context_is_left(
    app: Flask, client: FlaskClient, inner: Application
) -> None:
    outside = gateway_of(app).asgi(inner)
    scope = scope_of("/", bearer(token_for(client, register(app))["access_token"]))

    async def story() -> None:
        sent: asyncio.Queue[Any] = asyncio.Queue()
        go_on, gone = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def between() -> None:
            assert not current_token, "the application is outside of Flask"
            await go_on.wait()

        inner.between = between
        running = asyncio.create_task(outside(scope, receive, sent.put))
        gone.set()  # the application hears of it, and nobody else takes the event
        assert (await sent.get())["status"] == 200
        assert (await sent.get())["body"] == b"first "
        assert sent.empty()
        go_on.set()
        assert (await sent.get())["body"] == b""
        await running

    asyncio.run(story())


def test_one_check_that_takes_long_holds_up_nobody(make_app: MakeApp, inner: Application) -> None:
    """A hundred at once, and the look-up of one user hangs: the others are answered meanwhile."""
    app = make_app(OAUTH_CHECK_USER=True)
    gateway, made, release = gateway_of(app), register(app), Event()
    held: list[str] = []

    @gateway.load_user
    def load_user(subject: str) -> str:
        if subject in held:
            assert release.wait(60)
        return subject

    outside = gateway.asgi(inner)
    names = ["slow", *(f"user{number % 10}" for number in range(99))]
    tokens = {name: gateway.tokens.issue(made.client_id, subject=name)["access_token"] for name in set(names)}

    held.append("slow")

    async def story() -> None:
        async def ask(name: str) -> str:
            assert (await call(outside, scope_of("/", bearer(tokens[name]))))[0]["status"] == 200
            return name

        slow, *others = [asyncio.create_task(ask(name)) for name in names]
        assert await asyncio.gather(*others) == names[1:]
        assert not slow.done()
        release.set()
        assert await slow == "slow"

    asyncio.run(story())
    assert sorted(each["state"]["oauth_token"].subject for each in inner.seen) == sorted(names)


def test_an_application_is_told_what_is_left_of_its_clients_quota(make_app: MakeApp, inner: Application) -> None:
    app = make_app(OAUTH_PLANS={"free": {"quota": "2/hour"}})
    made = register(app, plan="free")
    token = token_for(app.test_client(), made)["access_token"]
    outside = gateway_of(app).asgi(inner)
    answers = [get(outside, "/", bearer(token))[0] for _ in range(3)]
    assert [each["status"] for each in answers] == [200, 200, 429]
    assert dict(answers[0]["headers"])[b"ratelimit-remaining"] == b"1"
    assert len(inner.seen) == 2
