"""An app waits for an administrator, works for its owner meanwhile, and is approved as it was looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flask_oauth_gateway.clients.members import ClientMetadataError
from flask_oauth_gateway.stores.applications import ApplicationChanged
from tests.support.app import bearer, refusal
from tests.support.developer import DeveloperSite
from tests.support.site import DEVICE_CODE, READ, REDIRECT_URI, VERIFIER, WRITE, Page, granted

MakeSite = Callable[..., DeveloperSite]


@pytest.fixture
def site(make_site: MakeSite) -> DeveloperSite:
    return make_site(OAUTH_DEVELOPER_APPROVAL=True)


def is_shut(site: DeveloperSite, client: object) -> bool:
    response = site.ask(client, scope=READ)  # type: ignore[arg-type]
    if response.status_code == 200:
        return False
    assert "waits for approval" in Page(response).text
    assert "Location" not in response.headers
    return True


def test_it_works_for_its_owner_alone_until_it_is_approved(site: DeveloperSite) -> None:
    client = site.new()
    assert "Waits for approval" in site.visit("app", client_id=client.client_id).text
    mine = granted(site.redeem(client, site.code(client, scope=READ)))
    assert site.browser.get("/me", headers=bearer(mine["access_token"])).get_json()["subject"] == "alice"
    assert site.token(client, "refresh_token", refresh_token=mine["refresh_token"]).status_code == 200
    site.person = "bob"
    assert is_shut(site, client)

    site.person = "root"
    assert "Notice board" in site.browser.get("/oauth/admin/applications?status=pending").text
    version = dict(site.open("application", application_id=client.client_id).fields)["version"]
    sent = site.submit("application/status", {"action": "approve", "version": version}, application_id=client.client_id)
    assert sent.status_code == 303
    site.person = "bob"
    assert not is_shut(site, client)
    page = Page(site.ask(client, scope=READ)).text
    assert "not checked" not in page
    theirs = granted(site.redeem(client, site.code(client, scope=READ)))
    assert site.browser.get("/me", headers=bearer(theirs["access_token"])).status_code == 200

    site.gateway.applications.revoke(client.client_id)
    for token in (mine, theirs):
        assert site.browser.get("/me", headers=bearer(token["access_token"])).status_code == 401
    site.person = "alice"
    assert "Not approved" in site.visit("app", client_id=client.client_id).text


def test_a_rejected_app_does_nothing_for_its_owner_either(site: DeveloperSite) -> None:
    client = site.new()
    mine = granted(site.redeem(client, site.code(client, scope=READ)))
    code = site.code(client, scope=READ)
    site.gateway.applications.revoke(client.client_id)
    assert site.browser.get("/me", headers=bearer(mine["access_token"])).status_code == 401
    refusal(site.token(client, "refresh_token", refresh_token=mine["refresh_token"]), 401, "invalid_client")
    refusal(site.token(client, "authorization_code", code=code, redirect_uri=REDIRECT_URI), 401, "invalid_client")
    assert site.ask(client).status_code == 400


def test_tokens_of_its_own_wait_too_and_whoever_uses_it_hears_why(site: DeveloperSite) -> None:
    client = site.new("machine")
    said = refusal(site.token(client, "client_credentials"), 400, "unauthorized_client")
    assert "waits for an administrator" in said
    text = site.visit("app", client_id=client.client_id).text
    assert "before it is approved" in text
    for minted in (None, "bob"):
        with pytest.raises(Exception, match="waits for an administrator"):
            site.gateway.tokens.issue(client.client_id, subject=minted)
    site.gateway.applications.approve(client.client_id)
    assert site.token(client, "client_credentials").status_code == 200


def test_a_device_is_for_its_owner_alone_and_nobody_takes_the_code_away(site: DeveloperSite) -> None:
    client = site.new("device")
    asked = site.app.test_client().post("/oauth/device_authorization", data={"client_id": client.client_id}).get_json()

    def type_code(person: str) -> Page:
        site.person = person
        page = Page(site.browser.get("/oauth/device"))
        fields = {**dict(page.fields), "user_code": asked["user_code"]}
        return Page(site.browser.post("/oauth/device", data=fields))

    assert "waits for approval" in type_code("bob").text
    page = type_code("alice")
    assert "Notice board" in page.text
    done = site.send(page)
    assert done.status_code == 200
    got = site.token(client, DEVICE_CODE, device_code=asked["device_code"])
    assert got.status_code == 200, got.text


def test_a_code_that_was_given_to_another_is_worth_nothing_while_it_waits(make_site: MakeSite) -> None:
    """Whoever was allowed in before, by another process that hadn't heard: the exchange looks again."""
    site = make_site(OAUTH_DEVELOPER_APPROVAL=True)
    client = site.new()
    code = site.code(client, scope=READ)
    site.gateway.clients.update(client.client_id, owner="bob")  # it is bob's now, and alice a user like others
    sent = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    said = refusal(site.token(client, "authorization_code", **sent), 400, "unauthorized_client")
    assert "waits" in said


