"""The management API as a program uses it, with a token of its own for `oauth:admin`."""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway.clients.members import ClientMetadataError
from tests.support.app import SCOPES, ask, basic, bearer, is_accepted, refusal, register, server_of, token_for
from tests.support.databases import every_database
from tests.support.management import API, Api


class TestClients:
    def test_the_life_of_a_client(self, api: Api) -> None:
        made = api(
            "POST",
            "/clients",
            {"client_name": "Partner", "grant_types": ["client_credentials"], "scope": "weather:read"},
        )
        assert made.status_code == 201
        client_id, secret = made.get_json()["client_id"], made.get_json()["client_secret"]
        assert made.headers["Cache-Control"] == "no-store"
        token = api.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(client_id, secret)
        ).get_json()["access_token"]
        assert is_accepted(api.http, token)

        shown = api.get(f"/clients/{client_id}")
        assert shown["client_name"] == "Partner"
        assert secret not in json.dumps(shown)
        assert shown["secrets"][0]["hint"] == secret[-4:]
        assert api.get(f"/clients/{client_id}/impact") == {"tokens": 1, "approvals": 0}

        rotated = api("POST", f"/clients/{client_id}/secrets", {"overlap": 60}).get_json()["client_secret"]
        assert rotated not in (secret, None)
        for each in (secret, rotated):
            sent = api.http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(client_id, each)
            )
            assert sent.status_code == 200

        assert api("PATCH", f"/clients/{client_id}", {"enabled": False}).get_json()["enabled"] is False
        assert not is_accepted(api.http, token)
        assert api("PATCH", f"/clients/{client_id}", {"enabled": True, "client_name": "Other"}).status_code == 200
        assert is_accepted(api.http, token)
        assert api("DELETE", f"/clients/{client_id}").status_code == 204
        assert not is_accepted(api.http, token)
        refusal(api("GET", f"/clients/{client_id}"), 404, "not_found")

    @every_database
    def test_a_list_that_goes_on(self, api: Api) -> None:
        for number in range(3):
            api.gateway.clients.create(client_id=f"list/{number}", client_name=f"Listed {number}", owner="ann")
        first = api.get("/clients?owner=ann&limit=2")
        assert [each["client_id"] for each in first["clients"]] == ["list/0", "list/1"]
        rest = api.get(f"/clients?owner=ann&limit=2&after={first['next']}")
        assert [each["client_id"] for each in rest["clients"]] == ["list/2"]
        assert rest["next"] is None
        assert [each["client_id"] for each in api.get("/clients?text=listed%201")["clients"]] == ["list/1"]
        assert api.get("/client?client_id=list/1")["client_name"] == "Listed 1"

    @pytest.mark.parametrize(
        "client_id",
        [
            "..",
            ".",
            "/./",
            "/lead",
            "tenant//app",
            "a/../b",
            "x/revoke",
            "y/secrets",
            "https://client.example",
            "a%2Fb",
            "a;b",
            "e u",
        ],
    )
    def test_a_client_of_any_name_is_reached_and_no_other(self, api: Api, client_id: str) -> None:
        """Also where what a browser, a proxy or a router makes of the name in a path is another client's."""
        beside = ["tenant/app", "b", "x", "y", "lead", "a/b", "client.example"]
        for each in (client_id, *beside):
            register(api.app, client_id=each)
        named = quote(client_id, safe="")
        assert api.get(f"/client?client_id={named}")["client_id"] == client_id
        assert api.get(f"/client/impact?client_id={named}") == {"tokens": 0, "approvals": 0}
        assert api("POST", f"/client/secrets?client_id={named}", {}).get_json()["client_id"] == client_id
        assert api("PATCH", f"/client?client_id={named}", {"client_name": "It"}).get_json()["client_name"] == "It"
        for spelling in (named, quote(client_id), client_id.replace("%", "%25")):
            response = api("DELETE", f"/clients/{spelling}")
            if response.status_code in (301, 308):
                response = api("DELETE", response.headers["Location"].partition("/admin/api")[2])
            left = {each for each in beside if api.gateway.clients.get(each) is not None}
            assert left == set(beside), f"{spelling} deletes another"
            if response.status_code == 204:
                register(api.app, client_id=client_id)
        assert api("DELETE", f"/client?client_id={named}").status_code == 204
        assert api.gateway.clients.get(client_id) is None

    def test_the_name_must_be_given(self, api: Api) -> None:
        assert "'client_id' is missing" in refusal(api("DELETE", "/client"), 400, "invalid_request")

    @every_database
    def test_of_two_who_change_what_they_read_the_second_is_told(self, api: Api) -> None:
        client_id = register(api.app).client_id
        etag = api("GET", f"/clients/{client_id}").headers["ETag"]
        changed = api("PATCH", f"/clients/{client_id}", {"client_name": "A"}, **{"If-Match": etag})
        assert changed.status_code == 200
        late = api("PATCH", f"/clients/{client_id}", {"client_name": "B"}, **{"If-Match": etag})
        refusal(late, 412, "precondition_failed")
        refusal(api("DELETE", f"/clients/{client_id}", **{"If-Match": etag}), 412, "precondition_failed")
        assert api("DELETE", f"/clients/{client_id}", **{"If-Match": changed.headers["ETag"]}).status_code == 204

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"scope": "nothing:known"}, 422),
            ({"grant_types": ["lotto"]}, 422),
            ({"client_id": "taken"}, 409),
            ({"grant_types": "client_credentials"}, 400),
            ({"colour": "blue"}, 400),
            ([], 400),
        ],
    )
    def test_what_can_t_be(self, api: Api, body: Any, status: int) -> None:
        api.gateway.clients.create(client_id="taken")
        response = api("POST", "/clients", body)
        assert response.status_code == status
        assert response.get_json()["error_description"]


