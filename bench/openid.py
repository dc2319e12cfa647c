"""Measures what OpenID Connect adds: an ID token to the exchange of a code, the user's claims to a look-up; and its documents."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from .apps import Call, answer, basic, call, gateway_app
from .jwt import SERVER
from .seeding import seed_codes, seed_session

REDIRECT_URI = "https://app.example/cb"
VERIFIER = "a-verifier-of-more-than-43-characters-0123456789"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
GRANT_TYPES = ["authorization_code", "refresh_token"]
SCOPE = "openid email profile weather:read"
SIGNED_IN_AT, NONCE = 1_700_000_000, "n-0S6_WzA2Mj-n-0S6_WzA2Mj"
CLAIMS = {"name": "Alice Liddell", "email": "alice@example.com", "email_verified": True}
EXCHANGE, PROTECTED = "code exchange", "protected view, looked up, of a sign-in"
WITH_ES256, WITH_RS256 = (f"code exchange with an ID token, {algorithm}" for algorithm in ("ES256", "RS256"))
USERINFO = "userinfo"


class Provider:
    """An app with OpenID Connect, which knows its user without a query, and its client for each algorithm of ID tokens."""

    def __init__(self, folder: str, uri: str | None = None) -> None:
        self.app = gateway_app(folder, uri, OAUTH_OIDC=True, OAUTH_ISSUER=SERVER, OAUTH_GRANT_TYPES=GRANT_TYPES)
        self.gateway = self.app.extensions["oauth_gateway"]
        user = object()
        self.gateway.current_user(lambda: user)
        self.gateway.load_user(lambda _: user)
        self.gateway.user_claims(lambda *_: CLAIMS)
        with self.app.app_context():
            self.clients = {
                algorithm: self.gateway.clients.create(
                    client_name="bench",
                    redirect_uris=[REDIRECT_URI],
                    grant_types=GRANT_TYPES,
                    scope=SCOPE,
                    id_token_signed_response_alg=algorithm,
                )
                for algorithm in ("ES256", "RS256")
            }
        self.sids = {name: seed_session(self.gateway, client.key) for name, client in self.clients.items()}

    def exchange(self, repeats: int, *, scope: str = SCOPE, algorithm: str = "ES256") -> Call:
        """Trade codes, so many, each with PKCE and for a refresh token too."""
        bodies = self._bodies(repeats, scope, algorithm)
        return call(self.app, "POST", "/oauth/token", headers=self._identity(algorithm), bodies=bodies)

    def with_token(self, path: str) -> Call:
        """Ask with the access token of a sign-in."""
        (body,) = self._bodies(1, SCOPE, "ES256")
        got = answer(self.app, "POST", "/oauth/token", headers=self._identity("ES256"), body=body)
        return call(self.app, "GET", path, headers={"Authorization": f"Bearer {got['access_token']}"})

    def published(self, path: str) -> Call:
        """Ask for a document that the caller has."""
        etag = self.app.test_client().get(path).headers["ETag"]
        return call(self.app, "GET", path, headers={"If-None-Match": etag})

    def _bodies(self, number: int, scope: str, algorithm: str) -> list[bytes]:
        key, claims, sid = self.clients[algorithm].key, dict[str, Any](auth_time=SIGNED_IN_AT), None
        if "openid" in scope:
            sid = self.sids[algorithm]
            claims |= {"openid": {"nonce": NONCE, "sid": sid}}
        codes = seed_codes(self.gateway, key, scope, number, REDIRECT_URI, CHALLENGE, claims, sid)
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return [urlencode(form | {"code": code}).encode() for code in codes]

    def _identity(self, algorithm: str) -> dict[str, str]:
        client = self.clients[algorithm]
        return basic(client.client_id, client.client_secret)


def openid_work(folder: str, uri: str | None, repeats: int) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes the operations; `repeats`: how often each is done."""
    provider = cache(lambda: Provider(f"{folder}/openid", uri))
    return {
        EXCHANGE: (lambda: provider().exchange(repeats, scope="weather:read"), "bare form POST"),
        WITH_ES256: (lambda: provider().exchange(repeats, scope="openid weather:read"), EXCHANGE),
        WITH_RS256: (
            lambda: provider().exchange(repeats, scope="openid weather:read", algorithm="RS256"),
            EXCHANGE,
        ),
        PROTECTED: (lambda: provider().with_token("/weather"), "bare view"),
        USERINFO: (lambda: provider().with_token("/oauth/userinfo"), PROTECTED),
        "discovery, unchanged": (lambda: provider().published("/.well-known/openid-configuration"), "bare view"),
        "key set, unchanged": (lambda: provider().published("/oauth/jwks"), "bare view"),
    }