def test_whoever_approves_sees_where_users_go_and_which_keys_count(make_site: MakeSite) -> None:
    config = {"OAUTH_OIDC": True, "OAUTH_CLIENT_AUTH_METHODS": ["private_key_jwt"]}
    site = make_site(OAUTH_DEVELOPER_APPROVAL=True, **config)
    addresses = {"post_logout_redirect_uris": ["https://own.example/bye"], "jwks_uri": "https://keys.example/own"}
    client = site.new(**addresses)
    site.person = "root"
    page = site.open("application", application_id=client.client_id).text
    assert "Where users go after they signed out https://own.example/bye" in page
    assert "jwks_uri https://keys.example/own" in page


def test_only_what_was_looked_at_is_approved(site: DeveloperSite) -> None:
    client = site.new()
    seen = site.gateway.applications.get(client.client_id).version
    with site.app.app_context():
        site.apps.update("alice", client.client_id, {"redirect_uris": ["https://evil.example/cb"]})
    with pytest.raises(ApplicationChanged):
        site.gateway.applications.approve(client.client_id, version=seen)
    form = {"action": "approve", "version": str(seen)}
    late = site.as_admin("application/status", form, application_id=client.client_id)
    assert (late.status_code, "out of date" in late.text) == (400, True)
    assert site.gateway.applications.get(client.client_id).status == "pending"


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "Your bank"},
        {"redirect_uris": [REDIRECT_URI, "https://evil.example/cb"]},
        {"redirect_uris": ["https://evil.example/cb"]},
        {"scope": f"{READ} {WRITE}"},
        {"client_uri": "https://bank.example/"},
        {"policy_uri": "https://bank.example/"},
    ],
)
def test_an_approved_app_becomes_no_more_than_it_was(site: DeveloperSite, change: dict[str, object]) -> None:
    client = site.new()
    with site.app.app_context():
        site.apps.update("alice", client.client_id, change)  # while it waits, its owner may
        other = site.new()
        site.gateway.applications.approve(other.client_id)
        with pytest.raises(ClientMetadataError, match="administrator"):
            site.apps.update("alice", other.client_id, change)
    assert site.now(other).redirect_uris == [REDIRECT_URI]
    assert "has approved this app" in site.visit("app/edit", client_id=other.client_id).text


def test_an_approved_app_may_become_less(site: DeveloperSite) -> None:
    client = site.new(scope=f"{READ} {WRITE}", redirect_uris=[REDIRECT_URI, "https://b.example/cb"])
    site.gateway.applications.approve(client.client_id)
    less = {"scope": READ, "redirect_uris": [REDIRECT_URI], "contacts": ["me@app.example"]}
    with site.app.app_context():
        found = site.apps.update("alice", client.client_id, less)
        assert (found.scope, found.redirect_uris) == (READ, [REDIRECT_URI])
        assert site.apps.new_secret("alice", client.client_id, 3600).client_secret
        site.apps.delete("alice", client.client_id)
    assert site.gateway.applications.get(client.client_id) is None


def test_an_app_from_before_approval_was_asked_for_does_not_grow_either(make_site: MakeSite) -> None:
    client = make_site().new()
    later = make_site(OAUTH_DEVELOPER_APPROVAL=True)
    with later.app.app_context(), pytest.raises(ClientMetadataError, match="administrator"):
        later.apps.update("alice", client.client_id, {"scope": f"{READ} {WRITE}"})


def test_an_owner_cannot_switch_on_what_an_administrator_switched_off(site: DeveloperSite) -> None:
    client = site.new()
    site.gateway.clients.update(client.client_id, enabled=False)
    assert "Switched off" in site.visit("app", client_id=client.client_id).text
    with site.app.app_context():
        site.apps.update("alice", client.client_id, {"client_name": "Still off"})
        site.apps.new_secret("alice", client.client_id)
    assert not site.now(client).enabled
    site.gateway.applications.approve(client.client_id)
    assert not site.now(client).enabled
    site.gateway.clients.update(client.client_id, enabled=True)
    assert site.now(client).enabled


ASKED = {
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "code_challenge_method": "S256",
    "code_challenge": "c" * 43,
}


@pytest.mark.parametrize("person", [None, "bob", "alice"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "none"}, {"scope": "nope"}, {"response_type": "token"}, {"code_challenge": "x"},
        {"response_mode": "form_post", "scope": "nope"},
    ],
)  # fmt: skip
def test_nobody_but_its_owner_is_sent_to_an_address_that_nobody_looked_at(
    site: DeveloperSite, person: str | None, wrong: dict[str, str]
) -> None:
    client = site.new()
    site.person = person  # type: ignore[assignment]
    sent = {"client_id": client.client_id, **ASKED, **wrong}
    response = site.browser.get("/oauth/authorize", query_string=sent)
    if person == "alice":
        assert "app.example" in response.headers.get("Location", "") + response.text
        return
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "app.example" not in response.text
    assert "waits for approval" in Page(response).text
    site.gateway.applications.approve(client.client_id)
    response = site.browser.get("/oauth/authorize", query_string=sent)
    assert "app.example" in response.headers.get("Location", "") + response.text


