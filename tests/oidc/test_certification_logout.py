"""The certification's tests of RP-Initiated Logout, by their names.

Each signs in, sends the browser to the logout endpoint, and looks where it ends. Where the suite wants a picture of a page
that asks or says what is wrong, the page is looked at here, and its button is pressed.
"""

import secrets
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import OctKey
from werkzeug.test import TestResponse

from flask_oauth_gateway.crypto.jose import sign
from tests.support.certification import AFTER_LOGOUT, ID_TOKEN, ISSUER, Flow, SignIn, Suite, unsigned_like
from tests.support.site import Page

FLOWS = [Flow("code"), Flow("id_token token"), Flow("code id_token")]
EVERY_FLOW = pytest.mark.parametrize("suite", FLOWS, indirect=True, ids=str)
STATE = secrets.token_urlsafe(96)  # 128 characters, as the suite sends


def leave(suite: Suite, **changed: str | None) -> TestResponse:
    """The end session request after a sign-in; a parameter that is `None` is left out."""
    signed_in = suite.sign_in()
    sent = {"id_token_hint": id_token_of(signed_in), "post_logout_redirect_uri": AFTER_LOGOUT, "state": STATE} | changed
    return go(suite, **{name: value for name, value in sent.items() if value is not None})


def go(suite: Suite, method: str = "GET", **sent: Any) -> TestResponse:
    where = {"data" if method == "POST" else "query_string": sent}
    return suite.browser.open(suite.endpoint["end_session_endpoint"], method=method, base_url=ISSUER, **where)


def id_token_of(signed_in: SignIn) -> str:
    return str(signed_in.tokens.get(ID_TOKEN) or signed_in.answer[ID_TOKEN])


def is_signed_in(suite: Suite) -> bool:
    """Whether a second request, with `prompt=none`, is answered with more than an error."""
    answer = suite.answer(prompt="none")
    assert answer.get("error") in (None, "login_required"), answer
    return "error" not in answer


def press(suite: Suite, response: TestResponse, status: int = 200) -> TestResponse:
    """Press the button of the page that asks; nobody has left, and nobody is sent anywhere, until then."""
    assert response.status_code == status, response.text
    assert "Location" not in response.headers
    page = Page(response)
    assert page.actions == [suite.endpoint["end_session_endpoint"]]
    assert is_signed_in(suite)
    return go(suite, "POST", **dict(page.fields))


def is_goodbye(suite: Suite, response: TestResponse) -> bool:
    """Whether the page says that the user is signed out, as they are, and leads nowhere."""
    shown = response.status_code == 200 and "You are signed out" in Page(response).text
    return (
        shown and "Location" not in response.headers and AFTER_LOGOUT not in response.text and not is_signed_in(suite)
    )


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(provider: Flask) -> None:
    document = provider.test_client().get("/.well-known/openid-configuration", base_url=ISSUER).get_json()
    assert document["end_session_endpoint"] == f"{ISSUER}/oauth/logout"
    assert all(url.startswith("https://") for name, url in document.items() if name.endswith(("_endpoint", "_uri")))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout(suite: Suite) -> None:
    assert leave(suite).headers["Location"] == f"{AFTER_LOGOUT}?state={STATE}"
    assert not is_signed_in(suite)


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_no_state(suite: Suite) -> None:
    assert leave(suite, state=None).headers["Location"] == AFTER_LOGOUT
    assert not is_signed_in(suite)


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(suite: Suite) -> None:
    other = AFTER_LOGOUT.replace("post_logout", "other")
    assert is_goodbye(suite, press(suite, leave(suite, post_logout_redirect_uri=other), 400))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(suite: Suite) -> None:
    assert is_goodbye(suite, press(suite, leave(suite, post_logout_redirect_uri=f"{AFTER_LOGOUT}?foo=bar"), 400))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_modified_id_token_hint(suite: Suite) -> None:
    hint = unsigned_like(id_token_of(suite.sign_in()))
    for sent in (hint, f"{hint}c2ln"):
        assert is_signed_in(suite)
        page = go(suite, id_token_hint=sent, post_logout_redirect_uri=AFTER_LOGOUT, state=STATE)
        assert Page(page).actions, "it asks"
        assert page.status_code == 400
    assert is_goodbye(suite, press(suite, page, 400))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_bad_id_token_hint(suite: Suite) -> None:
    """The suite signs one with a key of the client's: its secret, where it has no other."""
    claims = suite.sign_in().claims
    key = OctKey.import_key(str(suite.client.client_secret))
    forged = sign({"alg": "HS256"}, claims, key)
    page = go(suite, id_token_hint=forged, post_logout_redirect_uri=AFTER_LOGOUT, state=STATE)
    assert is_goodbye(suite, press(suite, page, 400))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_no_id_token_hint(suite: Suite) -> None:
    assert is_goodbye(suite, press(suite, leave(suite, id_token_hint=None), 400))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_no_params(suite: Suite) -> None:
    page = leave(suite, id_token_hint=None, post_logout_redirect_uri=None, state=None)
    assert is_goodbye(suite, press(suite, page))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(suite: Suite) -> None:
    assert is_goodbye(suite, leave(suite, post_logout_redirect_uri=None))


@EVERY_FLOW
def test_oidcc_rp_initiated_logout_only_state(suite: Suite) -> None:
    assert is_goodbye(suite, press(suite, leave(suite, id_token_hint=None, post_logout_redirect_uri=None)))
