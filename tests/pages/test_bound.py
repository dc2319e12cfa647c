"""The pages say which access is tied to a key: for users in words, for administrators and at the command line by its kind."""

from typing import Any

from sqlalchemy import update

from flask_oauth_gateway.database import tables
from tests.support.admin import AdminSite
from tests.support.app import MakeApp, server_of
from tests.support.management import Api
from tests.support.site import DEVICE_CODE, MakeSite, Page, Site

TIED = "This access is tied to a key that only the application has"
KEY = {"cnf": {"jkt": "k" * 43}}


def consent_page(site: Site, client: Any) -> str:
    response = site.ask(client)
    assert response.status_code == 200, response.text
    return Page(response).text


def applications(site: Site) -> str:
    return Page(site.browser.get("/oauth/applications")).text


def bind(site: Site, table: Any, **found: Any) -> int:
    """Bind rows to a key, as DPoP does."""
    with server_of(site.app).database.transaction() as connection:
        which = [table.c[name] == value for name, value in found.items()]
        return int(connection.execute(update(table).where(*which).values(claims=KEY)).rowcount)


def test_the_consent_page_says_it_of_a_client_whose_tokens_are_always_bound(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    assert TIED in consent_page(site, site.register(dpop_bound_access_tokens=True))
    assert TIED not in consent_page(site, site.register())
    everywhere = make_site(OAUTH_DPOP="required")
    assert TIED in consent_page(everywhere, everywhere.register())


def test_a_code_that_is_bound_binds_all_that_a_public_client_gets(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    public, confidential = site.register_public(), site.register()
    assert TIED in Page(site.ask(public, dpop_jkt="k" * 43)).text
    assert TIED not in Page(site.ask(confidential, dpop_jkt="k" * 43)).text, "its refresh token is not"


def test_nothing_is_said_where_it_is_off(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register(dpop_bound_access_tokens=True, tls_client_certificate_bound_access_tokens=True)
    assert TIED not in consent_page(site, client)
    site.tokens(site.register())
    bind(site, tables.approval, subject="alice")
    assert TIED not in applications(site)


def test_the_page_that_asks_whether_it_is_that_device_says_it_too(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    tv = site.register_public(redirect_uris=[], grant_types=[DEVICE_CODE], dpop_bound_access_tokens=True)
    started = site.app.test_client().post("/oauth/device_authorization", data={"client_id": tv.client_id})
    page = Page(site.browser.get("/oauth/device", query_string={"user_code": started.get_json()["user_code"]}))
    form = {**dict(page.fields), "user_code": started.get_json()["user_code"]}
    assert TIED in Page(site.browser.post(page.action, data=form)).text


def test_the_user_s_page_says_it_where_all_that_was_allowed_is_bound(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    client = site.register()
    site.tokens(client)
    assert TIED not in applications(site)
    assert bind(site, tables.approval, subject="alice") == 1
    assert TIED in applications(site)
    site.tokens(client)
    assert TIED not in applications(site), "one of the two can be stolen"


def test_administrators_and_programs_see_what_binds(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True, OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None)
    site = AdminSite(app)
    client = site.register(client_id="c")
    token = site.gateway.tokens.issue("c", subject="alice")["access_token"]
    plain = site.gateway.tokens.issue("c", subject="bob")["access_token"]
    bind(site, tables.access_token, subject="alice")
    text = site.open("tokens", client_id=client.client_id).text
    assert text.count("Bound by DPoP") == 1
    found = {each["subject"]: each["cnf"] for each in Api(app).get("/tokens?client_id=c")["tokens"]}
    assert found == {"alice": KEY["cnf"], "bob": None}

    def inspect(value: str) -> str:
        return str(app.test_cli_runner().invoke(args=["oauth", "token", "inspect", value]).stdout)

    assert f"cnf:          {KEY['cnf']}" in inspect(token)
    assert "cnf" not in inspect(plain)
