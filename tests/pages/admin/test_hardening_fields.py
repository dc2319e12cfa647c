"""The administrator's form asks for each member where its feature is on, and keeps what is off."""

import json
import re
from html import unescape
from typing import Any

import pytest

from flask_oauth_gateway.clients.members.hardening import HARDENING_MEMBERS
from flask_oauth_gateway.pages.admin.labels import LABELS
from tests.support.admin import AdminSite
from tests.support.app import MakeApp
from tests.support.hardening import ALL_ON, SIGNER, TOGETHER

HERE = {"client_id": "c"}
FORM: dict[str, Any] = {
    "client_name": "Bank",
    "grant_types": "authorization_code",
    "redirect_uris": "https://a.example/cb",
    "jwks": json.dumps(SIGNER.jwks()),
    "token_endpoint_auth_method": "client_secret_basic",
}
SENT = {
    name: "yes" if value is True else "\r\n".join(value) if isinstance(value, list) else value
    for name, value in TOGETHER.items()
}


@pytest.fixture
def site(make_app: MakeApp) -> AdminSite:
    return AdminSite(make_app(**ALL_ON, OAUTH_ADMIN=True))


def of(client: Any) -> dict[str, Any]:
    return {name: getattr(client, name) for name in TOGETHER}


def test_every_member_has_a_field_and_stands_on_the_client_s_page(site: AdminSite) -> None:
    form = site.browser.get("/oauth/admin/clients/new?kind=other").text
    assert all(f'name="{name}"' in form for name in HARDENING_MEMBERS)
    made = site.submit("clients/new", {**FORM, **SENT, "client_id": "c", "hardening": "yes"})
    assert made.status_code == 200, made.text
    client = site.gateway.clients.get("c")
    assert of(client) == TOGETHER
    page = unescape(site.browser.get("/oauth/admin/client", query_string=HERE).text)
    assert all(name in page for name in TOGETHER)
    assert "https://a.example/r?x=1#5v-hash" in page
    edit = unescape(site.browser.get("/oauth/admin/client/edit", query_string=HERE).text)
    assert 'name="pushed_redirect_uris" value="yes" checked' in edit
    assert "<option selected>ES256" in edit
    less = {**FORM, "version": str(client.version), "hardening": "yes", "request_object_signing_alg": "ES256"}
    assert site.submit("client/edit", less, **HERE).status_code == 303
    changed = site.gateway.clients.get("c")
    assert {name for name, value in of(changed).items() if value} == {"request_object_signing_alg"}


def test_the_labels_are_those_that_stand_beside_the_fields(site: AdminSite) -> None:
    text = unescape(site.browser.get("/oauth/admin/clients/new?kind=other").text)
    beside = dict(re.findall(r'<label for="([^"]+)">([^<]+)</label>', text))
    beside |= dict(re.findall(r'name="([^"]+)" value="yes"> <span class="words">([^<]+)</span>', text))
    legend = r'<legend>([^<]+)</legend>\s*<ul[^>]*><li><label><input type="checkbox" name="([^"]+)"'
    beside |= {name: label for label, name in re.findall(legend, text)}
    assert {name: beside[name] for name in HARDENING_MEMBERS} == {
        name: LABELS.get(name, name) for name in HARDENING_MEMBERS
    }


def test_an_app_s_own_template_without_these_fields_leaves_them_as_they_are(site: AdminSite) -> None:
    client = site.register(client_id="c", jwks=SIGNER.jwks(), **TOGETHER)
    form = {**FORM, "version": str(client.version), "further": "", "dpop_bound_access_tokens": ""}
    assert site.submit("client/edit", form, **HERE).status_code == 303
    assert of(site.gateway.clients.get("c")) == TOGETHER


def test_a_mistake_is_named_by_the_field_s_label_and_what_was_typed_stays(site: AdminSite) -> None:
    sent = {**FORM, **SENT, "hardening": "yes", "request_object_signing_alg": "HS256"}
    refused = site.submit("clients/new", sent)
    text = unescape(refused.text)
    assert refused.status_code == 400
    assert "“Signatures of its requests” HS256 is for clients of client_secret_jwt" in text
    assert "https://a.example/r?x=1#5v-hash\nhttps://a.example/2</textarea>" in text
    assert 'name="dpop_bound_access_tokens" value="yes" checked' in text


def test_what_is_off_has_no_field_and_is_kept_among_the_further_members(make_app: MakeApp) -> None:
    site = AdminSite(make_app(OAUTH_ADMIN=True, OAUTH_DPOP=True))
    form = site.browser.get("/oauth/admin/clients/new?kind=other").text
    assert [name for name in HARDENING_MEMBERS if f'name="{name}"' in form] == ["dpop_bound_access_tokens"]
    client = site.register(client_id="c", require_pushed_authorization_requests=True)
    edit = unescape(site.browser.get("/oauth/admin/client/edit", query_string=HERE).text)
    assert '"require_pushed_authorization_requests": true' in edit
    further = json.dumps({"require_pushed_authorization_requests": True, "pushed_redirect_uris": True})
    sent = {**FORM, "version": str(client.version), "hardening": "yes", "further": further}
    assert site.submit("client/edit", sent, **HERE).status_code == 303
    changed = site.gateway.clients.get("c")
    assert (changed.require_pushed_authorization_requests, changed.pushed_redirect_uris) == (True, True)
    sent = {**sent, "version": str(changed.version), "further": '{"dpop_bound_access_tokens": true}'}
    assert "names 'dpop_bound_access_tokens'; it may name" in unescape(site.submit("client/edit", sent, **HERE).text)
