"""Each member that OpenID Connect adds to a client's registration is everywhere: where clients are made, shown and moved."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import RSAKey

from flask_oauth_gateway.clients.members.openid import OPENID_MEMBERS
from tests.support.admin import AdminSite
from tests.support.app import gateway_of
from tests.support.key_server import KeyServer, key_server
from tests.support.management import Api

CALLBACK = "https://a.example/cb"
KEYS = {"keys": [RSAKey.generate_key(2048, {"use": "enc", "kid": "mine"}).as_dict(private=False)]}
#: A value of each that is not its default, and others that it can't have. `None`: that of the test's own document.
MEMBERS: dict[str, tuple[Any, list[Any]]] = {
    "application_type": ("native", ["spa", 5]),
    "response_types": (["code"], [["code code"], "none", 5]),
    "subject_type": ("pairwise", ["private", 5]),
    "sector_identifier_uri": (None, ["http://a.example/s", "https://a.example/s#x", 5]),
    "id_token_signed_response_alg": ("ES256", ["none", "HS256", "RSA1_5", 5]),
    "id_token_encrypted_response_alg": ("RSA-OAEP-256", ["none", "RSA1_5", "HS256", 5]),
    "id_token_encrypted_response_enc": ("A256GCM", ["none", "A128", 5]),
    "userinfo_signed_response_alg": ("PS256", ["none", "HS256", "RSA1_5", 5]),
    "userinfo_encrypted_response_alg": ("RSA-OAEP", ["none", "RSA1_5", "dir", 5]),
    "userinfo_encrypted_response_enc": ("A128GCM", ["none", "A128", 5]),
    "default_max_age": (0, [-1, "60", True]),
    "require_auth_time": (True, ["yes", 1]),
    "default_acr_values": (["gold", "silver"], [["a b"], 5]),
    "initiate_login_uri": ("https://a.example/start", ["http://a.example/start", "javascript:x", 5]),
    "post_logout_redirect_uris": (["https://a.example/bye"], [["javascript:x"], ["/bye"], 5]),
    "backchannel_logout_uri": ("https://a.example/out?x=1", ["https://a.example/out#x", "ftp://a.example", 5]),
    "backchannel_logout_session_required": (True, ["yes", 1]),
    "id_token_claims": ("all", ["some", 5]),
    "require_pkce": (False, ["no", 0]),
}


@pytest.fixture
def documents() -> Iterator[KeyServer]:
    with key_server() as server:
        server.says = [CALLBACK]
        yield server


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(
        OAUTH_OIDC=True,
        OAUTH_ADMIN=True,
        OAUTH_RATE_LIMITS=None,
        OAUTH_SUBJECT_TYPES=["public", "pairwise"],
        OAUTH_PAIRWISE_SALT="a long random text that is kept for good",
    )


@pytest.fixture
def members(documents: KeyServer) -> dict[str, Any]:
    return {name: documents.url if value is None else value for name, (value, _) in MEMBERS.items()}


def of(client: Any, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(client, name) for name in names}


def test_there_are_no_others() -> None:
    assert MEMBERS.keys() == OPENID_MEMBERS.keys()


def test_in_code_at_the_command_line_and_through_an_export(app: Flask, members: dict[str, Any], tmp_path: Path) -> None:
    def flask_oauth(*arguments: str) -> Any:
        found = app.test_cli_runner().invoke(args=["oauth", "client", *arguments])
        assert found.exit_code == 0, found.output
        return found

    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS))
    arguments = ("--redirect-uri", CALLBACK, "--scope", "openid", "--jwks", str(keys), "--client-id", "c")
    made = flask_oauth("create", "App", *arguments, "--metadata", json.dumps(members), "--json")
    assert json.loads(made.stdout).items() >= members.items()
    clients = gateway_of(app).clients
    assert of(clients.get("c"), members) == members
    file = tmp_path / "clients.json"
    file.write_text(flask_oauth("export").stdout)
    clients.delete("c")
    flask_oauth("import", str(file), "--from", "gateway")
    assert of(clients.get("c"), members) == members, "also what is false or nought"
    assert json.loads(flask_oauth("show", "c", "--json").stdout).items() >= members.items()
    flask_oauth("update", "c", "--metadata", json.dumps({"id_token_claims": "requested"}))
    assert of(clients.get("c"), members) == members | {"id_token_claims": "requested"}


def test_in_the_management_api_and_its_document(app: Flask, members: dict[str, Any]) -> None:
    api = Api(app)
    body = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK], "jwks": KEYS, **members}
    made = api("POST", "/clients", body)
    assert made.status_code == 201, made.text
    path = f"/clients/{made.get_json()['client_id']}"
    assert api.get(path).items() >= members.items()
    described = api.get("/openapi.json")["components"]["schemas"]["Client"]["properties"]
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array"}
    assert {name: described[name]["type"][0] for name in members} == {
        name: kinds[type(value)] for name, value in members.items()
    }
    emptied = api("PATCH", path, dict.fromkeys(members))
    assert emptied.status_code == 200
    assert all(emptied.get_json()[name] in (None, [], False) for name in members)


def test_on_the_administrator_s_pages(app: Flask, members: dict[str, Any]) -> None:
    site = AdminSite(app)
    form = {"client_id": "c", "client_name": "App", "grant_types": "authorization_code", "redirect_uris": CALLBACK}
    sent = form | {"jwks": json.dumps(KEYS), "scope": "openid", "further": json.dumps(members)}
    assert site.submit("clients/new", sent).status_code == 200
    assert of(site.gateway.clients.get("c"), members) == members
    for page in ("client", "client/edit"):
        shown = site.browser.get(f"/oauth/admin/{page}", query_string={"client_id": "c"}).text
        assert all(name in shown for name in members), page


@pytest.mark.parametrize("name", MEMBERS)
def test_what_it_can_t_be_is_refused_with_its_name(app: Flask, name: str) -> None:
    clients = gateway_of(app).clients
    client = clients.create(client_name="App", grant_types=["authorization_code"], redirect_uris=[CALLBACK], jwks=KEYS)
    for wrong in MEMBERS[name][1]:
        with pytest.raises(ValueError, match=name) as refused:
            clients.update(client.client_id, **{name: wrong})
        assert getattr(refused.value, "error", None) == "invalid_client_metadata"
