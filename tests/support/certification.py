"""A relying party that looks at everything it gets, as the OpenID certification suite does, and a provider for it.

The suite's programs send no PKCE, save in one test, and no `nonce` in another (OIDC Core).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, redirect, request, session
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bare_app, basic, bearer
from tests.support.site import Page, Person

ISSUER = "https://op.example"
REDIRECT_URI = "https://suite.example/test/a/ours/callback"
AFTER_LOGOUT = "https://suite.example/test/a/ours/post_logout_redirect"
GRANT_TYPES = ["authorization_code", "implicit", "refresh_token"]
SCOPES = "openid profile email address phone offline_access"
#: Every claim of OIDC Core section 5.1, by the scope that lets it out.
CLAIMS: dict[str, dict[str, Any]] = {
    "profile": {
        "name": "Alice Liddell", "given_name": "Alice", "family_name": "Liddell", "middle_name": "Pleasance",
        "nickname": "Al", "preferred_username": "alice", "profile": "https://alice.example/",
        "picture": "https://alice.example/me.jpg", "website": "https://alice.example/", "gender": "female",
        "birthdate": "1852-05-04", "zoneinfo": "Europe/London", "locale": "en-GB", "updated_at": 1700000000,
    },
    "email": {"email": "alice@example.com", "email_verified": True},
    "address": {"address": {"formatted": "Christ Church\nOxford", "locality": "Oxford", "country": "GB"}},
    "phone": {"phone_number": "+44 1865 276150", "phone_number_verified": False},
}  # fmt: skip
TOKEN, ID_TOKEN, CODE = "access_token", "id_token", "code"


@dataclass(frozen=True)
class Flow:
    """What a plan asks for. `response_mode`: `None` where the request leaves it to the response type."""

    response_type: str
    response_mode: str | None = None

    def __str__(self) -> str:
        return "-".join([*self.response_type.split(), *([self.response_mode] if self.response_mode else [])])

    @property
    def part(self) -> str:
        """Where the answer stands."""
        return self.response_mode or ("query" if self.response_type == "code" else "fragment")

    @property
    def gives(self) -> set[str]:
        """What the authorize endpoint answers with."""
        return {{"token": TOKEN}.get(word, word) for word in self.response_type.split()}

    @property
    def gives_access_token(self) -> bool:
        return self.response_type != "id_token"


BASIC = ("code",)
IMPLICIT = ("id_token", "id_token token")
HYBRID = ("code id_token", "code token", "code id_token token")
#: The plans Basic, Implicit and Hybrid, and the three again by form_post.
FLOWS = [Flow(each, mode) for mode in (None, "form_post") for each in (*BASIC, *IMPLICIT, *HYBRID)]


def make_provider(folder: str) -> Flask:
    """An app as one would submit it: a page to sign in at, users of whom it knows everything, and when they signed in."""
    app = bare_app(
        "op",
        instance_path=folder,
        OAUTH_ISSUER=ISSUER,
        OAUTH_OIDC=True,
        OAUTH_GRANT_TYPES=GRANT_TYPES,
        OAUTH_REQUIRE_PKCE="public",
        OAUTH_BEARER_METHODS=["header", "body"],
    )
    gateway = OAuthGateway(app)
    gateway.current_user(lambda: Person(session["user"]) if "user" in session else None)
    gateway.load_user(Person)
    gateway.login_details(lambda _: {"auth_time": session["at"]})
    gateway.user_claims(lambda *_: {name: value for each in CLAIMS.values() for name, value in each.items()})

    @gateway.logout
    def logout() -> None:
        session.clear()

    @gateway.login
    def send_to_login(wanted: Any) -> Any:
        return redirect(f"/login?{urlencode({'next': wanted.return_to, 'login_hint': wanted.login_hint or ''})}")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "POST":
            session.clear()
            session["user"], session["at"] = request.form["user"], int(time.time())
            return redirect(request.args["next"], 303)
        return f'<form method="post"><input name="user" value="{request.args.get("login_hint", "")}"></form>'

    return app


@dataclass
class SignIn:
    """What a sign-in ended with: the authorize endpoint's answer, the token endpoint's, and the claims of the last ID token."""

    answer: dict[str, str]
    tokens: dict[str, Any]
    claims: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.tokens.get(TOKEN) or self.answer[TOKEN])


@dataclass
class Suite:
    """A client of the provider's that speaks one flow, and the browser of its user, of whom there is one for each."""

    app: Flask
    flow: Flow
    user: str = field(default_factory=lambda: f"user-{secrets.token_hex(8)}")
    shown: list[str] = field(default_factory=list)  # the pages on the way of the last request: "login", "consent"

    def __post_init__(self) -> None:
        self.browser = self.app.test_client()
        self.client = self.register()
        document = self.app.test_client().get("/.well-known/openid-configuration", base_url=ISSUER).get_json()
        self.endpoint = {name: str(url).removeprefix(ISSUER) for name, url in document.items()}

    def register(self, **metadata: Any) -> Client:
        defaults = {
            "grant_types": GRANT_TYPES,
            "redirect_uris": [REDIRECT_URI],
            "post_logout_redirect_uris": [AFTER_LOGOUT],
            "scope": SCOPES,
        }
        client: Client = self.app.extensions["oauth_gateway"].clients.create(**defaults | metadata)
        return client

    # The user and their browser.

    def ask(self, method: str = "GET", **parameters: str | None) -> TestResponse:
        """The request, up to where the browser leaves the provider, or is shown a page that it can't go on from.

        A parameter that is `None` is left out.
        """
        defaults = {
            "response_type": self.flow.response_type,
            "response_mode": self.flow.response_mode,
            "client_id": self.client.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
        }
        self.sent = {name: value for name, value in (defaults | parameters).items() if value is not None}
        self.shown = []
        where = {"data" if method == "POST" else "query_string": self.sent}
        response = self._open(self.endpoint["authorization_endpoint"], method, **where)
        while True:
            location = response.headers.get("Location", "")
            if location.startswith("/login"):
                self.shown.append("login")
                assert self._open(location).status_code == 200
                response = self._open(self._open(location, "POST", data={"user": self.user}).headers["Location"])
            elif response.status_code == 200 and "decision" in response.text:
                self.shown.append("consent")
                page = Page(response)
                fields = [*page.fields, *(("scope", each) for each in page.boxes), ("decision", "allow")]
                data = {name: [value for key, value in fields if key == name] for name, _ in fields}
                response = self._open(str(page.action), "POST", data=data)
            else:
                return response

    def _open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        return self.browser.open(path, method=method, base_url=ISSUER, **options)

    def answer(self, method: str = "GET", **parameters: str | None) -> dict[str, str]:
        """What the client gets at its redirect URI: in the right place, of this server, with the `state` of the request."""
        response = self.ask(method, **parameters)
        assert response.headers["Cache-Control"] == "no-store"
        if self.flow.part == "form_post":
            page = Page(response)
            assert page.actions == [REDIRECT_URI]
            found = page.fields
        else:
            assert response.status_code in (302, 303), response.text
            place = urlsplit(response.headers["Location"])
            assert place._replace(query="", fragment="").geturl() == REDIRECT_URI
            assert {"query": place.fragment, "fragment": place.query}[self.flow.part] == ""
            found = parse_qsl(getattr(place, self.flow.part), strict_parsing=True)
        answer = dict(found)
        assert len(answer) == len(found), "each once"
        assert answer.pop("iss") == ISSUER
        assert answer.pop("state") == self.sent["state"]
        return answer

    def refused(self, method: str = "GET", **parameters: str | None) -> str:
        """The error that the client gets instead of anything else."""
        answer = self.answer(method, **parameters)
        assert answer.keys() <= {"error", "error_description"}, answer.keys()
        return answer["error"]

    # The client.

    def sign_in(self, method: str = "GET", **parameters: str | None) -> SignIn:
        """The whole way; every answer and token is looked at."""
        answer = self.answer(method, **parameters)
        assert answer.keys() - {"token_type", "expires_in", "scope"} == self.flow.gives, answer
        assert ("token_type" in answer) == ("expires_in" in answer) == (TOKEN in answer)
        claims = self.read(answer[ID_TOKEN], answer) if ID_TOKEN in answer else None
        tokens: dict[str, Any] = {}
        if CODE in answer:
            tokens = self.trade(answer[CODE])
            later = self.read(tokens[ID_TOKEN], {TOKEN: tokens[TOKEN]})
            if claims is not None:  # OIDC Core section 3.3.3.6
                for name in ("iss", "sub", "auth_time", "nonce", "aud", "sid"):
                    assert later.get(name) == claims.get(name)
            claims = later
        assert claims is not None
        return SignIn(answer, tokens, claims)

    def read(self, id_token: str, beside: dict[str, Any]) -> dict[str, Any]:
        """An ID token's claims, checked as OIDC Core sections 3.1.3.7, 3.2.2.11 and 3.3.2.12 say. `beside`: what it came with."""
        key_set = self.app.test_client().get(self.endpoint["jwks_uri"], base_url=ISSUER).get_json()
        token = jwt.decode(id_token, KeySet.import_key_set(key_set), algorithms=["RS256"])
        assert token.header["kid"] in {key["kid"] for key in key_set["keys"] if key["alg"] == "RS256"}
        claims, now = dict(token.claims), time.time()
        assert claims["iss"] == ISSUER
        assert claims["aud"] == self.client.client_id
        assert claims["iat"] - 5 <= now < claims["exp"]
        assert claims["sub"].isascii()
        assert 0 < len(claims["sub"]) <= 255
        assert claims.get("nonce") == self.sent.get("nonce")
        assert "azp" not in claims, "there is one audience"
        assert isinstance(claims["auth_time"], int)
        for name, hashed in ((TOKEN, "at_hash"), (CODE, "c_hash")):
            assert claims.get(hashed) == (left_half(beside[name]) if name in beside else None)
        return claims

    def trade(self, code: str, **parameters: str | None) -> dict[str, Any]:
        response = self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **parameters)
        assert response.status_code == 200, response.text
        assert response.headers["Cache-Control"] == "no-store"
        body: dict[str, Any] = response.get_json()
        assert body["token_type"] == "Bearer"
        assert body["expires_in"] > 0
        return body

    def token(self, client: Client | None = None, **data: str | None) -> TestResponse:
        """The token endpoint's answer to this client, or to another one, with its secret as it was registered."""
        client, headers = client or self.client, {}
        if client.token_endpoint_auth_method == "client_secret_post":
            data |= {"client_id": client.client_id, "client_secret": client.client_secret}
        else:
            headers = basic(client.client_id, client.client_secret)
        return self._post(self.endpoint["token_endpoint"], data, headers)

    def _post(self, path: str, data: dict[str, Any], headers: dict[str, str]) -> TestResponse:
        return self.app.test_client().post(path, base_url=ISSUER, data=data, headers=headers)

    def userinfo(self, signed_in: SignIn, method: str = "GET", *, in_body: bool = False) -> dict[str, Any]:
        """The claims from the userinfo endpoint, which are of the ID token's user."""
        token = signed_in.access_token
        how: dict[str, Any] = {"data": {TOKEN: token}} if in_body else {"headers": bearer(token)}
        response = self.app.test_client().open(
            self.endpoint["userinfo_endpoint"], method=method, base_url=ISSUER, **how
        )
        assert response.status_code == 200, response.text
        assert response.mimetype == "application/json"
        claims: dict[str, Any] = response.get_json()
        assert claims["sub"] == signed_in.claims["sub"]
        return claims

    def claims(self, signed_in: SignIn) -> dict[str, Any]:
        """What the client learns of the user: at userinfo, or in the ID token where no access token comes (section 5.4)."""
        return self.userinfo(signed_in) if self.flow.gives_access_token else signed_in.claims


def left_half(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def unsigned(claims: bytes) -> str:
    """A JWT with `alg: none`."""
    header, payload = (urlsafe_b64encode(each).rstrip(b"=").decode() for each in (b'{"alg":"none"}', claims))
    return f"{header}.{payload}."


def unsigned_like(token: str) -> str:
    """The same JWT with `alg: none`."""
    payload = token.split(".")[1]
    return unsigned(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
