"""What OpenID Connect adds to a client's registration: each way to register takes it, checks it and shows it."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ClientMetadataError
from tests.support.admin import AdminSite
from tests.support.app import gateway_of, register
from tests.support.management import Api

CALLBACK = "https://a.example/cb"
MEMBERS: dict[str, Any] = {
    "application_type": "web",
    "post_logout_redirect_uris": ["https://a.example", "https://a.example/bye?from=us", "com.example.app:/bye"],
    "initiate_login_uri": "https://a.example/start?via=us",
}
AFTER = "The address in post_logout_redirect_uris"
HTTPS = "initiate_login_uri must be an https URL without a fragment."
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"application_type": "spa"}, "application_type is 'web' or 'native'."),
    ({"application_type": ["web"]}, "application_type is 'web' or 'native'."),
    ({"post_logout_redirect_uris": 5}, "post_logout_redirect_uris is a list of texts."),
    ({"post_logout_redirect_uris": "http://a.example"}, f"{AFTER} 'http://a.example' must be https"),
    ({"post_logout_redirect_uris": ["https://a.example/#x"]}, f"{AFTER} 'https://a.example/#x' holds a fragment"),
    ({"post_logout_redirect_uris": ["https://a.example", ""]}, f"{AFTER} '' holds a space"),
    ({"post_logout_redirect_uris": ["/bye"]}, f"{AFTER} '/bye' needs https"),
    ({"post_logout_redirect_uris": ["//a.example"]}, f"{AFTER} '//a.example' needs https"),
    ({"post_logout_redirect_uris": ["javascript:alert(1)"]}, f"{AFTER} 'javascript:alert(1)' needs https"),
    ({"post_logout_redirect_uris": ["data:text/html,x"]}, f"{AFTER} 'data:text/html,x' needs https"),
    ({"post_logout_redirect_uris": ["https://u:p@a.example"]}, "holds a user name"),
    ({"post_logout_redirect_uris": ["https:///bye"]}, f"{AFTER} 'https:///bye' names no host"),
    ({"post_logout_redirect_uris": ["https://a.example/\\x"]}, "holds a space, a backslash"),
    ({"initiate_login_uri": "http://a.example/start"}, HTTPS),
    ({"initiate_login_uri": "https://a.example/start#x"}, HTTPS),
    ({"initiate_login_uri": "/start"}, "initiate_login_uri is an http or https URL."),
]  # fmt: skip
IMPLICIT = {"grant_types": ["implicit"], "application_type": "web"}


@pytest.mark.parametrize(("members", "sentence"), WRONG, ids=[str(members)[:80] for members, _ in WRONG])
def test_what_is_wrong_is_said(app: Flask, members: dict[str, Any], sentence: str) -> None:
    client = register(app)
    with pytest.raises(ClientMetadataError) as raised:
        gateway_of(app).clients.update(client.client_id, **members)
    assert sentence in str(raised.value)
    assert raised.value.error == "invalid_client_metadata"


def test_loopback_is_as_good_as_for_a_redirect_uri(app: Flask) -> None:
    uris = ["http://127.0.0.1:5001/bye", "http://localhost/bye", "http://[::1]/bye"]
    assert register(app, post_logout_redirect_uris=uris).post_logout_redirect_uris == uris


@pytest.mark.parametrize("uri", ["http://localhost:5001/cb", "https://127.0.0.1/cb", "com.example.app:/cb"])
def test_a_web_app_of_the_implicit_flow_is_on_the_web(make_app: Callable[..., Flask], uri: str) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["implicit", "authorization_code"])
    with pytest.raises(ClientMetadataError, match="must be https and not on loopback") as raised:
        register(app, redirect_uris=[CALLBACK, uri], **IMPLICIT)
    assert raised.value.error == "invalid_redirect_uri"
    register(app, redirect_uris=[CALLBACK, uri], **IMPLICIT | {"application_type": "native"})
    register(app, redirect_uris=[CALLBACK, uri], **IMPLICIT | {"application_type": None})
    register(app, redirect_uris=[CALLBACK, uri], grant_types=["authorization_code"], application_type="web")
    register(app, redirect_uris=[CALLBACK], **IMPLICIT)


def test_they_come_from_the_command_line_and_through_an_export(app: Flask, tmp_path: Path) -> None:
    def flask_oauth(*arguments: str) -> Any:
        return app.test_cli_runner().invoke(args=["oauth", "client", *arguments])

    create = ("create", "Dashboard", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--client-id", "c")
    made = json.loads(flask_oauth(*create, "--metadata", json.dumps(MEMBERS), "--json").stdout)
    assert made.items() >= MEMBERS.items()
    file = tmp_path / "clients.json"
    file.write_text(flask_oauth("export").stdout)
    gateway_of(app).clients.delete("c")
    flask_oauth("import", str(file), "--from", "gateway")
    shown = json.loads(flask_oauth("show", "c", "--json").stdout)
    assert shown.items() >= MEMBERS.items()
    wrong = json.dumps({"initiate_login_uri": "http://a.example"})
    assert HTTPS in flask_oauth("update", "c", "--metadata", wrong).stderr


def test_they_come_from_the_management_api(make_app: Callable[..., Flask]) -> None:
    api = Api(make_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None))
    body = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK], **MEMBERS}
    made = api("POST", "/clients", body)
    assert (made.status_code, made.get_json().items() >= MEMBERS.items()) == (201, True)
    path = f"/clients/{made.get_json()['client_id']}"
    refused = api("PATCH", path, {"post_logout_redirect_uris": ["javascript:alert(1)"]})
    assert (refused.status_code, refused.get_json()["error"]) == (422, "invalid_client_metadata")
    assert api("PATCH", path, dict.fromkeys(MEMBERS)).status_code == 200
    assert api.get(path)["post_logout_redirect_uris"] == []
    described = api.get("/openapi.json")["components"]["schemas"]["Client"]["properties"]
    assert described["post_logout_redirect_uris"]["items"] == {"type": "string"}
    assert described.keys() >= MEMBERS.keys()


def test_the_administrators_form_has_them_as_json(make_app: Callable[..., Flask]) -> None:
    site = AdminSite(make_app(OAUTH_ADMIN=True))
    client = site.register(client_id="c", require_pkce=False, **MEMBERS)
    here = {"client_id": "c"}
    form = {
        "client_name": "Renamed",
        "grant_types": "authorization_code",
        "redirect_uris": CALLBACK,
        "version": str(client.version),
    }
    shown = unescape(site.browser.get("/oauth/admin/client/edit", query_string=here).text)
    assert json.dumps(MEMBERS["post_logout_redirect_uris"], indent=4)[2:-2].strip() in shown
    assert '"require_pkce": false' in shown
    for sent, sentence in (
        ("{", "is a JSON object"),
        ("[]", "is a JSON object."),
        ('{"owner": "me"}', "names 'owner'; it may name"),
        ('{"initiate_login_uri": "http://a.example"}', HTTPS),
    ):
        refused = site.submit("client/edit", form | {"further": sent}, **here)
        assert (refused.status_code, sentence in unescape(refused.text)) == (400, True)
        assert sent in unescape(refused.text)
    assert site.submit("client/edit", form, **here).status_code == 303, "an app's own template without the field"
    kept = site.gateway.clients.get("c")
    assert (kept.client_name, kept.application_type, kept.require_pkce) == ("Renamed", "web", False)
    assert "com.example.app:/bye" in unescape(site.browser.get("/oauth/admin/client", query_string=here).text)
    further = {"further": json.dumps({"application_type": "native"}), "version": str(kept.version)}
    assert site.submit("client/edit", form | further, **here).status_code == 303
    changed = site.gateway.clients.get("c")
    assert (changed.application_type, changed.post_logout_redirect_uris) == ("native", [])