class TestTokens:
    @every_database
    def test_they_are_listed_by_client_and_user_and_revoked(self, api: Api) -> None:
        client_id = register(api.app).client_id
        with api.app.test_request_context():
            for subject in ("alice", "bob", "bob"):
                api.gateway.tokens.issue(client_id, subject=subject)
        page = api.get(f"/tokens?client_id={client_id}&limit=2")
        assert len(page["tokens"]) == 2
        assert len(api.get(f"/tokens?client_id={client_id}&limit=2&after={page['next']}")["tokens"]) == 1
        assert len(api.get("/tokens?subject=bob")["tokens"]) == 2
        token_id = page["tokens"][0]["token_id"]
        assert api("POST", "/tokens/revoke", {"token_id": token_id}).get_json() == {"revoked": 1}
        assert api.get(f"/tokens/{token_id}")["status"] == "The access token was revoked."
        assert api("POST", "/tokens/revoke", {"client_id": client_id}).get_json() == {"revoked": 2}
        refusal(api("POST", "/tokens/revoke", {}), 400, "invalid_request")
        refusal(api("DELETE", "/keys/%00"), 404, "not_found")
        in_milliseconds = {"client_id": client_id, "issued_before": int(time.time() * 1000)}
        assert "future" in refusal(api("POST", "/tokens/revoke", in_milliseconds), 400, "invalid_request")
        refusal(api("GET", f"/tokens/{'0' * 32}"), 404, "not_found")

    def test_a_client_that_isn_t_there_is_no_success(self, api: Api) -> None:
        register(api.app, client_id="station", client_name="Weather station")
        for client_id in ("nobody", "Weather station"):
            sentence = refusal(api("POST", "/tokens/revoke", {"client_id": client_id}), 404, "not_found")
            assert sentence == f"There is no client '{client_id}'."

    def test_jwts_are_not_counted_and_not_found_by_their_jti(self, api: Api) -> None:
        client = register(api.app, access_token_format="jwt")
        token = token_for(api.http, client)["access_token"]
        token_id = api.gateway.tokens.get(token=token).token_id
        assert "JWTs are not stored" in refusal(api("GET", f"/tokens/{token_id}"), 404, "not_found")
        assert api("POST", "/tokens/revoke", {"token_id": token_id}).get_json() == {"revoked": 0}
        assert is_accepted(api.http, token)
        assert api("POST", "/tokens/revoke", {"client_id": client.client_id}).get_json() == {"revoked": 0}
        assert not is_accepted(api.http, token)


