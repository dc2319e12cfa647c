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

WORK = {
    "issue": "a token by client credentials",
    "code": "a code for a token, with PKCE",
    "refresh": "a refresh token for the next ones",
    "view": "a protected view, the token looked up",
    "view_jwt": "a protected view, a JWT that is new",
    "view_seen": "a protected view, the token seen before",
    "introspect": "what a token is",
    "revoke": "a token given back",
    "jwt_bearer": "a signed JWT for a token",
    "saml2_bearer": "a signed SAML assertion for a token",
}
ONCE = ("code", "refresh", "view_jwt", "revoke", "jwt_bearer", "saml2_bearer")  # each request of these is sent once
CLIENT_ID, CLIENT_SECRET = "bench", "a-secret-of-the-benchmark-that-nobody-guesses"
REDIRECT_URI = "https://client.example/callback"
VERIFIER = "a-code-verifier-of-the-benchmark-with-enough-characters"


@dataclass(frozen=True)
class Contestant:
    """A server: a `module` of this package, with a kind of `database`; its `make_app` and `seed` get the `options`."""

    module: str
    work: tuple[str, ...]
    database: str | None = "postgresql"
    options: dict[str, Any] = field(default_factory=dict)


CORE = ("issue", "code", "refresh", "view", "introspect", "revoke")
CONTESTANTS = {
    "bare Flask": Contestant("bare", ("issue", "view"), None),
    "gateway, PostgreSQL": Contestant("gateway", CORE),
    "gateway, assertions": Contestant(
        "gateway", ("jwt_bearer", "saml2_bearer"),
        options={"OAUTH_GRANT_TYPES": ["client_credentials", "jwt_bearer", "saml2_bearer"]},
    ),
    "gateway, PostgreSQL, cache": Contestant("gateway", ("view_seen",), options={"OAUTH_TOKEN_CACHE_SECONDS": 60}),
    "gateway, PostgreSQL, Redis": Contestant(
        "gateway", ("issue", "view_seen", "revoke"),
        options={"OAUTH_TOKEN_CACHE_SECONDS": 60, "OAUTH_REDIS_URL": "redis://127.0.0.1:6379/5"},
    ),
    "gateway, JWT ES256": Contestant(
        "gateway", ("issue", "refresh", "view_jwt", "view_seen", "introspect", "revoke"),
        options={"OAUTH_ACCESS_TOKEN_FORMAT": "jwt"},
    ),
    "gateway, JWT RS256": Contestant(
        "gateway", ("issue", "view_jwt"),
        options={"OAUTH_ACCESS_TOKEN_FORMAT": "jwt", "OAUTH_SIGNING_ALGORITHM": "RS256"},
    ),
    "gateway, SQLite": Contestant("gateway", CORE, "sqlite"),
    "Authlib by hand": Contestant("authlib_app", CORE),
    "django-oauth-toolkit": Contestant("toolkit", CORE),
    "django-oauth-toolkit, tuned": Contestant("toolkit", CORE, options={"tuned": True}),
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
    if work == "issue":
        return raw("POST", token, who, {"grant_type": "client_credentials", "scope": "read"})
    if work == "code":
        form = {"grant_type": "authorization_code", "code": value, "redirect_uri": REDIRECT_URI}
        return raw("POST", token, who, form | {"code_verifier": VERIFIER})
    if work == "refresh":
        return raw("POST", token, who, {"grant_type": "refresh_token", "refresh_token": value})
    if work in ("introspect", "revoke"):
        return raw("POST", f"{prefix}/{names.get(work, work)}{slash}", who, {"token": value})
    return raw("GET", "/api", bearer(value))
