"""Details in the other grants, at other servers' tokens, in code, in protection by configuration and in the audit trail."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from flask_oauth_gateway.database.tables import audit
from flask_oauth_gateway.errors import InvalidAuthorizationDetails
from flask_oauth_gateway.stores.registered_client import Client
from tests.support import device
from tests.support.app import MakeApp, basic, bearer, refusal
from tests.support.checking import ISSUER, checking_app, said
from tests.support.checking import asked as asked_at
from tests.support.databases import every_database
from tests.support.details import FILES, OF_CLIENT, PAYMENT, TYPES, asked, make_paying, pay, paying_client
from tests.support.signing import Signer
from tests.support.site import MakeSite, Page, Site, answer, granted, location
from tests.support.stored import database_of
from tests.support.trading import MakeTrading

ELSEWHERE = FILES | {"locations": ["https://elsewhere.example/x"]}


@pytest.fixture
def paying(make_site: MakeSite) -> Site:
    return make_paying(make_site)


@every_database
def test_a_device_shows_them_on_its_page_and_gets_them(make_site: MakeSite) -> None:
    site = make_paying(make_site)
    site.gateway.authorization_detail("payment")(lambda detail, _, user: {**detail, "account": user.id})
    client = device.register(site, authorization_details_types=OF_CLIENT)
    started = device.start(site, client, authorization_details=asked(PAYMENT, FILES))
    page = device.confirm(site, started["user_code"])
    for words in ("Pay once", "49.90", "Account", "alice", "Use your files"):
        assert words in page.text, words
    site.send(page)
    tokens = granted(device.poll(site, client, started["device_code"]))
    assert tokens["authorization_details"] == [PAYMENT | {"account": "alice"}, FILES]
    assert pay(site, tokens["access_token"]) == tokens["authorization_details"]
    fewer = granted(site.refresh(client, tokens["refresh_token"], authorization_details=asked(FILES)))
    assert fewer["authorization_details"] == [FILES]


def test_a_device_s_form_without_what_was_shown_allows_nothing(paying: Site) -> None:
    client = device.register(paying, authorization_details_types=OF_CLIENT)
    started = device.start(paying, client, authorization_details=asked(PAYMENT))
    page = device.confirm(paying, started["user_code"])
    fields = {name: value for name, value in page.fields if name != "details_token"}
    again = Page(paying.browser.post(page.action, data={**fields, "decision": "allow"}))
    assert "Pay once" in again.text
    refusal(device.poll(paying, client, started["device_code"]), 400, "authorization_pending")
    paying.browser.post(page.action, data={**fields, "decision": "deny"})
    refusal(device.poll(paying, client, started["device_code"]), 400, "access_denied")


def test_a_device_whose_details_the_hook_refuses_hears_that_it_was_refused(paying: Site) -> None:
    paying.gateway.authorization_detail("payment")(lambda *_: None)
    client = device.register(paying, authorization_details_types=OF_CLIENT)
    started = device.start(paying, client, authorization_details=asked(PAYMENT))
    assert "refused" in device.confirm(paying, started["user_code"]).text.lower()
    refusal(device.poll(paying, client, started["device_code"]), 400, "access_denied")


def test_an_implicit_answer_has_them_as_text_where_they_are_short(paying: Site) -> None:
    client = paying_client(paying, grant_types=["implicit"], token_endpoint_auth_method="none")
    where = {"response_type": "token", "code_challenge": None, "code_challenge_method": None}
    for detail, is_there in ((FILES, True), (FILES | {"x": "x" * 3000}, False)):
        page = Page(paying.ask(client, **where, authorization_details=asked(detail)))
        found = answer(location(paying.send(page)), part="fragment")
        assert ("authorization_details" in found) is is_there
        if is_there:
            assert json.loads(found["authorization_details"]) == [detail]
        described = granted_to(paying, found["access_token"])
        assert described["authorization_details"] == [detail]


def granted_to(site: Site, token: str, asker: Client | None = None) -> dict[str, Any]:
    """What a resource server is told of a token."""
    asker = asker or site.register(resource_server=True)
    found: dict[str, Any] = site.post(asker, "/oauth/introspect", token=token).get_json()
    return found


def test_a_resource_server_is_told_of_what_concerns_it(paying: Site) -> None:
    client = paying_client(paying)
    tokens = paying.tokens(client, authorization_details=asked(PAYMENT, FILES, ELSEWHERE))
    everything = tokens["authorization_details"]
    named = paying.register(resource_server=True, client_uri="https://files.example/about")
    by_id = paying.register(
        resource_server=True, client_id="https://elsewhere.example/x", client_uri="https://id.example"
    )
    for asker, told in (
        (client, everything),
        (paying.register(resource_server=True), everything),
        (named, [PAYMENT, FILES]),
        (by_id, [PAYMENT, ELSEWHERE]),
        (paying.register(resource_server=True, client_uri="https://files.example.evil/"), [PAYMENT]),
    ):
        assert granted_to(paying, tokens["access_token"], asker)["authorization_details"] == told, asker
    assert granted_to(paying, tokens["refresh_token"], client)["authorization_details"] == everything


def test_what_a_client_may_have_no_longer_is_gone_from_the_next_token(paying: Site) -> None:
    client = paying_client(paying)
    tokens = paying.tokens(client, authorization_details=asked(PAYMENT, FILES))
    paying.gateway.clients.update(client.client_id, authorization_details_types=["files"])
    next_one = granted(paying.refresh(client, tokens["refresh_token"]))
    assert next_one["authorization_details"] == [FILES]
    paying.gateway.clients.update(client.client_id, authorization_details_types=[])
    assert "authorization_details" not in granted(paying.refresh(client, next_one["refresh_token"]))


@every_database
def test_where_the_setting_was_emptied_no_new_token_has_them(make_site: MakeSite) -> None:
    site = make_paying(make_site)
    tokens = site.tokens(paying_client(site), authorization_details=asked(PAYMENT))
    (client,) = site.gateway.clients.list()
    secret = site.gateway.clients.rotate_secret(client.client_id).client_secret
    without = make_site()
    headers = basic(client.client_id, secret)
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answered = granted(without.app.test_client().post("/oauth/token", data=data, headers=headers))
    assert "authorization_details" not in answered
    assert "authorization_details" not in granted_to(without, answered["access_token"])


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_repeat_within_the_grace_gets_the_same_details_and_no_others(make_site: MakeSite, token_format: str) -> None:
    site = make_paying(make_site, OAUTH_REFRESH_TOKEN_GRACE=60)
    client = paying_client(site, access_token_format=token_format)
    first = site.tokens(client, authorization_details=asked(PAYMENT, FILES))["refresh_token"]
    once = granted(site.refresh(client, first, authorization_details=asked(FILES)))
    again = granted(site.refresh(client, first, authorization_details=asked(FILES)))
    assert again["refresh_token"] == once["refresh_token"]
    assert again["authorization_details"] == once["authorization_details"] == [FILES]
    other = site.refresh(client, first, authorization_details=asked(PAYMENT))
    assert other.status_code == 400
    assert other.get_json()["error"] in ("invalid_authorization_details", "invalid_grant")


def test_a_jwt_that_they_make_too_long_is_refused_and_the_code_still_good(paying: Site) -> None:
    client = paying_client(paying, access_token_format="jwt")
    long = FILES | {"x": "x" * 14000}
    paying.app.config["MAX_FORM_MEMORY_SIZE"] = None
    pushed = paying.token(client, "client_credentials", authorization_details=asked(long))
    refusal(pushed, 400, "invalid_authorization_details")
    granted(paying.token(client, "client_credentials", authorization_details=asked(FILES | {"x": "x" * 5000})))


def test_an_assertion_brings_them_by_the_client_s_types(make_trading: MakeTrading) -> None:
    trading = make_trading(OAUTH_AUTHORIZATION_DETAILS=TYPES)
    trading.gateway.clients.update("partner", authorization_details_types=["files"])
    seen: list[Any] = []
    trading.gateway.authorization_detail("files")(lambda detail, client, _: seen.append(client.client_id) or detail)
    assertion = trading.assertion()
    refusal(trading.post(assertion, authorization_details=asked(PAYMENT)), 400, "invalid_authorization_details")
    answered = trading.trade(assertion, authorization_details=asked(FILES))  # which the refusal has not used up
    assert answered["authorization_details"] == [FILES]
    assert seen == ["partner"]


def test_code_may_issue_them(paying: Site) -> None:
    client = paying_client(paying)
    issue = paying.gateway.tokens.issue
    with paying.app.test_request_context():
        found = issue(client.client_id, authorization_details=[PAYMENT])
        for bad in ([{"type": "secret"}], [{"type": "payment"}], ["x"], [{}]):
            with pytest.raises((InvalidAuthorizationDetails, TypeError, ValueError)):
                issue(client.client_id, authorization_details=bad)
        assert found["authorization_details"] == [PAYMENT]
        (token,) = paying.gateway.tokens.find(client_id=client.client_id).tokens
        assert token.authorization_details == [PAYMENT]
        token.authorization_details[0]["amount"]["value"] = "0.01"  # a copy: nobody changes what others see
        assert token.authorization_details == [PAYMENT]
    assert pay(paying, found["access_token"]) == [PAYMENT]


def test_paths_may_ask_for_a_detail_and_routes_say_so(make_site: MakeSite) -> None:
    site = make_paying(make_site, OAUTH_PROTECT=[{"path": "/shop/*", "detail": "payment"}])

    @site.app.get("/shop/pay")
    def shop() -> str:
        return "paid"

    client = paying_client(site)
    rich = granted(site.token(client, "client_credentials", authorization_details=asked(PAYMENT)))["access_token"]
    poor = granted(site.token(client, "client_credentials"))["access_token"]
    browser = site.app.test_client()
    assert browser.get("/shop/pay", headers=bearer(rich)).text == "paid"
    response = browser.get("/shop/pay", headers=bearer(poor))
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
    assert "detail=payment" in site.app.test_cli_runner().invoke(args=["oauth", "routes"]).output

    def paid(_: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"paid"]

    guarded = site.gateway.wsgi(paid, detail="payment")
    from werkzeug.test import Client as WsgiClient

    assert WsgiClient(guarded).get("/", headers=bearer(rich)).status_code == 200
    assert WsgiClient(guarded).get("/", headers=bearer(poor)).status_code == 403


@pytest.mark.parametrize(
    ("claim", "seen"),
    [
        ([PAYMENT], [PAYMENT]),
        ("text", []),
        ([{"no": "type"}], []),
        ([PAYMENT, 7], []),
        ({"type": "payment"}, []),
        ([], []),
    ],
)
def test_those_of_other_servers_tokens_count_where_they_have_their_shape(claim: Any, seen: list[Any]) -> None:
    from flask_oauth_gateway import current_token, require_token

    signer = Signer()
    app = checking_app({ISSUER: {"jwks": signer.jwks(), "audience": asked_at("x")["audience"]}})

    @app.get("/pay")
    @require_token(detail="payment")
    def pay_here() -> list[dict[str, Any]]:
        return current_token.authorization_details

    token = signer.sign(said(authorization_details=claim), typ="at+jwt")
    response = app.test_client().get("/pay", headers=bearer(token))
    assert (response.get_json() if response.status_code == 200 else []) == seen, response.text


def test_the_audit_trail_names_the_types_alone(paying: Site) -> None:
    client = paying_client(paying)
    paying.tokens(client, authorization_details=asked(PAYMENT, FILES))
    paying.gateway.close()  # which writes what waits
    rows = database_of(paying.app).all(select(audit))
    (row,) = [each for each in rows if each.event == "authorization_granted"]
    assert row.details["detail_types"] == ["payment", "files"]
    assert "49.90" not in json.dumps([each.details for each in rows])


def test_a_type_of_any_name_has_its_template_in_one_folder(make_app: MakeApp, tmp_path: Any) -> None:
    folder = tmp_path / "templates" / "oauth" / "details"
    folder.mkdir(parents=True)
    name = "../../etc/https://example.com/Ü payment".replace("Ü ", "")
    from urllib.parse import quote

    folder.joinpath(f"{quote(name, safe='')}.html").write_text("<p>Words of our own: {{ item.detail.amount }}</p>")
    app = make_app(
        template_folder=str(tmp_path / "templates"),
        OAUTH_AUTHORIZATION_DETAILS={name: {}, "..": {}},
        OAUTH_GRANT_TYPES=["authorization_code"],
    )
    site = Site(app)
    client = site.register(grant_types=["authorization_code"], authorization_details_types=[name, ".."])
    details = asked({"type": name, "amount": "<b>5</b>"}, {"type": ".."})
    response = site.ask(client, authorization_details=details)
    assert "Words of our own: &lt;b&gt;5&lt;/b&gt;" in response.text
