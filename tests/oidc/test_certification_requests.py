"""The certification's tests of what a request may say, by their names, in every flow of the plans.

See docs/certification.md for the plans that each belongs to.
"""

import json
from typing import Any

import pytest

from tests.support.certification import CLAIMS, FLOWS, ISSUER, REDIRECT_URI, Flow, Suite, unsigned
from tests.support.clock import Clock
from tests.support.site import Page

EVERY_FLOW = pytest.mark.parametrize("suite", FLOWS, indirect=True, ids=str)
#: What an ID token says of itself.
OWN = {"iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "at_hash", "c_hash", "sid"}


def learned(suite: Suite, **parameters: str) -> dict[str, Any]:
    """What the client learns of the user, beside who it is."""
    claims = suite.claims(suite.sign_in(**parameters))
    return {name: value for name, value in claims.items() if name not in OWN}


@EVERY_FLOW
def test_oidcc_scope_profile(suite: Suite) -> None:
    assert learned(suite, scope="openid profile") == CLAIMS["profile"]


@EVERY_FLOW
def test_oidcc_scope_email(suite: Suite) -> None:
    assert learned(suite, scope="openid email") == CLAIMS["email"]


@EVERY_FLOW
def test_oidcc_scope_address(suite: Suite) -> None:
    assert learned(suite, scope="openid address") == CLAIMS["address"]


@EVERY_FLOW
def test_oidcc_scope_phone(suite: Suite) -> None:
    assert learned(suite, scope="openid phone") == CLAIMS["phone"]


@EVERY_FLOW
def test_oidcc_scope_all(suite: Suite) -> None:
    everything = {name: value for claims in CLAIMS.values() for name, value in claims.items()}
    assert learned(suite, scope="openid profile email address phone") == everything


@EVERY_FLOW
def test_oidcc_alternate_happy_flow(suite: Suite) -> None:
    """The same sign-in said in other words: the scopes in another order, and a long state and nonce with odd characters."""
    odd = "~._-+/= &?#%\"'<>ü" * 12
    signed_in = suite.sign_in(scope="email openid", state=odd, nonce=odd[::-1])
    assert suite.claims(signed_in)["email"] == CLAIMS["email"]["email"]
    again = suite.sign_in(scope="email openid")
    assert suite.shown == [], "who is signed in and has allowed this isn't asked again"
    assert again.claims["sub"] == signed_in.claims["sub"]


@EVERY_FLOW
def test_oidcc_display_page(suite: Suite) -> None:
    assert suite.sign_in(display="page").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_display_popup(suite: Suite) -> None:
    assert suite.sign_in(display="popup").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_prompt_login(suite: Suite, clock: Clock) -> None:
    first = suite.sign_in()
    clock.advance(2)
    again = suite.sign_in(prompt="login")
    assert suite.shown == ["login"]
    assert again.claims["sub"] == first.claims["sub"]
    assert again.claims["auth_time"] > first.claims["auth_time"]


@EVERY_FLOW
def test_oidcc_prompt_none_not_logged_in(suite: Suite) -> None:
    assert suite.refused(prompt="none") == "login_required"
    assert suite.shown == []


@EVERY_FLOW
def test_oidcc_prompt_none_logged_in(suite: Suite) -> None:
    first = suite.sign_in()
    again = suite.sign_in(prompt="none")
    assert suite.shown == []
    assert [again.claims[name] for name in ("sub", "auth_time")] == [
        first.claims[name] for name in ("sub", "auth_time")
    ]


@EVERY_FLOW
def test_oidcc_max_age_1(suite: Suite, clock: Clock) -> None:
    first = suite.sign_in()
    clock.advance(3)
    again = suite.sign_in(max_age="1")
    assert suite.shown == ["login"]
    assert again.claims["sub"] == first.claims["sub"]
    assert again.claims["auth_time"] >= first.claims["auth_time"] + 3


@EVERY_FLOW
def test_oidcc_max_age_10000(suite: Suite, clock: Clock) -> None:
    first = suite.sign_in(max_age="15000")
    clock.advance(2)
    again = suite.sign_in(max_age="10000", prompt="none")
    assert suite.shown == []
    assert again.claims["auth_time"] == first.claims["auth_time"]


@EVERY_FLOW
def test_oidcc_ensure_request_with_unknown_parameter_succeeds(suite: Suite) -> None:
    assert suite.sign_in(extra="foobar").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_id_token_hint(suite: Suite) -> None:
    first = suite.sign_in()
    hint = first.tokens.get("id_token") or first.answer["id_token"]
    again = suite.sign_in(prompt="none", id_token_hint=hint)
    assert suite.shown == []
    assert again.claims["sub"] == first.claims["sub"]


@EVERY_FLOW
def test_oidcc_login_hint(suite: Suite) -> None:
    response = suite.browser.get(suite.endpoint["authorization_endpoint"], base_url=ISSUER, query_string={
        "client_id": suite.client.client_id, "redirect_uri": REDIRECT_URI, "response_type": suite.flow.response_type,
        "scope": "openid", "nonce": "n", "login_hint": "bob@example.com",
    })  # fmt: skip
    page = suite.browser.get(response.headers["Location"], base_url=ISSUER)
    assert 'value="bob@example.com"' in page.text, "the page to sign in at is told"
    suite.user = "bob"
    assert suite.sign_in(login_hint="bob@example.com").claims["sub"] == "bob"


@EVERY_FLOW
def test_oidcc_ui_locales(suite: Suite) -> None:
    assert suite.sign_in(ui_locales="se").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_claims_locales(suite: Suite) -> None:
    assert suite.sign_in(claims_locales="se").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_ensure_request_with_acr_values_succeeds(suite: Suite) -> None:
    assert suite.sign_in(acr_values="1 2").claims["sub"] == suite.user


@EVERY_FLOW
def test_oidcc_ensure_registered_redirect_uri(suite: Suite) -> None:
    for wrong in (
        "https://suite.example/other",
        f"{REDIRECT_URI}/",
        f"{REDIRECT_URI}?foo=bar",
        "https://evil.example/",
    ):
        response = suite.ask(redirect_uri=wrong)
        assert response.status_code == 400
        assert "Location" not in response.headers
        assert Page(response).actions == [], "a page that sends nobody anywhere"


@EVERY_FLOW
def test_oidcc_ensure_post_request_succeeds(suite: Suite) -> None:
    assert suite.sign_in("POST").claims["sub"] == suite.user
    assert suite.shown == ["login", "consent"]


@EVERY_FLOW
def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(suite: Suite) -> None:
    assert suite.refused(request_uri="https://suite.example/requests/1") == "request_uri_not_supported"


@EVERY_FLOW
def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(suite: Suite) -> None:
    assert suite.refused(request=request_object(suite.flow, state="another")) == "request_not_supported"


@EVERY_FLOW
def test_oidcc_claims_essential(suite: Suite) -> None:
    place = "userinfo" if suite.flow.gives_access_token else "id_token"
    claims = json.dumps({place: {"name": {"essential": True}}})
    assert learned(suite, claims=claims) == {"name": CLAIMS["profile"]["name"]}


@EVERY_FLOW
def test_oidcc_ensure_request_object_with_redirect_uri(suite: Suite) -> None:
    elsewhere = request_object(suite.flow, redirect_uri="https://evil.example/")
    assert suite.refused(request=elsewhere) == "request_not_supported"
    inside = suite.ask(
        request=request_object(suite.flow, redirect_uri=REDIRECT_URI), redirect_uri="https://evil.example/"
    )
    assert inside.status_code == 400
    assert "Location" not in inside.headers


def request_object(flow: Flow, **members: str) -> str:
    return unsigned(json.dumps({"response_type": flow.response_type, "scope": "openid"} | members).encode())