@pytest.mark.parametrize("person", [None, "bob", "alice"])
@pytest.mark.parametrize("hinted", [False, True])
def test_nor_after_a_sign_out(make_site: MakeSite, person: str | None, *, hinted: bool) -> None:
    site = make_site(OAUTH_DEVELOPER_APPROVAL=True, OAUTH_OIDC=True)
    site.gateway.logout(lambda: None)
    out = "https://app.example/out"
    client = site.new(post_logout_redirect_uris=[out], scope=f"openid {READ}")
    mine = granted(site.redeem(client, site.code(client, scope="openid")))
    sent = {"client_id": client.client_id, "post_logout_redirect_uri": out}
    sent |= {"id_token_hint": mine["id_token"]} if hinted else {}
    browser = site.browser if person == "alice" else site.app.test_client()
    site.person = person  # type: ignore[assignment]
    response = browser.get("/oauth/logout", query_string=sent)
    if person == "alice":
        assert out in response.headers.get("Location", "") + response.text
        return
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert out not in response.text


def test_an_app_that_waits_still_does_so_after_an_export_and_an_import(
    site: DeveloperSite, make_site: MakeSite, tmp_path: Path
) -> None:
    waiting, unchecked = site.new(), make_site().new()
    exported = tmp_path / "clients.json"
    exported.write_text(site.app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout)
    for client in (waiting, unchecked):
        site.gateway.clients.delete(client.client_id)
    site.gateway.applications.delete(waiting.client_id)
    site.app.test_cli_runner().invoke(args=["oauth", "client", "import", str(exported)])
    again = site.now(waiting)
    assert (again.origin, again.is_on_trial, again.enabled) == ("developer", True, True)
    assert (site.now(unchecked).origin, site.now(unchecked).is_stranger) == ("developer", True)
    assert len(site.apps.of("alice")) == 2
    granted(site.redeem(waiting, site.code(waiting, scope=READ)))
    site.person = "bob"
    assert is_shut(site, waiting)
    assert "not checked" in Page(site.ask(unchecked)).text


@pytest.mark.parametrize("scope", ["openid", "openid email"])
def test_no_claim_is_had_by_its_name_beyond_the_scopes_that_were_approved(make_site: MakeSite, scope: str) -> None:
    site = make_site(OAUTH_DEVELOPER_APPROVAL=True, OAUTH_OIDC=True)
    site.gateway.user_claims(lambda *_: {"email": "alice@example.com", "name": "Alice"})
    client = site.new(scope=scope, post_logout_redirect_uris=["https://app.example/out"])
    site.person = "root"
    looked_at = site.open("application", application_id=client.client_id).text
    assert "https://app.example/out" in looked_at
    site.gateway.applications.approve(client.client_id)
    site.person = "alice"
    claims = '{"userinfo": {"email": {"essential": true}, "name": null}, "id_token": {"email": null}}'
    assert ("alice@example.com" in site.ask(client, scope="openid", claims=claims).text) == ("email" in scope)
    tokens = granted(site.redeem(client, site.code(client, scope="openid", claims=claims)))
    told = site.browser.get("/oauth/userinfo", headers=bearer(tokens["access_token"])).get_json()
    assert told.keys() == ({"sub", "email"} if "email" in scope else {"sub"})


def test_an_app_that_is_moved_back_under_its_own_approval_is_off_until_then(site: DeveloperSite) -> None:
    """Others have used it meanwhile, whose tokens would come to life with it."""
    client = site.new()
    site.gateway.applications.create("Partner", application_id="partner")
    site.gateway.clients.update(client.client_id, application="partner")
    site.person = "bob"
    theirs = granted(site.redeem(client, site.code(client, scope=READ)))
    site.gateway.clients.update(client.client_id, application=client.client_id)
    site.gateway.clients.update(client.client_id, client_name="Another name")
    assert site.browser.get("/me", headers=bearer(theirs["access_token"])).status_code == 401
    site.person = "alice"
    assert "Switched off" in site.visit("app", client_id=client.client_id).text
    site.gateway.applications.approve(client.client_id)
    assert (site.now(client).enabled, site.now(client).state_for_owner) == (True, "works")


@pytest.mark.parametrize("name", ["\u3164", "\u115f\u1160", "\u200b\u2800", "\u202e"])
def test_an_app_without_a_name_that_can_be_seen_is_called_by_its_id(site: DeveloperSite, name: str) -> None:
    client = site.new(client_name=name)
    assert f"{client.client_id} wants access" in Page(site.ask(client)).text
