"""Measures whole code flows, from the authorization request to the view: the plain one, with a pushed request, and FAPI 2.0's."""

from __future__ import annotations

import io
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask

from .apps import Call, basic, gateway_app
from .jwt import SERVER
from .openid import CHALLENGE, GRANT_TYPES, REDIRECT_URI, VERIFIER

PLAIN, PUSHED, FAPI = "code flow", "code flow, pushed request", "code flow, FAPI 2.0"
HOUR = 3600
FORM = "application/x-www-form-urlencoded"
REDEMPTION = urlencode({"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Key:
    """A client's key, which signs by ES256 without any library of JOSE: what the client does is not what is measured."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64url(value.to_bytes(32)) for value in (numbers.x, numbers.y))
        self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = ".".join(_base64url(json.dumps(each).encode()) for each in ({"alg": "ES256", **header}, claims))
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"{text}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        claims = {"htm": method, "htu": SERVER + path, "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
        if token is not None:
            claims["ath"] = _base64url(sha256(token.encode()).digest())
        return self.sign({"typ": "dpop+jwt", "jwk": self.jwk}, claims)

    def assertion(self, client_id: str) -> str:
        now = int(time.time())
        times = {"iat": now, "exp": now + HOUR}
        who = {"iss": client_id, "sub": client_id, "aud": SERVER, "jti": secrets.token_urlsafe(16)}
        return self.sign({"kid": "bench"}, who | times)


class Flow:
    """An app, its user, who has allowed everything, and a client; each call is one flow."""

    def __init__(self, folder: str, uri: str | None, **config: Any) -> None:
        given = {"OAUTH_ISSUER": SERVER, "OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_DPOP_LIFETIME": HOUR}
        self.app = gateway_app(folder, uri, **given | config)
        gateway = self.app.extensions["oauth_gateway"]
        user = type("User", (), {"id": "alice"})()
        gateway.current_user(lambda: user)
        gateway.load_user(lambda _: user)
        self.key = Key()
        self.register = gateway.clients.create

    def client(self, **metadata: Any) -> Any:
        usual = {"redirect_uris": [REDIRECT_URI], "grant_types": GRANT_TYPES, "scope": "weather:read"}
        with self.app.app_context():
            return self.register(client_name="bench", skip_consent=True, **usual | metadata)

    def plain(self) -> Call:
        client = self.client()
        asked, identity = _request_of(client.client_id), basic(client.client_id, client.client_secret)
        return lambda: self._rest(asked, "", identity, "Bearer")

    def pushed(self) -> Call:
        client = self.client()
        request, identity = _request_of(client.client_id), basic(client.client_id, client.client_secret)

        def perform() -> int:
            found = json.loads(ask(self.app, "POST", "/oauth/par", identity, request)[2])
            return self._rest(
                f"client_id={client.client_id}&request_uri={found['request_uri']}", "", identity, "Bearer"
            )

        return perform

    def fapi(self, repeats: int) -> Call:
        """What the client signs before it has a token is signed ahead."""
        jwks = {"keys": [{**self.key.jwk, "kid": "bench"}]}
        client = self.client(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
        request, signed = _request_of(client.client_id), self._signed(client.client_id, repeats)

        def perform() -> int:
            who, proof = next(signed)
            found = json.loads(ask(self.app, "POST", "/oauth/par", proof, request + who)[2])
            who, proof = next(signed)
            return self._rest(f"client_id={client.client_id}&request_uri={found['request_uri']}", who, proof, "DPoP")

        return perform

    def _signed(self, client_id: str, repeats: int) -> Iterator[tuple[str, dict[str, str]]]:
        made = []
        for _ in range(repeats):
            for path in ("/oauth/par", "/oauth/token"):
                who = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.key.assertion(client_id)}
                made.append((f"&{urlencode(who)}", {"DPoP": self.key.proof("POST", path)}))
        return iter(made)

    def _rest(self, asked: str, who: str, headers: dict[str, str], scheme: str) -> int:
        """The browser, the token endpoint, and one request with the token."""
        _, found, _ = ask(self.app, "GET", f"/oauth/authorize?{asked}", {})
        code = found["Location"].partition("code=")[2].partition("&")[0]
        token = json.loads(ask(self.app, "POST", "/oauth/token", headers, f"{REDEMPTION}&code={code}{who}")[2])
        presented = {"Authorization": f"{scheme} {token['access_token']}"}
        if scheme == "DPoP":
            presented["DPoP"] = self.key.proof("GET", "/weather", token["access_token"])
        return ask(self.app, "GET", "/weather", presented)[0]


def ask(
    app: Flask, method: str, path: str, headers: dict[str, str], form: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """A direct WSGI call: the status, the headers and the body of the answer."""
    body = (form or "").encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path.partition("?")[0], "QUERY_STRING": path.partition("?")[2],
        "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "5000", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:5000", "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.multithread": False,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.errors": io.StringIO(), "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }  # fmt: skip
    if form is not None:
        environ |= {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body))}
    found: list[Any] = []
    chunks = app.wsgi_app(environ, lambda line, sent, _=None: found.extend((int(line[:3]), dict(sent))))  # type: ignore[arg-type]
    content = b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
    return found[0], found[1], content


def _request_of(client_id: str) -> str:
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT_URI, "state": "xyz",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    return urlencode(asked)


def _base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def flow_work(folder: str, uri: str | None, repeats: int) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes the flows; `repeats`: how often each is done."""
    plain = cache(lambda: Flow(f"{folder}/flows", uri, OAUTH_PAR=True))
    return {
        PLAIN: (lambda: plain().plain(), None),
        PUSHED: (lambda: plain().pushed(), PLAIN),
        FAPI: (lambda: Flow(f"{folder}/fapi", uri, OAUTH_PROFILE="fapi2").fapi(repeats), PLAIN),
    }
