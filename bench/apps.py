"""The apps that are measured: bare Flask views, and the same views with the gateway."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from flask import Flask, request

from flask_oauth_gateway import OAuthGateway, current_token, require_token

Call = Callable[[], int]


def call(
    app: Flask,
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    bodies: Iterable[bytes] | None = None,
    tokens: Iterable[str] | None = None,
    proofs: Iterable[str] | None = None,
) -> Call:
    """Make a direct WSGI call, without the test client, which would cost more than the view. Returns the status.

    Each call takes the next of `bodies`, since some bodies are good once, the next of `tokens` as bearer token, and the next of
    `proofs` as DPoP proof.
    """
    following = repeat(body) if bodies is None else iter(bodies)
    bearers, new_proofs = None if tokens is None else iter(tokens), None if proofs is None else iter(proofs)
    fixed: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:5000",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.errors": io.StringIO(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()},
    }
    if body or bodies is not None:
        fixed["CONTENT_TYPE"] = fixed.pop("HTTP_CONTENT_TYPE", "application/x-www-form-urlencoded")
    status = [0]

    def start_response(line: str, response_headers: Any, exc_info: Any = None) -> Any:
        status[0] = int(line[:3])

    def perform() -> int:
        sent = next(following)
        environ = {**fixed, "CONTENT_LENGTH": str(len(sent)), "wsgi.input": io.BytesIO(sent)}
        if bearers is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {next(bearers)}"
        if new_proofs is not None:
            environ["HTTP_DPOP"] = next(new_proofs)
        chunks = app.wsgi_app(environ, start_response)
        b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        return status[0]

    return perform


def answer(app: Flask, method: str, path: str, **how: Any) -> dict[str, Any]:
    """Return the JSON answer of one request, through the test client."""
    headers, body = how.get("headers"), how.get("body", b"")
    kind = {"content_type": "application/x-www-form-urlencoded"} if body else {}
    return json.loads(app.test_client().open(path, method=method, headers=headers, data=body, **kind).data)


def bare_app() -> Flask:
    """Make an app with a view, and a view that parses a form: nothing in Flask can be faster."""
    app = Flask("bare")
    app.secret_key = "bench"  # every real app has one: with it Flask opens a session at each request

    @app.get("/bare")
    def bare() -> dict[str, str]:
        return {"sky": "clear"}

    @app.post("/form")
    def form() -> dict[str, str]:
        return {"grant": request.form["grant_type"]}

    return app


def gateway_app(folder: str, uri: str | None = None, **config: Any) -> Flask:
    """Make an app with the gateway and one protected view."""
    app = Flask("gateway", instance_path=folder)
    app.config.update(SECRET_KEY="bench", OAUTH_SCOPES={"weather:read": "Read the weather"}, OAUTH_DATABASE_URI=uri)
    app.config.update(config)
    OAuthGateway(app)

    @app.get("/weather")
    @require_token("weather:read")
    def weather() -> dict[str, str]:
        return {"for": current_token.client_id}

    return app


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()}
