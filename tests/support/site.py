"""What the tests of the flows with a person share: a site with every grant, its people, and the steps of a browser."""

import hashlib
import html.parser
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import SCOPES, basic, bearer, gateway_of

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = ["authorization_code", "client_credentials", "refresh_token", "password", "implicit", DEVICE_CODE]
REDIRECT_URI = "https://app.example/cb"
READ, WRITE = SCOPES
BOTH = f"{READ} {WRITE}"
VERIFIER = "a-verifier-of-more-than-43-characters-0123456789"
ISSUER = "http://localhost"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Person:
    """A user of the site."""

    def __init__(self, subject: str) -> None:
        self.id = subject
        self.name = subject.title()


class Page(html.parser.HTMLParser):
    """A page's forms, by their action, as a browser would fill and send them; and its text."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        assert response.mimetype == "text/html", response.text
        self.action: str | None = None
        self.actions: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.boxes: dict[str, bool] = {}  # check boxes called "scope": whether the user may untick them
        self.durations: list[str] = []
        self.text = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        kind = found.get("type")
        if tag == "form":
            self.action = found["action"]
            self.actions.append(found["action"] or "")
        elif tag == "input" and kind == "hidden":
            self.fields.append((found["name"] or "", found.get("value") or ""))
        elif tag == "input" and found.get("name") == "scope":
            self.boxes[found["value"] or ""] = "disabled" not in found
        elif tag == "input" and found.get("name") == "duration":
            self.durations.append(found["value"] or "")

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""

    def hidden(self, name: str) -> str:
        return dict(self.fields)[name]


class Site:
    """An app with every grant. `person` is who is signed in; `browser` keeps their cookies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.gateway = gateway_of(app)
        self.person: str | None = "alice"
        self.people = {name: Person(name) for name in ("alice", "bob")}
        self.gateway.current_user(lambda: None if self.person is None else self.people[self.person])
        self.gateway.load_user(self.people.get)
        self.browser = app.test_client()

        @app.get("/me")
        @require_token
        def me() -> dict[str, Any]:
            user = current_token.user
            return {
                "client": current_token.client_id,
                "subject": current_token.subject,
                "scope": current_token.scope,
                "grant_type": current_token.grant_type,
                "user": None if user is None else user.name,
            }

    def register(self, **metadata: Any) -> Client:
        """A new client, by default a confidential one for code and refresh, with both scopes."""
        defaults = {
            "client_name": "Weather app",
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": [REDIRECT_URI],
            "scope": BOTH,
        }
        return self.gateway.clients.create(**defaults | metadata)

    def register_public(self, **metadata: Any) -> Client:
        """The same, of a client that can't keep a secret."""
        return self.register(**{"token_endpoint_auth_method": "none"} | metadata)

    # What the browser does.

    def ask(self, client: Client, **parameters: str | None) -> TestResponse:
        """The authorization request, by default with all that a code needs; a parameter that is `None` is left out."""
        return self.browser.get("/oauth/authorize", query_string=query(client, **parameters))

    def send(self, page: Page, scopes: str | None = None, decision: str = "allow", **more: str) -> TestResponse:
        """Send a page's form, with every box ticked or with those of `scopes`."""
        assert page.action is not None
        ticked = page.boxes if scopes is None else scopes.split()
        data: dict[str, Any] = {"decision": decision, **more}
        for name, value in page.fields:
            data.setdefault(name, []).append(value)
        data["scope"] = [name for name in ticked if page.boxes.get(name, True)]
        return self.browser.post(page.action, data=data)

    def approve(
        self, client: Client, scopes: str | None = None, *, duration: str | None = None, **parameters: Any
    ) -> str:
        """The whole way through the consent page; returns where the browser is sent."""
        response = self.ask(client, **parameters)
        if response.status_code == 200:
            more = {} if duration is None else {"duration": duration}
            response = self.send(Page(response), scopes, **more)
        return location(response)

    def code(self, client: Client, scopes: str | None = None, **parameters: Any) -> str:
        """A code for what the user approved."""
        return answer(self.approve(client, scopes, **parameters))["code"]

    # What the client does.

    def post(self, client: Client, path: str, **data: Any) -> TestResponse:
        """A request of the client to an endpoint, by its secret where it has one."""
        headers = {}
        if client.client_secret:
            headers = basic(client.client_id, client.client_secret)
        else:
            data = {"client_id": client.client_id, **data}
        return self.app.test_client().post(path, data=data, headers=headers)

    def token(self, client: Client, grant_type: str, **data: Any) -> TestResponse:
        return self.post(client, "/oauth/token", grant_type=grant_type, **data)

    def redeem(self, client: Client, code: str, **data: Any) -> TestResponse:
        """A code for a token; a parameter that is `None` is left out."""
        sent = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **data}
        return self.token(client, "authorization_code", **{k: v for k, v in sent.items() if v is not None})

    def refresh(self, client: Client, refresh_token: str, **data: Any) -> TestResponse:
        return self.token(client, "refresh_token", refresh_token=refresh_token, **data)

    def tokens(self, client: Client, scopes: str | None = None, **parameters: Any) -> dict[str, Any]:
        """All of it: approve, redeem, and what the token endpoint answered."""
        uri = parameters.get("redirect_uri", REDIRECT_URI)
        return granted(self.redeem(client, self.code(client, scopes, **parameters), redirect_uri=uri))

    def me(self, token: str) -> dict[str, Any] | None:
        """What the protected view says to a token; `None` where it refuses it."""
        response = self.app.test_client().get("/me", headers=bearer(token))
        assert response.status_code in (200, 401), response.text
        return response.get_json() if response.status_code == 200 else None

    def is_live(self, token: str) -> bool:
        return self.me(token) is not None


