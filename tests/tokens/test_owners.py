"""Other servers' tokens: a client's own never passes for a user's, nor a user's for a client's."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import bearer
from tests.support.checking import API, ISSUER, asked, said
from tests.support.key_server import KeyServer, key_server
from tests.support.signing import Signer

SIGNER = Signer("ES256")
UUID, OTHER_UUID = "447989f5-9e75-459b-a77e-75cb515c85b3", "9d3dab58-9f8e-49ad-8a2c-380dd8312b0d"


def app_of(**entry: Any) -> Flask:
    app = Flask("api")
    app.config.update(TESTING=True, OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: {"audience": API, **entry}})
    OAuthGateway(app, resource_server=True)

    @app.get("/who")
    @require_token
    def who() -> Any:
        return jsonify(
            client=current_token.client_id,
            subject=current_token.subject,
            scopes=sorted(current_token.scopes),
            grant=current_token.grant_type,
        )

    return app


def who(claims: dict[str, Any], **entry: Any) -> Any:
    client = app_of(jwks=SIGNER.jwks(), **entry).test_client()
    answer = client.get("/who", headers=bearer(SIGNER.sign(said(**claims))))
    return answer.json if answer.status_code == 200 else answer.status_code


KEYCLOAK = {"typ": "Bearer", "jti": OTHER_UUID, "sub": UUID}
ENTRA_1 = {
    "azp": None,
    "appid": "shop",
    "appidacr": "1",
    "scope": None,
    "sub": UUID,
    "oid": UUID,
    "tid": "t",
    "ver": "1.0",
    "idp": "i",
}
ENTRA_2 = {"azpacr": "2", "scope": None, "sub": UUID, "oid": UUID, "tid": "t", "ver": "2.0"}
ADFS = {"azp": None, "appid": "shop", "apptype": "Confidential", "scope": None, "scp": "openid", "ver": "1.0"}
COGNITO = {"azp": None, "client_id": API, "aud": None, "token_use": "access", "version": 2}

CLIENTS: dict[str, dict[str, Any]] = {
    "rfc 9068": {"sub": "shop", "client_id": "shop"},
    "okta": {"azp": None, "cid": "shop", "scope": None, "scp": ["weather:read"], "sub": "shop"},
    "auth0": {"gty": "client-credentials", "sub": "shop"},
    "auth0, sub alone": {"sub": "shop@clients"},
    "auth0, gty alone": {"gty": "client-credentials"},
    "auth0, gty in a list": {"gty": ["client-credentials"]},
    "uaa": {"grant_type": "client_credentials"},
    "wso2": {"aut": "APPLICATION", "sub": UUID},
    "a draft's": {"sub_type": "client"},
    "another gateway's": {"client_only": True},
    "entra 1 without roles": ENTRA_1,
    "entra 1 with roles": ENTRA_1 | {"roles": ["weather:read"]},
    "entra 2 without roles": ENTRA_2,
    "entra 2 without oid": ENTRA_2 | {"oid": None},
    "entra 2 with idtyp": ENTRA_2 | {"azpacr": None, "oid": None, "idtyp": "app", "scp": "weather:read"},
    "entra 2 of an app without a principal": ENTRA_2 | {"sub": OTHER_UUID},
    "keycloak": KEYCLOAK
    | {"preferred_username": "service-account-shop", "client_id": "shop", "clientHost": "10.0.0.1"},
    "keycloak, in capitals": KEYCLOAK | {"azp": "Shop", "preferred_username": "service-account-shop", "sid": "s"},
    "keycloak of old": KEYCLOAK | {"clientId": "shop", "session_state": UUID},
    "keycloak of old, host alone": KEYCLOAK | {"clientHost": "10.0.0.1", "session_state": UUID},
    "keycloak, client_id alone": {"typ": "Bearer", "client_id": "shop", "sub": UUID},
    "keycloak without its scope": KEYCLOAK | {"jti": f"trrtcc:{OTHER_UUID}"},
    "keycloak with a session": KEYCLOAK | {"jti": f"onrtcc:{OTHER_UUID}", "sid": "s"},
    "keycloak, lightweight": KEYCLOAK | {"jti": f"trltcc:{OTHER_UUID}"},
    "keycloak, lightweight, before 26.2": KEYCLOAK,
    "keycloak, lightweight, without sub": KEYCLOAK | {"sub": None},
    "cognito": COGNITO | {"sub": API},
    "cognito, another sub": COGNITO | {"sub": UUID, "auth_time": 1},
}


@pytest.mark.parametrize("claims", CLIENTS.values(), ids=CLIENTS)
def test_a_client_s_own_token_never_passes_for_a_user_s(claims: dict[str, Any]) -> None:
    told = who(claims)
    assert (told["subject"], told["grant"]) == (None, "client_credentials")


USERS: dict[str, dict[str, Any]] = {
    "rfc 9068": {"client_id": "shop"},
    "okta": {"azp": None, "cid": "shop", "scope": None, "scp": ["weather:read"]},
    "auth0": {"gty": "password", "permissions": ["weather:read"]},
    "wso2": {"aut": "APPLICATION_USER"},
    "entra 1": ENTRA_1 | {"sub": "alice", "scp": "weather:read", "upn": "alice@example.com"},
    "entra 2": ENTRA_2 | {"sub": "alice", "scp": "weather:read", "roles": ["admin"]},
    "entra 1 with roles alone": ENTRA_1 | {"sub": "alice", "roles": ["admin"], "upn": "alice@example.com"},
    "entra 2 with roles alone": ENTRA_2 | {"sub": "alice", "roles": ["admin"], "name": "Alice"},
    "entra 2 with roles alone, of a public client": ENTRA_2 | {"sub": "alice", "roles": ["admin"], "azpacr": "0"},
    "entra 2, a public client": ENTRA_2 | {"sub": "alice", "scp": "weather:read", "azpacr": "0", "idtyp": "user"},
    "azure b2c": {
        "sub": "alice",
        "oid": "alice",
        "scope": None,
        "scp": "weather:read",
        "tfp": "B2C_1",
        "nonce": "n",
        "ver": "1.0",
    },
    "adfs": ADFS | {"upn": "alice@example.com", "auth_time": "2026-01-02T07:02:58.916Z"},
    "keycloak": KEYCLOAK | {"sub": "alice", "preferred_username": "alice", "sid": UUID},
    "keycloak 24": KEYCLOAK | {"sub": "alice", "session_state": UUID, "nonce": "n"},
    "keycloak, lightweight": KEYCLOAK | {"sub": "alice", "jti": f"onltac:{OTHER_UUID}", "sid": UUID},
    "keycloak, client_id by a mapper": KEYCLOAK | {"sub": "alice", "client_id": "shop", "sid": UUID},
    "keycloak, a name that a user chose": KEYCLOAK
    | {"sub": "alice", "preferred_username": "service-account-x", "sid": UUID},
    "cognito": COGNITO | {"username": "alice"},
}


@pytest.mark.parametrize("claims", USERS.values(), ids=USERS)
def test_a_user_s_token_is_that_user_s(claims: dict[str, Any]) -> None:
    told = who(claims)
    assert told["subject"] == "alice"
    assert told["grant"] != "client_credentials"
    assert "admin" not in told["scopes"]


@pytest.mark.parametrize("oid", [UUID, None])
def test_a_user_of_entra_s_with_roles_alone_is_known_by_a_sub_that_is_made_for_the_api(oid: str | None) -> None:
    sub = "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"
    told = who(ENTRA_2 | {"sub": sub, "oid": oid, "roles": ["admin"]})
    assert told == {"client": "shop", "subject": sub, "scopes": [], "grant": ""}
    named = who(ENTRA_2 | {"sub": sub, "roles": ["admin"]}, subject_claim="oid")
    assert (named["subject"], named["scopes"]) == (UUID, [])


@pytest.mark.parametrize("sub", [None, "s-1"])
def test_the_claim_that_is_configured_names_the_user_whether_or_not_there_is_a_sub(sub: str | None) -> None:
    users = {"sub": sub, "upn": "alice", "roles": ["admin"]}
    told = who(users, subject_claim="upn")
    assert told == {"client": "shop", "subject": "alice", "scopes": ["weather:read"], "grant": ""}
    told = who({"sub": sub, "upn": "shop"}, subject_claim="upn")
    assert (told["subject"], told["grant"]) == (None, "client_credentials"), "the client's id is no user there either"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "alice"},  # without the claim that is configured
        {"sub": None, "email": "alice@example.com"},
        {"sub": None, "upn": None, "unique_name": "alice"},
        {"sub": None, "sid": UUID},
        {"sub": UUID, "oid": UUID, "email": "alice@example.com"},
    ],
)
def test_roles_of_a_user_whom_nothing_names_are_no_scopes_of_a_client(claims: dict[str, Any]) -> None:
    told = who({**claims, "roles": ["admin"]}, subject_claim="upn")
    assert told == {"client": "shop", "subject": None, "scopes": ["weather:read"], "grant": ""}


def test_a_client_s_own_roles_are_its_scopes() -> None:
    assert who(ENTRA_2 | {"roles": ["weather:read"]})["scopes"] == ["weather:read"]
    assert who({"sub": None, "roles": ["x"]}) == {
        "client": "shop",
        "subject": None,
        "scopes": ["weather:read", "x"],
        "grant": "client_credentials",
    }


@pytest.fixture(scope="module")
def asking() -> Iterator[tuple[FlaskClient, KeyServer]]:
    with key_server() as server:
        yield app_of(**asked(server.url)).test_client(), server


@pytest.mark.parametrize(
    ("claims", "subject"),
    [
        # Keycloak's answers have `client_id` and `username` in every case.
        ({**KEYCLOAK, "client_id": "shop", "username": "service-account-shop"}, None),
        ({**KEYCLOAK, "sub": "alice", "client_id": "shop", "username": "alice", "sid": UUID}, "alice"),
        ({"grant_type": "client_credentials", "client_id": "shop"}, None),
        ({"sub": "shop", "client_id": "shop"}, None),
    ],
)
def test_what_an_issuer_answers_is_held_against_the_same(
    asking: tuple[FlaskClient, KeyServer], claims: dict[str, Any], subject: str | None
) -> None:
    client, server = asking
    server.says = {"active": True, "token_type": "Bearer", **said(**claims)}
    answer = client.get("/who", headers=bearer("a-token")).json
    assert answer["subject"] == subject
