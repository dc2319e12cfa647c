"""`resource` picks some of what was approved, and a wrong one spends nothing (RFC 8707 section 2.2)."""

from typing import Any

from flask_oauth_gateway import require_token
from tests.support.app import bearer, build_app, close_app, refusal
from tests.support.databases import every_database
from tests.support.site import DEVICE_CODE, ISSUER, MakeSite, Page, Site, granted, refused

A, B = "https://a.example/mcp", "https://b.example"
RESOURCES = {"/a": A, "/b": B}


def audience(site: Site, answer: dict[str, Any]) -> str:
    """What the token information says of a token."""
    token = bearer(answer["access_token"])
    return str(site.app.test_client().get("/oauth/tokeninfo", headers=token).get_json()["audience"])


@every_database
def test_a_wrong_resource_leaves_the_code_and_the_tokens_as_they_were(make_site: MakeSite, database_uri: str) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES)
    other = build_app(OAUTH_DATABASE_URI=database_uri, OAUTH_RESOURCES=RESOURCES)  # another process's app
    client = site.register()
    code = site.code(client, resource=A)
    for wrong in (B, "https://c.example", "/a", f"{A}#x", f"{A}/", f"{A}?x"):
        refusal(site.redeem(client, code, resource=wrong), 400, "invalid_target")
    first = granted(site.redeem(client, code, resource=A))
    for wrong in (B, ISSUER, "a.example"):
        refusal(site.refresh(client, first["refresh_token"], resource=[A, wrong]), 400, "invalid_target")
    second = granted(site.refresh(client, first["refresh_token"]))
    assert audience(site, first) == audience(site, second) == A
    token = bearer(second["access_token"])
    assert other.test_client().get("/oauth/tokeninfo", headers=token).get_json()["audience"] == A
    assert other.test_client().get("/weather", headers=token).status_code == 401, "it belongs to another resource"
    refusal(site.redeem(client, code, resource=B), 400, "invalid_grant")
    assert not site.is_live(second["access_token"]), "a code that comes again ends all, whatever it asks for"
    close_app(other)


def test_a_wrong_resource_tells_nobody_whether_a_stolen_code_is_good(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES)
    client, thief = site.register(), site.register()
    code = site.code(client, resource=A)
    refusal(site.redeem(thief, code, resource=B), 400, "invalid_grant")
    refusal(site.redeem(client, code, resource=A), 400, "invalid_grant")
    code = site.code(client, resource=A)
    refusal(site.redeem(client, code, resource=B, code_verifier="x" * 43), 400, "invalid_grant")
    refusal(site.redeem(client, code, resource=A), 400, "invalid_grant")


def test_each_refresh_may_ask_for_another_part_of_the_approval(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES)
    client = site.register()
    both: Any = [A, B]
    answer = granted(site.redeem(client, site.code(client, resource=both), resource=A))
    assert audience(site, answer) == A
    for asked, got in ((B, B), (A, A), (["HTTPS://B.Example/", A], f"{B} {A}"), (None, f"{A} {B}")):
        more = {} if asked is None else {"resource": asked}
        answer = granted(site.refresh(client, answer["refresh_token"], **more))
        assert audience(site, answer) == got
    refusal(site.refresh(client, answer["refresh_token"], resource=ISSUER), 400, "invalid_target")


def test_an_approval_without_resource_is_for_what_it_always_was(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES)
    client = site.register()
    answer = site.tokens(client)
    assert audience(site, answer) == f"{ISSUER} {A} {B}"
    assert audience(site, granted(site.refresh(client, answer["refresh_token"], resource=B))) == B


def test_scheme_and_host_count_in_any_case_and_a_lone_slash_is_forgiven(make_site: MakeSite) -> None:
    named = "https://c.example/mcp?tenant=1"
    site = make_site(OAUTH_RESOURCES={**RESOURCES, "/c": named, "/d": "urn:example:D"})
    client = site.register(grant_types=["client_credentials"])
    for sent, meant in (
        ("HTTPS://A.EXAMPLE/mcp", A),
        ("https://B.example", B),
        ("https://b.example/", B),
        ("Https://C.Example/mcp?tenant=1", named),
        ("URN:example:D", "urn:example:D"),
        (f"{ISSUER}/", ISSUER),
    ):
        assert audience(site, granted(site.token(client, "client_credentials", resource=sent))) == meant
    for other in (
        "https://a.example/MCP",
        f"{A}/",
        "https://c.example/mcp",
        f"{named}2",
        "urn:example:d",
        "https://b.example?x",
    ):
        refusal(site.token(client, "client_credentials", resource=other), 400, "invalid_target")
        refused(site.approve(site.register(), resource=other), "invalid_target")


def test_a_device_asks_again_after_a_wrong_resource(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES)
    tv = site.register(grant_types=["device_code", "refresh_token"])
    started = site.post(tv, "/oauth/device_authorization", resource=A).get_json()
    form = {
        "user_code": started["user_code"],
        "form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"),
    }
    site.send(Page(site.browser.post("/oauth/device", data=form)))
    refusal(site.token(tv, DEVICE_CODE, device_code=started["device_code"], resource=B), 400, "invalid_target")
    assert audience(site, granted(site.token(tv, DEVICE_CODE, device_code=started["device_code"]))) == A


def test_nobody_gets_the_audience_of_a_single_view_by_an_approval_that_named_none(make_site: MakeSite) -> None:
    site = make_site()
    site.app.add_url_rule("/vault", "vault", require_token(audience="https://vault.example")(lambda: "opened"))
    client = site.register(grant_types=["authorization_code", "refresh_token", "client_credentials"])
    answer = site.tokens(client)
    refusal(site.refresh(client, answer["refresh_token"], resource="https://vault.example"), 400, "invalid_target")
    asked = granted(site.redeem(client, site.code(client, resource="https://vault.example")))
    own = granted(site.token(client, "client_credentials", resource="https://vault.example"))
    browser = site.app.test_client()
    for tokens, status in ((answer, 401), (asked, 200), (own, 200)):
        assert browser.get("/vault", headers=bearer(tokens["access_token"])).status_code == status


def test_a_second_window_never_gets_a_token_for_another_resource_than_it_asked_for(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=RESOURCES, OAUTH_REFRESH_TOKEN_GRACE=30)
    client, both = site.register(), [A, B]
    first = site.tokens(client, resource=both)  # type: ignore[arg-type]
    one = granted(site.refresh(client, first["refresh_token"], resource=A))
    refusal(site.refresh(client, first["refresh_token"], resource=B), 400, "invalid_target")
    again = granted(site.refresh(client, first["refresh_token"], resource=A))
    assert again["access_token"] == one["access_token"], "nothing was revoked"
    assert audience(site, granted(site.refresh(client, one["refresh_token"], resource=B))) == B
