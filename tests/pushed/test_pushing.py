"""`POST /oauth/par`: what a client may push, what it is told, and what is kept (RFC 9126 section 2)."""

from typing import Any

import pytest
from sqlalchemy import select

from flask_oauth_gateway.database.tables import pushed_request
from tests.support.app import basic, refusal
from tests.support.databases import every_database
from tests.support.processes import finished, fresh_python
from tests.support.pushing import URN, come, push, pushing
from tests.support.site import BOTH, READ, REDIRECT_URI, MakeSite, Page, Site, answer, granted, location, query
from tests.support.stored import database_of


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(OAUTH_PAR=True)


@every_database
@pytest.mark.parametrize("kind", ["register", "register_public"])
def test_a_pushed_request_leads_to_a_code(make_site: MakeSite, kind: str) -> None:
    site = make_site(OAUTH_PAR=True)
    client = getattr(site, kind)()
    request_uri = push(site, client, scope=READ)
    found = answer(location(site.send(Page(come(site, client, request_uri)))))
    assert found["state"] == "xyz"
    assert granted(site.redeem(client, found["code"]))["scope"] == READ


def test_the_answer_says_how_long(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_PAR_LIFETIME=300)
    assert pushing(site, site.register()).get_json()["expires_in"] == 300


def test_what_is_wrong_is_said_where_it_is_pushed(site: Site) -> None:
    client = site.register()
    for parameters, error in (
        ({"request_uri": f"{URN}x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT_URI}/"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "zzz"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"scope": "nope"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "telepathy"}, "invalid_request"),
        ({"resource": "https://nowhere.example"}, "invalid_target"),
        ({"state": "x" * 9000}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"state": ["a", "b"]}, "invalid_request"),
        ({"client_id": "somebody-else"}, "invalid_request"),
    ):
        refusal(pushing(site, client, **parameters), 400, error)


def test_a_hint_of_somebody_else_s_is_told_at_once(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_OIDC=True)
    client, other = (site.register(scope=f"openid {READ}", client_name=name) for name in ("One", "Another"))
    hint = site.tokens(other, scope="openid")["id_token"]
    for wrong in ("nonsense", hint):
        refusal(pushing(site, client, scope="openid", id_token_hint=wrong), 400, "invalid_request")
    assert pushing(site, other, scope="openid", id_token_hint=hint).status_code == 201
    assert pushing(site, client, scope=READ, id_token_hint="nonsense").status_code == 201, "no ID token is asked for"


def test_who_doesn_t_prove_who_it_is_pushes_nothing(site: Site) -> None:
    client = site.register()
    browser = site.app.test_client()
    for sent in (
        {"headers": basic(client.client_id, "wrong"), "data": query(client)},
        {"headers": basic("nobody", "wrong"), "data": {**query(client), "client_id": "nobody"}},
        {"data": query(client)},
        {"data": {**query(client), "client_secret": "wrong"}},
    ):
        response = browser.post("/oauth/par", **sent)
        refusal(response, 401, "invalid_client")
        assert "WWW-Authenticate" in response.headers
    both = {**query(client), "client_secret": client.client_secret}
    headers = basic(client.client_id, client.client_secret)
    refusal(browser.post("/oauth/par", headers=headers, data=both), 400, "invalid_request")


def test_other_methods_and_bodies(site: Site) -> None:
    client = site.register()
    browser = site.app.test_client()
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        response = browser.open("/oauth/par", method=method, query_string=query(client))
        assert response.status_code == 405
        assert response.headers["Allow"] == "OPTIONS, POST"
    headers = basic(client.client_id, client.client_secret)
    refusal(browser.post("/oauth/par", headers=headers, json=query(client)), 400, "invalid_request")
    refusal(browser.post("/oauth/par", headers=headers, data={"state": "x" * 200_000}), 413, "invalid_request")
    secret = {"client_secret": client.client_secret}
    refusal(browser.post("/oauth/par", query_string=secret, data=query(client)), 400, "invalid_request")


def test_too_many_are_refused(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_RATE_LIMITS={"token": "3/minute"})
    client = site.register()
    answers = [pushing(site, client) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 429]
    assert "Retry-After" in answers[-1].headers


