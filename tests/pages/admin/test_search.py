"""One field for everything; what is looked for may be a token, which stands in no address and on no page again."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import server_of
from tests.support.databases import every_database
from tests.support.site import READ, WRITE, Page


def found(site: AdminSite, text: str, status: int = 200) -> str:
    response = site.submit("search", {"q": text})
    assert response.status_code == status, response.text
    page = " ".join(Page(response).text.split())
    return page[page.index("A token is not shown again.") :]


@every_database
def test_a_client_a_user_a_scope_an_application_a_key_and_a_token_are_found(site: AdminSite) -> None:
    site.gateway.applications.create("Partner GmbH", application_id="gmbh")
    site.register(client_id="station-1", client_name="Weather station", scope=READ, owner="ops")
    site.register(client_id="other", client_name="Weather % mast", scope=f"{READ} {WRITE}")
    site.register(client_id="writes", client_name="Writes alone", scope=WRITE)
    given = site.gateway.tokens.issue("station-1", subject="alice", scope=READ)
    token_id = site.gateway.tokens.get(token=given["access_token"]).token_id
    kid = server_of(site.app).key_ring.rotate(publish_ahead=0).kid
    assert "Weather station" in found(site, "weather")
    assert "Weather % mast" in found(site, "R % M")  # what stands for anything in SQL stands for itself
    assert "client_id station-1 Owner ops" in found(site, "station-")
    assert "Partner GmbH application_id gmbh" in found(site, "gmbh")
    assert "Users alice Approvals Tokens" in found(site, "alice")
    assert "Keys" in found(site, kid[:9])
    scope = found(site, READ)
    assert "Weather station" in scope
    assert "Writes alone" not in scope
    for text in (token_id, given["access_token"], f"bearer  {given['access_token']}"):
        shown = found(site, text)
        assert "User alice Client station-1" in shown
        assert "revoked" not in shown
    site.gateway.tokens.revoke(token_id=token_id)
    assert "it was revoked." in found(site, token_id)
    for text in ("", " ", "%", "_", "x" * 20_000, "é\u202e"):
        found(site, text)
    found_none = site.submit("search", {"q": "\0"})
    assert (found_none.status_code, "control character" in found_none.text) == (400, True)


def test_approvals_and_refresh_tokens_are_found_and_jwts_by_themselves(site: AdminSite) -> None:
    site.person = "alice"
    client = site.register(client_id="c", access_token_format="jwt")
    given = site.tokens(client)
    site.person = "root"
    assert "User alice Client c" in found(site, given["access_token"])
    assert "Refresh token User alice Client c" in found(site, given["refresh_token"])
    (row,) = server_of(site.app).approvals.page(client=None, subject="alice", after=None, limit=9)
    assert "Approval User alice Client c" in found(site, bytes(row.id).hex())
    jti = site.gateway.tokens.get(token=given["access_token"]).token_id
    assert "of a token that is a jwt no id is stored" in found(site, jti).lower()


def test_no_token_is_in_an_address_a_log_or_on_the_page(site: AdminSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = site.register(client_id="c", client_name=HOSTILE)
    live = site.gateway.tokens.issue("c", subject="alice")["access_token"]
    site.person = "alice"
    given = site.tokens(client)
    site.person = "root"
    for secret in (live, given["refresh_token"], client.client_secret, f"{live[:-3]}abc", "eyJhbGciOiJub25lIn0.e30."):
        response = site.submit("search", {"q": secret})
        assert response.status_code == 200
        assert secret not in response.text
        assert response.headers["Cache-Control"] == "no-store"
        assert secret not in caplog.text
        # Whoever puts it into the address all the same finds nothing by it.
        assert secret not in site.browser.get("/oauth/admin/search", query_string={"q": secret}).text
        stale = site.submit("search", {"q": secret, "form_token": "old"})
        assert (stale.status_code, secret in stale.text) == (400, False)
    assert "<script>" not in site.submit("search", {"q": "alert"}).text


def test_an_administrator_signs_out_and_finds_the_way_back(make_site: Callable[..., AdminSite]) -> None:
    site = make_site(OAUTH_SITE_NAME="Notes <b>")
    ended: list[Any] = []
    page = site.browser.get("/oauth/admin/")
    assert "Sign out" not in page.text  # the app has nothing that ends its own session
    assert site.submit("sign-out", {}).status_code == 503
    site.gateway.logout(lambda: ended.append(1))
    page = site.browser.get("/oauth/admin/", base_url="http://localhost/")
    assert page.text.count('aria-current="page"') == 2  # in the menu, and in the one that folds
    assert 'href="/"><bdi>Back to Notes &lt;b&gt;</bdi>' in page.text
    assert site.submit("sign-out", {"form_token": "old"}).status_code == 400
    assert site.browser.get("/oauth/admin/sign-out").status_code == 405
    assert ended == []
    response = site.submit("sign-out", {})
    assert "You are signed out" in response.text
    assert ended == [1]


def test_the_sign_out_ends_this_browser_s_sessions_at_clients_and_goes_where_the_app_says(
    make_site: Callable[..., AdminSite],
) -> None:
    for oidc in (True, False):
        site = make_site(OAUTH_POST_LOGOUT_URL="/bye", OAUTH_OIDC=oidc)
        site.gateway.logout(lambda: None)
        response = site.submit("sign-out", {})
        assert response.status_code in (200, 303)
        assert not oidc or response.headers["Location"] == "/bye"
