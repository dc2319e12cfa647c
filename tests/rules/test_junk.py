"""Whatever comes in at an endpoint: the answer is never a 500, never late, and an error is in the one form of errors."""

import string
import time
import traceback
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from flask_oauth_gateway.features import ENDPOINTS, GRANTS, METHODS
from tests.support.app import DESCRIPTION, MakeApp, basic, register, register_public, server_of
from tests.support.databases import every_database
from tests.support.hardening import ALL_ON

FORM = "application/x-www-form-urlencoded"
NAMES = [
    "grant_type", "scope", "state", "client_id", "client_secret", "token", "token_type_hint", "access_token",
    "refresh_token", "code", "code_verifier", "redirect_uri", "response_type", "code_challenge",
    "code_challenge_method", "username", "password", "assertion", "device_code", "user_code", "decision", "resource",
    "request_uri", "response_mode", "request", "authorization_details", "dpop_jkt", "acr_values", "claims", "max_age",
]  # fmt: skip
PAGES = {
    "authorize",
    "device",
    "applications",
    "revoke_approval",
    "revoke_application",
    "logout",
    "personal_tokens",
    "new_personal_token",
    "revoke_personal_tokens",
    *(name for name in ENDPOINTS if name.startswith("developer")),
}  # a person looks at these
#: The endpoints of the app that is asked; all those for administrators are alike there, for it has none.
THERE = [name for name, each in ENDPOINTS.items() if "/admin" not in each.path]
#: The endpoints that one app is asked for: to make it takes as long as to ask it a hundred times.
GROUPS = {
    "pages": [name for name in THERE if name in PAGES and not name.startswith("developer")],
    "developer": [name for name in THERE if name.startswith("developer")],
    "programs": [name for name in THERE if name not in PAGES],
}
ADDRESSES = {name: f"10.0.{number}" for number, name in enumerate([*THERE, "admin_clients"])}
OTHER_GRANTS = [grant for grant in GRANTS if grant != "client_credentials"]
SECONDS = 5  # far more than any answer takes
#: What one database or another takes for no text, for a longer or a shorter one, for the same as another, or for its own.
CHOKING = ["\0", "a\0b", "\ufffe", "\U0001f327", "\u00e4" * 300, "x" * 5000, "STATION ", "' OR 1=1 --", "%s", "\\"]

