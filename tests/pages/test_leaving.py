"""How a form of ours leads to another site: by a page for browsers, whose policies would be held against redirects."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask import make_response, redirect
from werkzeug.test import TestResponse

from tests.support.looker import CALLBACK, Looker, signed_in
from tests.support.served_site import build_site

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    site = build_site(instance_path=str(tmp_path / "instance"), template_folder=str(tmp_path / "own"), TESTING=True)
    return Looker(site, signed_in(site.app))


def leads_to(page: TestResponse) -> str:
    """Where a page sends the browser by itself, and by its only link."""
    assert page.status_code == 200
    refresh = re.search('<meta http-equiv="refresh" content="0; url=([^"]*)">', page.text)
    assert refresh, page.text
    assert re.findall('<a href="([^"]*)"', page.text) == [refresh[1]]
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    return unescape(refresh[1])


def test_a_browser_gets_a_page_and_a_program_the_redirect(looker: Looker) -> None:
    client = looker.site.register()
    url = looker.site.request_for(client, state="a b&c", prompt="consent")
    there = leads_to(looker.allow(looker.http.get(url), url, BROWSER))
    assert re.fullmatch(re.escape(CALLBACK) + r"\?code=[^&]+&state=a\+b%26c&iss=http%3A%2F%2Flocalhost", there)
    for accept in ("*/*", "application/json"):
        again = looker.allow(looker.http.get(url), url, accept)
        assert again.status_code == 303
        assert again.location.startswith(f"{CALLBACK}?code=")


def test_an_app_s_own_scheme_is_named_in_the_policy_and_redirected_to(looker: Looker) -> None:
    """A phone opens an app where a person pressed a button, and an app sends nobody further."""
    client = looker.site.register(redirect_uris=["com.example.app:/cb"], token_endpoint_auth_method="none")
    consent = looker.consent(client)
    assert consent.headers["Content-Security-Policy"].endswith("form-action 'self' com.example.app:")
    answer = looker.allow(consent, looker.site.request_for(client), BROWSER)
    assert answer.status_code == 303
    assert answer.location.startswith("com.example.app:/cb?code=")


def test_only_a_browser_that_a_page_of_this_site_sent_here_gets_the_page_without_a_form(looker: Looker) -> None:
    """Mostly that page is the app's sign-in; a client's own page, a frame and a script get the redirect."""
    client = looker.site.register(skip_consent=True)
    for site, goal, is_page in (
        ("same-origin", "document", True),
        ("cross-site", "document", False),
        ("same-origin", "iframe", False),
        ("same-origin", "empty", False),
    ):
        sent = {"Accept": BROWSER, "Sec-Fetch-Site": site, "Sec-Fetch-Dest": goal}
        answer = looker.http.get(looker.site.request_for(client), headers=sent)
        there = leads_to(answer) if is_page else answer.location
        assert there.startswith(f"{CALLBACK}?code="), (site, goal)


def test_a_form_of_somebody_who_is_signed_out_leads_to_the_sign_in_with_its_cookies(looker: Looker) -> None:
    def login(_: object) -> object:
        answer = make_response(redirect("https://login.example/?a=1&b=2"))
        answer.set_cookie("oidc_state", "x")
        answer.set_cookie("nonce", "y")
        return answer

    looker.site.gateway.login(login)
    with looker.http.session_transaction() as session:
        session.clear()
    for path in ("/oauth/device", "/oauth/applications/revoke", looker.site.request_for(looker.site.register())):
        page = looker.http.post(path, data={"decision": "allow"}, headers={"Accept": BROWSER})
        assert leads_to(page) == "https://login.example/?a=1&b=2", path
        cookies = [value.partition("=")[0] for value in page.headers.getlist("Set-Cookie")]
        assert {"oidc_state", "nonce"} <= {*cookies}


def test_a_form_that_stays_here_is_redirected(looker: Looker) -> None:
    client = looker.site.register()
    looker.allow(looker.consent(client), looker.site.request_for(client))
    page = looker.http.get("/oauth/applications").text
    token = re.search('name="form_token" value="([^"]*)"', page)
    assert token
    data = {"form_token": token[1], "client_id": client.client_id}
    answer = looker.http.post("/oauth/applications/revoke", data=data, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.location) == (303, "/oauth/applications")


@pytest.mark.parametrize(
    "written",
    [
        '<form action="https://evil.example/">',
        '<FORM\n action="https://evil.example/">',
        '<input type="image" formaction="https://evil.example/">',
        '<button form="answer" formaction="https://evil.example/">',
    ],
)
def test_the_posted_answer_may_lead_anywhere_unless_its_page_holds_more_than_the_answer(
    looker: Looker, tmp_path: Path, written: str
) -> None:
    """A form that somebody got into the page leads to this site and the client's alone."""
    client = looker.site.register()
    state = "<form <input <button formaction=x"
    url = looker.site.request_for(client, response_mode="form_post", prompt="consent", state=state)

    def policy() -> str:
        page = looker.allow(looker.http.get(url), url)
        assert f'action="{CALLBACK}"' in page.text
        return page.headers["Content-Security-Policy"]

    assert "form-action" not in policy()
    assert "base-uri 'none'" in policy()
    (tmp_path / "own" / "oauth").mkdir(parents=True)
    (tmp_path / "own" / "oauth" / "_brand.html").write_text(written, "utf-8")
    looker.site.app.jinja_env.cache.clear()  # type: ignore[union-attr]
    assert policy().endswith("form-action 'self' https:")