def test_nobody_fills_the_table_who_proves_nothing(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True)
    public, proved = site.register_public(), site.register()
    answers = [pushing(site, public).status_code for _ in range(121)]
    assert answers == [201] * 120 + [429]
    refusal(pushing(site, site.register_public()), 429, "temporarily_unavailable")
    assert pushing(site, proved).status_code == 201, "who proves who it is has its own limit"
    assert len(everything(site)) == 121


def test_scripts_on_the_client_s_own_pages_may_push(site: Site) -> None:
    client = site.register_public()
    response = site.app.test_client().post("/oauth/par", data=query(client), headers={"Origin": "https://app.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    other = site.app.test_client().post("/oauth/par", data=query(client), headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert site.app.test_client().options("/oauth/par", headers={"Origin": "https://app.example"}).status_code == 204


def test_neither_secrets_nor_the_name_are_stored(site: Site) -> None:
    client = site.register()
    sent = {**query(client), "client_secret": client.client_secret}
    request_uri = site.app.test_client().post("/oauth/par", data=sent).get_json()["request_uri"]
    rows = everything(site)
    assert len(rows) == 1
    assert str(client.client_secret) not in str(rows)
    assert request_uri.removeprefix(URN) not in str(rows)
    assert "code_challenge" in str(rows), "this would have shown it"


def everything(site: Site) -> list[Any]:
    with database_of(site.app).engine.connect() as connection:
        return list(connection.execute(select(pushed_request)))


def test_off_there_is_nothing(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    refusal(pushing(site, client), 404, "not_found")
    assert "pushed" not in site.browser.get("/.well-known/oauth-authorization-server").text
    where = location(site.ask(client, request_uri=f"{URN}x"))
    assert answer(where)["error"] == "request_uri_not_supported"


def test_where_no_browser_comes_there_is_nothing(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_GRANT_TYPES=["client_credentials"])
    client = site.register(grant_types=["client_credentials"], redirect_uris=[])
    refusal(pushing(site, client), 404, "not_found")
    assert "pushed" not in site.browser.get("/.well-known/oauth-authorization-server").text


def test_the_metadata_say_it(make_site: MakeSite) -> None:
    for par in (True, "required"):
        found = make_site(OAUTH_PAR=par).browser.get("/.well-known/oauth-authorization-server").get_json()
        assert found["pushed_authorization_request_endpoint"] == "http://localhost/oauth/par"
        assert found["require_pushed_authorization_requests"] is (par == "required")


def test_a_client_may_push_other_redirect_uris_only_where_it_is_told_so(site: Site) -> None:
    elsewhere = "https://elsewhere.example/cb"
    for client in (site.register(), site.register_public()):
        refusal(pushing(site, client, redirect_uri=elsewhere), 400, "invalid_request")
    client = site.register(pushed_redirect_uris=True)
    request_uri = push(site, client, redirect_uri=elsewhere)
    found = answer(location(site.send(Page(come(site, client, request_uri)))), elsewhere)
    assert granted(site.redeem(client, found["code"], redirect_uri=elsewhere))["scope"] == BOTH
    for wrong in (
        "http://elsewhere.example/cb", f"{elsewhere}#x", "https://a@elsewhere.example/", "javascript:alert(1)", "nodots:/cb",
        "https://elsewhere.example/ü", "//elsewhere.example",
    ):  # fmt: skip
        refusal(pushing(site, client, redirect_uri=wrong), 400, "invalid_request")
    assert site.ask(client, redirect_uri=elsewhere).status_code == 400, "only what is pushed"


def test_off_nothing_of_it_is_loaded() -> None:
    script = """
import sys
from tests.support.app import build_app
app = build_app(OAUTH_DATABASE_URI="sqlite://")
app.test_client().get("/oauth/authorize?client_id=x&request_uri=urn:ietf:params:oauth:request_uri:x")
app.test_client().get("/.well-known/oauth-authorization-server")
print([name for name in sys.modules if name.startswith("flask_oauth_gateway.") and name.endswith(
    (".pushed", ".pushed_requests", ".par", ".signed_answer", ".client_algorithms", ".signing_keys"))])
"""
    assert finished(fresh_python("-c", script)).strip() == "[]"
