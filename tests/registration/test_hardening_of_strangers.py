"""What a program may say of pushed and signed requests and bound tokens that registers itself, or describes itself."""

from typing import Any

from flask_oauth_gateway.clients.strangers import PROTECTIONS
from tests.support.app import MakeApp, gateway_of, server_of
from tests.support.hardening import ALL_ON, SIGNER, TOGETHER
from tests.support.registering import CALLBACK, OPEN, as_client, manage, refused, register, registered, stored
from tests.support.site import MakeSite

MINE = {name: value for name, value in TOGETHER.items() if not name.startswith(("pushed_", "tls_client_auth_"))}
BASIC: dict[str, Any] = {"redirect_uris": [CALLBACK], "jwks": SIGNER.jwks()}


def test_it_says_what_it_can_hold_to_and_the_answers_carry_it(make_app: MakeApp) -> None:
    app = make_app(**OPEN, **ALL_ON)
    http = app.test_client()
    found = registered(http, **BASIC, **MINE)
    assert found.items() >= MINE.items()
    assert manage(http, "GET", found).get_json().items() >= MINE.items()
    less = {"client_id": found["client_id"], **BASIC, "dpop_bound_access_tokens": True}
    changed = manage(http, "PUT", found, **less).get_json()
    kept = {name: value for name, value in MINE.items() if value is True}
    assert {name: changed.get(name) for name in MINE} == dict.fromkeys(MINE) | kept


def test_none_lowers_what_it_is_held_to_but_the_owner_of_the_server(make_app: MakeApp) -> None:
    app = make_app(**OPEN, **ALL_ON)
    http = app.test_client()
    found = registered(http, **BASIC)
    held = dict.fromkeys(sorted(PROTECTIONS), True)
    gateway_of(app).clients.update(found["client_id"], **held)
    for lowered in ({}, dict.fromkeys(held, False)):
        again = manage(http, "PUT", found, client_id=found["client_id"], **BASIC, **lowered)
        assert again.get_json().items() >= held.items(), again.text
    gateway_of(app).clients.update(found["client_id"], **dict.fromkeys(held, False))
    again = manage(http, "PUT", found, client_id=found["client_id"], **BASIC).get_json()
    assert not any(again.get(name) for name in held)


def test_none_pushes_redirect_uris_that_nobody_registered(make_app: MakeApp) -> None:
    app = make_app(**OPEN, **ALL_ON)
    http = app.test_client()

    @gateway_of(app).on_registration
    def on_registration(metadata: dict[str, Any], request: Any) -> dict[str, Any]:
        return {**metadata, "pushed_redirect_uris": True}

    found = registered(http, **BASIC, pushed_redirect_uris=True)
    assert "pushed_redirect_uris" not in found
    client = stored(app, found)
    assert client is not None
    assert client.pushed_redirect_uris is False
    gateway_of(app).clients.update(client.client_id, pushed_redirect_uris=True)  # the owner of the server decided so
    again = manage(http, "PUT", found, client_id=found["client_id"], **BASIC)
    assert again.status_code == 200, again.text
    client = stored(app, found)
    assert client is not None
    assert client.pushed_redirect_uris is True


def test_what_is_off_is_passed_over(make_app: MakeApp) -> None:
    app = make_app(**OPEN)
    found = registered(app.test_client(), **BASIC, **TOGETHER | {"request_object_signing_alg": "none"})
    assert not any(name in found for name in TOGETHER)
    client = stored(app, found)
    assert client is not None
    assert not any(getattr(client, name) for name in TOGETHER)


def test_bad_values_are_refused(make_app: MakeApp) -> None:
    http = make_app(**OPEN, **ALL_ON).test_client()

    def said(**metadata: Any) -> str:
        return refused(register(http, **{**BASIC, **metadata}), "invalid_client_metadata")

    assert "request_object_signing_alg is 'none'" in said(request_object_signing_alg="none")
    assert "request_uris is a list of texts" in said(request_uris="https://a.example/r")
    assert "request_uris has more than 20" in said(request_uris=[f"https://a.example/{n}" for n in range(21)])
    assert "authorization_details_types is a list of texts" in said(authorization_details_types={"payment": 1})
    assert "None of the authorization_details_types" in said(authorization_details_types=["other"])
    assert "dpop_bound_access_tokens is True or False" in said(dpop_bound_access_tokens="true")
    assert "needs a jwks" in said(jwks=None, require_signed_request_object=True)


def test_of_the_types_of_details_those_that_are_there_are_kept(make_app: MakeApp) -> None:
    http = make_app(**OPEN, **ALL_ON).test_client()
    found = registered(http, **BASIC, authorization_details_types=["other", "payment"])
    assert found["authorization_details_types"] == ["payment"]


def test_another_certificate_asks_the_users_anew(make_site: MakeSite) -> None:
    methods = ["tls_client_auth", "none"]
    site = make_site(**OPEN, **ALL_ON, OAUTH_CLIENT_AUTH_METHODS=methods)
    http = site.app.test_client()
    basic: dict[str, Any] = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "tls_client_auth"}
    found = registered(http, **basic, tls_client_auth_san_dns="bank.example")
    client = as_client(site.app, found)
    assert "code=" in site.approve(client, redirect_uri=CALLBACK)
    again = {"client_id": found["client_id"], **basic}
    assert server_of(site.app).consents.of_subject("alice")
    assert manage(http, "PUT", found, **again, tls_client_auth_san_dns="bank.example").status_code == 200
    assert server_of(site.app).consents.of_subject("alice"), "nothing has changed"
    assert manage(http, "PUT", found, **again, tls_client_auth_san_dns="thief.example").status_code == 200
    assert not server_of(site.app).consents.of_subject("alice")
