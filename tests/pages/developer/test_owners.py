"""Nobody sees or changes another's app: every action on it is answered as if it weren't there, word for word."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer, server_of
from tests.support.developer import DeveloperSite
from tests.support.site import READ, REDIRECT_URI

MISSING = "0" * 32
EDIT = {"kind": "web", "client_name": "Taken over", "redirect_uris": "https://evil.example/cb", "scope": READ}
PAGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see": ("GET", "app", {}),
    "see the form": ("GET", "app/edit", {}),
    "edit": ("POST", "app/edit", {**EDIT, "version": "1"}),
    "new secret": ("POST", "app/secret", {"overlap": "0", "version": "1"}),
    "end a secret": ("POST", "app/secret/end", {"secret": "1"}),
    "see what ends": ("GET", "app/delete", {}),
    "delete": ("POST", "app/delete", {}),
}
API: dict[str, tuple[str, str, Any]] = {
    "show": ("GET", "", None),
    "change": ("PATCH", "", {"client_name": "Taken over"}),
    "new secret": ("POST", "/secrets", {}),
    "end a secret": ("DELETE", "/secrets/1", None),
    "usage": ("GET", "/usage", None),
    "delete": ("DELETE", "", None),
}


def others(site: DeveloperSite) -> dict[str, Client]:
    """What isn't bob's to see, each for another reason."""
    by_hand = {"client_name": "By hand", "redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code"]}
    return {
        "alice's": site.new(),
        "nobody's": site.gateway.clients.create(**by_hand),
        "bob's by an administrator's word": site.gateway.clients.create(owner="bob", **by_hand),
        "the administrator's": site.gateway.clients.create(client_id="admin", owner="root", **by_hand),
    }


def plain(response: TestResponse, client_id: str) -> tuple[int, str]:
    return response.status_code, response.text.replace(client_id, "it")


@pytest.mark.parametrize("action", PAGES)
def test_a_page_about_anothers_app_is_like_one_about_none(site: DeveloperSite, action: str) -> None:
    method, path, form = PAGES[action]
    clients = others(site)
    site.person = "bob"
    token = site.visit("apps/new", kind="web").hidden("form_token")

    def answer(client_id: str) -> tuple[int, str]:
        sent = {"data": {"form_token": token, **form}} if method == "POST" else {}
        at = {"client_id": client_id}
        return plain(site.browser.open(f"/oauth/developer/{path}", method=method, query_string=at, **sent), client_id)

    missing = answer(MISSING)
    assert missing[0] == 404
    for whose, client in clients.items():
        assert answer(client.client_id) == missing, whose
        assert site.now(client).version == client.version, whose
        assert client.client_id not in site.visit().text


@pytest.mark.parametrize("action", API)
def test_a_call_about_anothers_app_is_like_one_about_none(site: DeveloperSite, action: str) -> None:
    method, path, body = API[action]
    clients = others(site)
    tool = site.register(scope=f"oauth:apps {READ}")
    token = bearer(site.gateway.tokens.issue(tool.client_id, subject="bob", scope="oauth:apps")["access_token"])

    def answer(client_id: str) -> tuple[int, str]:
        sent = {} if body is None else {"json": body}
        url = f"/oauth/developer/api/apps/{client_id}{path}"
        return plain(site.browser.open(url, method=method, headers=token, **sent), client_id)

    missing = answer(MISSING)
    assert missing[0] == 404
    for whose, client in clients.items():
        assert answer(client.client_id) == missing, whose
        assert site.now(client).version == client.version, whose
    assert site.browser.get("/oauth/developer/api/apps", headers=token).get_json() == {"apps": []}


def test_an_app_that_changes_hands_between_the_look_and_the_act_is_left_alone(site: DeveloperSite) -> None:
    """What was checked is checked again by the statement that acts: an administrator gives it away in between."""
    apps = server_of(site.app).user_apps
    for act in ("change", "add_secret", "end_secret", "remove"):
        client, store = site.new(), apps._clients if act == "add_secret" else apps._store
        real = getattr(store, act)

        def given_away(found: Client, *args: Any, real: Any = real, **named: Any) -> Any:
            if site.now(found).owner == "alice":
                site.gateway.clients.update(found.client_id, owner="bob")
            return real(found, *args, **named)

        setattr(store, act, given_away)
        calls = {
            "change": lambda c=client: site.apps.update("alice", c.client_id, {"client_name": "Mine"}),
            "add_secret": lambda c=client: site.apps.new_secret("alice", c.client_id),
            "end_secret": lambda c=client: (
                site.apps.new_secret("alice", c.client_id, 60)
                and site.apps.end_secret("alice", c.client_id, c.secrets[0].id)
            ),
            "remove": lambda c=client: site.apps.delete("alice", c.client_id),
        }
        with site.app.app_context(), pytest.raises(LookupError):
            calls[act]()
        setattr(store, act, real)
        left = site.now(client)
        assert (left.owner, left.client_name) == ("bob", "Notice board"), act
        assert left.secrets[0].id == client.secrets[0].id


def test_a_token_of_a_user_who_is_gone_registers_nothing(site: DeveloperSite) -> None:
    token = site.gateway.tokens.issue(
        site.gateway.clients.create(grant_types=["password"], scope="oauth:apps").client_id, subject="bob"
    )["access_token"]
    machine = {"kind": "machine", "client_name": "Outlives its maker"}
    gone: set[str] = set()
    site.gateway.load_user(lambda subject: None if subject in gone else subject)
    assert site.browser.post("/oauth/developer/api/apps", json=machine, headers=bearer(token)).status_code == 201
    gone.add("bob")
    late = site.browser.post("/oauth/developer/api/apps", json=machine, headers=bearer(token))
    assert (late.status_code, late.get_json()["error"]) == (403, "insufficient_scope")
    assert len(site.apps.of("bob")) == 1
