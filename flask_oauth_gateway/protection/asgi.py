"""`gateway.asgi(application, "scope")`: lets only requests with a fitting token reach an ASGI application (ASGI 3)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import request

from ..web.environ import TOKEN
from .guard import Requirement, current_guard
from .wsgi import headers_of_answer, place_in

if TYPE_CHECKING:
    from flask import Flask

    from ..tokens.access_token import AccessToken

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

STATE = "oauth_token"  # in `scope["state"]`, which Starlette and FastAPI show as `request.state`
SCHEMES = {"ws": "http", "wss": "https"}
POLICY_VIOLATION = 1008  # a code of websockets


class Answer(NamedTuple):
    """A refusal, as ASGI sends it."""

    status: int
    headers: Headers
    body: bytes


class Admission(NamedTuple):
    """What became of a request: refused, or let through with its token and what goes with the answer."""

    refusal: Answer | None
    token: AccessToken | None = None
    headers: Iterable[tuple[str, str]] = ()


def guarded_application(app: Flask, application: ASGIApplication, wanted: Requirement) -> ASGIApplication:
    """The application behind a check of the token, which it finds as `scope["state"]["oauth_token"]` (`None`: no token).

    The check may ask the database, so it runs in a thread: the event loop goes on meanwhile. The request's body is never
    read. A websocket without a fitting token is refused before it opens. What is neither http, websocket nor lifespan
    raises `ValueError`, as nobody can say what would be let through.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await application(scope, receive, send)
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"The ASGI scope {scope['type']!r} is not known here.")
        admission = await asyncio.to_thread(admit, app, environ_of(scope), wanted)
        if admission.refusal is not None:
            return await _refuse(scope, receive, send, admission.refusal)
        # Copies: a server may hand the same dict to several requests.
        inner = {**scope, "state": {**scope.get("state", {}), STATE: admission.token}}
        return await application(inner, receive, _with_headers(send, admission.headers) if admission.headers else send)

    return guarded


def admit(app: Flask, environ: dict[str, Any], wanted: Requirement) -> Admission:
    """Check a request without a body, as every protected view's is checked."""
    with app.request_context({**environ, **place_in(app, environ)}):
        refusal = current_guard().admit(wanted)  # a preflight too: the application answers it itself
        if refusal is not None:
            body, status, headers = refusal.get_wsgi_response(request.environ)
            return Admission(Answer(int(status.split()[0]), _encoded(headers), b"".join(body)))
        return Admission(None, request.environ.get(TOKEN), headers_of_answer(request.environ))


def environ_of(scope: Scope) -> dict[str, Any]:
    """The WSGI environ of a request's first line and headers (PEP 3333), without its body."""
    root, path = scope.get("root_path", ""), scope["path"]
    if root and not f"{path}/".startswith(
        f"{root}/"
    ):  # servers differ in whether the path begins with where they mount
        path = root + path
    scheme = scope.get("scheme", "http")
    scheme = SCHEMES.get(scheme, scheme)
    host, port = scope.get("server") or ("localhost", None)  # a Unix socket has no port
    environ = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode(errors="replace").decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or (443 if scheme == "https" else 80)),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.url_scheme": scheme,
    }
    for name, value in scope["headers"]:
        if b"_" in name:  # `x_forwarded_for` would pass for `x-forwarded-for`
            continue
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        joined = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joined}{text}" if key in environ else text
    return {**environ, "CONTENT_TYPE": environ.get("HTTP_CONTENT_TYPE", ""), **no_body()}


def no_body() -> dict[str, Any]:
    """The members of an environ that say there is nothing to read."""
    return {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    start, kind = {"status": answer.status, "headers": answer.headers}, "http"
    if scope["type"] == "websocket":
        await receive()  # "websocket.connect"
        if "websocket.http.response" not in scope.get("extensions", {}):
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # the server makes it a 403
        kind = "websocket.http"
    await send({"type": f"{kind}.response.start", **start})
    return await send({"type": f"{kind}.response.body", "body": answer.body})


def _with_headers(send: Send, headers: Iterable[tuple[str, str]]) -> Send:
    """A `send` that also sends what goes with the answer."""
    further = _encoded(headers)

    async def start(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *further]}
        await send(message)

    return start


def _encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