def every_flow(site: Site) -> None:
    """Code, refresh, device code's first step, client credentials, introspection, revocation: each is answered rightly."""
    client = site.register(grant_types=["authorization_code", "refresh_token", "client_credentials"])
    tokens = site.tokens(client)
    assert site.is_live(tokens["access_token"])
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert site.me(refreshed["access_token"])["subject"] == "alice"  # type: ignore[index]
    assert site.post(client, "/oauth/introspect", token=refreshed["access_token"]).get_json()["active"]
    own = granted(site.token(client, "client_credentials"))["access_token"]
    assert site.me(own)["client"] == client.client_id  # type: ignore[index]
    assert site.post(client, "/oauth/revoke", token=refreshed["refresh_token"]).status_code == 200
    assert not site.is_live(refreshed["access_token"])
    assert site.is_live(own)


#: Builds a `Site` on a test's database; takes configuration.
MakeSite = Callable[..., Site]


def query(client: Client, **parameters: str | None) -> dict[str, str]:
    """An authorization request's parameters, by default all that a code needs."""
    defaults = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": REDIRECT_URI,
        "state": "xyz",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (defaults | parameters).items() if value is not None}


def location(response: TestResponse) -> str:
    """Where a response redirects to, which no cache keeps and no referrer tells."""
    assert response.status_code in (302, 303), response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    return response.headers["Location"]


def answer(where: str, redirect_uri: str = REDIRECT_URI, part: str = "query") -> dict[str, str]:
    """The parameters that a client finds at its redirect URI, each there once."""
    mark = "#" if part == "fragment" else "&" if "?" in redirect_uri else "?"
    assert where.startswith(redirect_uri + mark), where
    found = parse_qs(where.removeprefix(redirect_uri + mark), strict_parsing=True, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def refused(where: str, error: str, **place: str) -> str:
    """The sentence of an error that a client finds at its redirect URI, in the form that all of them have."""
    found = answer(where, **place)
    assert found.pop("iss") == ISSUER
    found.pop("state", None)
    assert set(found) == {"error", "error_description"}, found
    assert found["error"] == error, found
    return found["error_description"]


def error_page(response: TestResponse, error: str, status: int = 400) -> str:
    """The text of a page that shows an error and sends nobody anywhere."""
    assert response.status_code == status, response.text
    assert "Location" not in response.headers
    assert "refresh" not in map(str.lower, response.headers.keys())
    page = Page(response)
    assert error in page.text
    assert not page.actions
    assert_page_headers(response)
    return page.text


def assert_page_headers(response: TestResponse) -> None:
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def granted(response: TestResponse) -> dict[str, Any]:
    """A token response (RFC 6749 section 5.1)."""
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.get_json()
    assert body["token_type"] in ("Bearer", "DPoP")
    return body


def split(url: str) -> tuple[str, dict[str, str]]:
    """A URL's path, and its query."""
    parts = urlsplit(url)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def another_browser(site: Site) -> FlaskClient:
    return site.app.test_client()