def test_keys(api: Api) -> None:
    first = api("POST", "/keys", {"publish_ahead": 0}).get_json()
    second = api("POST", "/keys", {}).get_json()
    assert [key["kid"] for key in api.get("/keys")["keys"]] == [first["kid"], second["kid"]]
    assert "d" not in first["public"]
    assert api("DELETE", f"/keys/{second['kid']}").status_code == 204
    refusal(api("DELETE", "/keys/unknown"), 404, "not_found")
    assert [key["kid"] for key in api.http.get("/oauth/jwks").get_json()["keys"]] == [first["kid"]]


def test_every_action_is_in_the_trail_with_who_did_it_and_to_what(api: Api) -> None:
    client_id = api("POST", "/clients", {}).get_json()["client_id"]
    api("PATCH", f"/clients/{client_id}", {"client_name": "A"})
    api("POST", f"/clients/{client_id}/secrets", {})
    api("DELETE", f"/clients/{client_id}")
    api("POST", "/keys", {})
    entries = api.get(f"/audit?actor=client%20{api.admin.client_id}")["entries"]
    events = [(each["event"], each["client_id"], (each["details"] or {}).get("change")) for each in reversed(entries)]
    assert events == [
        ("client_created", client_id, None),
        ("client_changed", client_id, "update"),
        ("client_changed", client_id, "rotate_secret"),
        ("client_changed", client_id, "delete"),
        ("key_changed", None, "rotate"),
    ]
    newest, *_ = api.get("/audit?limit=1")["entries"]
    older = api.get(f"/audit?limit=1&before={newest['id']}")
    assert older["entries"][0]["id"] == newest["id"] - 1
    assert older["next"] == newest["id"] - 1
    issued = [each for each in api.get("/overview")["counts"] if each["event"] == "token_issued"]
    assert sum(each["entries"] for each in issued) == 1


def test_issuers(api: Api) -> None:
    assert api.get("/issuers") == {"issuers": []}


class TestWhoMay:
    def test_nobody_without_a_token_or_with_another_scope(self, api: Api) -> None:
        refusal(api.http.get(f"{API}/clients"), 401, "unauthorized")
        other = token_for(api.http, register(api.app))["access_token"]
        refusal(api.http.get(f"{API}/clients", headers=bearer(other)), 403, "insufficient_scope")

    def test_no_token_that_a_user_takes_part_in(self, api: Api) -> None:
        """Not even one that code gave the scope."""
        with api.app.test_request_context():
            given = api.gateway.tokens.issue(
                api.admin.client_id, subject="alice", scope="oauth:admin", grant_type="authorization_code"
            )
        refused = api.http.get(f"{API}/clients", headers=bearer(given["access_token"]))
        refusal(refused, 403, "insufficient_scope")

    @pytest.mark.parametrize("grant_types", [["authorization_code"], ["client_credentials", "refresh_token"], []])
    def test_no_client_with_another_grant_can_be_registered_for_the_scope(
        self, api: Api, grant_types: list[str]
    ) -> None:
        with pytest.raises(ClientMetadataError, match="oauth:admin"):
            register(api.app, scope="oauth:admin", grant_types=grant_types, redirect_uris=["https://a.example/cb"])

    def test_it_isn_t_there_unless_it_is_on(self, app: Flask, client: FlaskClient) -> None:
        refusal(client.get(f"{API}/clients"), 404, "not_found")
        assert "oauth:admin" not in server_of(app).settings.scopes
        assert server_of(app).settings.scopes == SCOPES

    def test_the_scope_is_not_offered_to_everybody(self, api: Api) -> None:
        assert (
            "oauth:admin" not in api.http.get("/.well-known/oauth-authorization-server").get_json()["scopes_supported"]
        )
        assert ask(api.http, api.admin, scope="oauth:admin").status_code == 200
