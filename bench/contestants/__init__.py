"""The servers that are compared over HTTP. A contestant is a module with `make_app()`, `seed(work, number)` and `prepare()`.

Each runs in processes of its own, and is configured by the environment: `BENCH_DATABASE`, an SQLAlchemy URL, and
`BENCH_OPTIONS`, JSON. `seed` makes the requests of one round ahead, and puts the rows that they need into the database.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

#: Each operation, and its heading in a table.
WORK = {
    "token": "new token",
    "code": "code for tokens",
    "refresh": "refresh",
    "view": "view, looked up",
    "view-new": "view, new JWT",
    "view-seen": "view, token seen",
    "introspect": "introspect",
    "revoke": "revoke",
    "jwt-bearer": "JWT assertion",
    "saml2-bearer": "SAML assertion",
}
#: Each request of these is sent once.
ONCE = ("code", "refresh", "view-new", "revoke", "jwt-bearer", "saml2-bearer")
CLIENT_ID, CLIENT_SECRET = "bench", "a-secret-of-the-benchmark-that-nobody-guesses"
REDIRECT_URI = "https://client.example/callback"
VERIFIER = "a-code-verifier-of-the-benchmark-with-enough-characters"
BARE = "bare"
JWT = {"OAUTH_ACCESS_TOKEN_FORMAT": "jwt"}
CACHE = {"OAUTH_TOKEN_CACHE_SECONDS": 60}
REDIS = {"OAUTH_REDIS_URL": os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/5")}
ASSERTIONS = {"OAUTH_GRANT_TYPES": ["client_credentials", "jwt_bearer", "saml2_bearer"]}


@dataclass(frozen=True)
class Contestant:
    """A server: a `module` of this package, with a kind of `database`; its `make_app` and `seed` get the `options`.

    `label` names it in tables. `fastest`: the requests a second that it never reaches; so many are made ahead. Where
    `analysed` is false, PostgreSQL knows nothing of the tables' contents, as in the first minutes of a new server.
    """

    label: str
    module: str
    work: tuple[str, ...]
    database: str | None = "postgresql"
    options: dict[str, Any] = field(default_factory=dict)
    server: str = "gunicorn"
    fastest: int = 4000
    analysed: bool = True


CORE = ("token", "code", "refresh", "view", "introspect", "revoke")
CONTESTANTS = {
    BARE: Contestant("bare Flask view / form POST", "bare", ("view", "token"), None),
    "bare-db": Contestant("bare Flask and Flask-SQLAlchemy, PostgreSQL", "bare", (), options={"db": True}),
    "floor": Contestant("floor: raw Flask, one statement by hand", "floor", CORE),
    "floor-es256": Contestant("floor, JWT ES256", "floor", ("token", "view-new"), None, {"jwt": "ES256"}),
    "floor-rs256": Contestant("floor, JWT RS256", "floor", ("token", "view-new"), None, {"jwt": "RS256"}),
    "gateway-postgresql": Contestant("gateway, PostgreSQL", "gateway", CORE),
    "gateway-20000": Contestant(
        "the same, 20,000 live approvals of the client, never analysed", "gateway", ("refresh",),
        options={"BENCH_LIVE_APPROVALS": 20_000}, analysed=False,
    ),
    "gateway-cache": Contestant("gateway, PostgreSQL, cache", "gateway", ("view-seen",), options=CACHE),
    "gateway-redis": Contestant(
        "gateway, PostgreSQL and Redis", "gateway", ("token", "view-seen", "revoke"), options=CACHE | REDIS
    ),
    "gateway-es256": Contestant(
        "gateway, JWT ES256", "gateway", ("token", "refresh", "view-new", "view-seen", "introspect", "revoke"), options=JWT
    ),
    "gateway-rs256": Contestant(
        "gateway, JWT RS256", "gateway", ("token", "view-new"), options=JWT | {"OAUTH_SIGNING_ALGORITHM": "RS256"}
    ),
    "gateway-assertions": Contestant(
        "gateway, assertions", "gateway", ("jwt-bearer", "saml2-bearer"), options=ASSERTIONS, fastest=2000
    ),
    "gateway-sqlite": Contestant("gateway, its own SQLite file", "gateway", CORE, "sqlite"),
    "app-sqlite": Contestant(
        "gateway, the app's SQLite file, rollback journal", "gateway", CORE, "sqlite", {"BENCH_APP_FILE": "rollback"}
    ),
    "app-sqlite-wal": Contestant(
        "gateway, the app's SQLite file after `init-db --wal`", "gateway", CORE, "sqlite", {"BENCH_APP_FILE": "wal"}
    ),
    "authlib": Contestant("Authlib by hand", "authlib_app", CORE, fastest=2500),
    "fastapi-es256": Contestant(
        "FastAPI and joserfc by hand, JWT ES256", "fastapi_app", ("token", "view-new"), None, {"jwt": "ES256"}, "uvicorn", 8000
    ),
    "fastapi-rs256": Contestant(
        "FastAPI and joserfc by hand, JWT RS256", "fastapi_app", ("token", "view-new"), None, {"jwt": "RS256"}, "uvicorn", 8000
    ),
    "toolkit-tuned": Contestant(
        "django-oauth-toolkit, tuned", "toolkit", CORE, options={"tuned": True}, fastest=1500
    ),
    "toolkit": Contestant("django-oauth-toolkit, its defaults", "toolkit", CORE, fastest=50),
}  # fmt: skip


def options() -> dict[str, Any]:
    """Return the options of the contestant in this process."""
    return dict(json.loads(os.environ.get("BENCH_OPTIONS", "{}")))


def raw(method: str, path: str, headers: dict[str, str] | None = None, form: dict[str, str] | None = None) -> bytes:
    """Return a whole request, as it goes over the wire."""
    body = urlencode(form or {}).encode()
    lines = {"Host": "127.0.0.1", **(headers or {})}
    if form is not None:
        lines |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def form_of(body: bytes) -> dict[str, str]:
    """Return the parameters of a form body."""
    return dict(parse_qsl(body.decode()))


def basic(client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """Return the header that presents a token."""
    return {"Authorization": f"Bearer {token}"}


def standard_request(
    work: str,
    value: str,
    *,
    prefix: str = "/oauth",
    slash: str = "",
    names: Mapping[str, str] = {},
    client_id: str = CLIENT_ID,
) -> bytes:
    """Return the request of an operation that is the same for all contestants; `value` is its code or token."""
    token, who = f"{prefix}/token{slash}", basic(client_id)
    if work == "token":
        return raw("POST", token, who, {"grant_type": "client_credentials", "scope": "read"})
    if work == "code":
        form = {"grant_type": "authorization_code", "code": value, "redirect_uri": REDIRECT_URI}
        return raw("POST", token, who, form | {"code_verifier": VERIFIER})
    if work == "refresh":
        return raw("POST", token, who, {"grant_type": "refresh_token", "refresh_token": value})
    if work in ("introspect", "revoke"):
        return raw("POST", f"{prefix}/{names.get(work, work)}{slash}", who, {"token": value})
    return raw("GET", "/api", bearer(value))