text = st.one_of(
    st.sampled_from(["", "a", "\0", "\x1b[2J", "\u00e4", "\U0001f327", "\ufffe", "*", "' OR 1=1 --", "%s", "{0}", "x" * 5000]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)  # fmt: skip
value = st.one_of(
    text,
    st.sampled_from(
        [*GRANTS, "code", "weather:read", "refresh_token", "station", "public", "https://app.example/callback"]
    ),
)
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), text), value), max_size=8)
escapes = st.lists(
    st.sampled_from(["%", "%0", "%zz", "%ff", "%00", "=", "&", "+", ";", "a", "grant_type=", "\u00e4"]), max_size=12
)
body = st.one_of(
    st.none(),
    pairs,
    st.binary(max_size=100),
    escapes.map(lambda parts: "".join(parts).encode()),
    st.sampled_from([b"{}", b"[]", b"null", b"{" * 2000, b'{"grant_type": "client_credentials"}', b"\xff" * 200_000]),
)
content_type = st.sampled_from(
    [FORM, FORM, FORM, f"{FORM}; charset=utf-16", "application/json", "multipart/form-data", "text/xml", "\u00e4", "", None]
)  # fmt: skip
header_text = st.text(string.printable.replace("\r", "").replace("\n", "") + "\0\u00e4\u00ff", max_size=40)
authorization = st.one_of(
    st.none(),
    st.sampled_from(["right", "Basic", "Basic =", "Bearer", "Bearer a b", "Bearer " + "x" * 20_000, "Basic " + "A" * 9000]),
    header_text,
    st.binary(max_size=60).map(lambda raw: f"Basic {b64encode(raw).decode()}"),
    header_text.map(lambda rest: f"Bearer {rest}"),
)  # fmt: skip
#: What a stranger may send in place of a proof and, where the proxy lets it through, of a certificate.
proofs = st.fixed_dictionaries(
    {}, optional={"DPoP": st.one_of(header_text, st.just("e30.e30.e30")), "X-Client-Cert": header_text}
)
method = st.sampled_from(
    ["GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "LOL"]
)


PLACE = {"redirect_uris": ["https://app.example/callback"]}


class Alice:
    id = "alice"


def send(app: Flask, name: str, method: str, *, address: str, **parts: Any) -> tuple[Response, float]:
    """One request to an endpoint, from an address, as raw as it can be; returns the response and how long it took.

    The test client would take as long as the app: it encodes a form and reads the address again for each request.
    """
    headers = {"Accept": "*/*"}
    if parts["authorization"] == "right":
        headers |= basic("station", "a secret that is known")
    elif parts["authorization"] is not None:
        headers["Authorization"] = parts["authorization"]
    if parts["content_type"] is not None:
        headers["Content-Type"] = parts["content_type"]
    headers |= parts.get("proofs", {})
    environ = EnvironBuilder(
        "/oauth" + ENDPOINTS[name].path.replace("<path:client_id>", "station"),
        method=method,
        data=parts["body"],
        headers=headers,
        query_string=parts["query"],
        environ_base={"REMOTE_ADDR": address},
    ).get_environ()
    start = time.perf_counter()
    response = Response(*run_wsgi_app(app, environ, buffered=True))
    return response, time.perf_counter() - start


@pytest.fixture
def junk_app(make_app: MakeApp) -> Flask:
    """One app for all examples of a test: with every grant, and a user who is signed in where TEST_USER says so."""
    app = make_app(
        OAUTH_GRANT_TYPES=list(GRANTS),
        OAUTH_TOKEN_PARAMETERS_FROM=["body", "query", "header"],
        OAUTH_FORWARD_AUTH=True,
        OAUTH_OIDC=True,
        OAUTH_DPOP_NONCE=True,
        OAUTH_REQUEST_ENCRYPTION=True,
        OAUTH_ACR_VALUES=["weak", "strong"],
        OAUTH_REGISTRATION="open",
        OAUTH_PERSONAL_TOKENS=True,
        OAUTH_DEVELOPER=True,
        **ALL_ON,
        OAUTH_CLIENT_AUTH_METHODS=[*METHODS],
    )
    gateway = app.extensions["oauth_gateway"]
    gateway.current_user(lambda: app.config["TEST_USER"])
    gateway.login(lambda _: "Sign in, please.")
    gateway.logout(lambda: None)
    gateway.load_user(lambda subject: subject)
    gateway.check_password(lambda _name, _password: None)
    register(app, client_id="station", client_secret="a secret that is known", grant_types=list(GRANTS), **PLACE)
    register_public(app, client_id="public", grant_types=["authorization_code", "refresh_token"], **PLACE)
    return app


@pytest.mark.parametrize("group", GROUPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_junk_gets_an_answer_that_says_what_is_wrong(junk_app: Flask, group: str, data: st.DataObject) -> None:
    junk_app.config["TEST_USER"] = data.draw(st.sampled_from([None, Alice()]))
    asked = data.draw(method)
    form = data.draw(body)
    junk = {
        "query": data.draw(st.one_of(st.just(""), escapes.map("".join), pairs.map(dict).map(urlencode))),
        "body": urlencode(form).encode() if isinstance(form, list) else form,
        "content_type": data.draw(content_type),
        "authorization": data.draw(authorization),
        "proofs": data.draw(proofs),
    }
    wrong = {}
    for name in GROUPS[group] + (["admin_clients"] if group == "programs" else []):
        if trouble := trouble_with(junk_app, name, asked, **junk, address=f"{ADDRESSES[name]}.1"):
            wrong[name] = trouble
    assert not wrong


@every_database
@pytest.mark.parametrize("group", GROUPS)
def test_a_text_that_a_database_may_choke_on_is_a_text_like_others(junk_app: Flask, group: str) -> None:
    """Wherever it stands: as each parameter, of a client that is known and of one that is not, and in the header."""
    junk_app.config["TEST_USER"] = Alice()
    wrong = {}
    for number, hostile in enumerate(CHOKING):
        everywhere = dict.fromkeys(NAMES, hostile)
        unnamed = {
            each: hostile for each in NAMES if each not in ("client_id", "client_secret", "grant_type", "response_type")
        }
        known = unnamed | {
            "client_id": "public",
            "response_type": "code",
            "redirect_uri": "https://app.example/callback",
        }
        for form, header, names in [
            (everywhere, None, GROUPS[group]),
            (known, None, GROUPS[group]),
            (unnamed | {"grant_type": "client_credentials"}, "right", GROUPS[group]),
            (unnamed, basic(hostile, hostile)["Authorization"], GROUPS[group]),
            (unnamed, f"Bearer {quote(hostile)}", GROUPS[group]),
            *((unnamed | {"grant_type": grant}, "right", {"token"} & {*GROUPS[group]}) for grant in OTHER_GRANTS),
        ]:
            encoded = urlencode(form)
            for name in names:
                # no limit of what one address asks for or gets wrong is in the way of the next text
                how = {"address": f"{ADDRESSES[name]}.{number}", "content_type": FORM, "authorization": header}
                for asked in ENDPOINTS[name].methods or ("GET", "POST"):
                    place = (
                        {"query": encoded, "body": None} if asked == "GET" else {"query": "", "body": encoded.encode()}
                    )
                    if trouble := trouble_with(junk_app, name, asked, **place, **how):
                        wrong[f"{asked} {name} {hostile[:20]!r} {header}"] = trouble
    assert not wrong


def trouble_with(app: Flask, name: str, asked: str, **parts: Any) -> str | None:
    """What of the answer to a request isn't as it should be."""
    try:
        response, seconds = send(app, name, asked, **parts)
        is_said_as_it_should_be(app, name, asked, response)
        assert seconds < SECONDS
    except Exception as error:  # noqa: BLE001 (whatever it is, the other endpoints are asked too)
        return "".join(traceback.format_exception(error, limit=-3))
    return None


def is_said_as_it_should_be(app: Flask, name: str, asked: str, response: Response) -> None:
    assert response.status_code < 500
    if response.status_code >= 400 and name in PAGES and response.mimetype == "text/html":
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    elif response.status_code >= 400 and asked != "HEAD":
        assert response.mimetype == "application/json"
        answer = response.get_json()
        assert set(answer) == {"error", "error_description"}
        assert DESCRIPTION.fullmatch(answer["error"])
        assert DESCRIPTION.fullmatch(answer["error_description"])
        assert response.headers["Cache-Control"] == "no-store"
    server_of(app).audit.flush()  # what was noted of it can be written
