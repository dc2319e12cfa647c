"""Each member about pushed and signed requests and bound tokens: in code, in an export, in the API, at the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ClientMetadataError
from flask_oauth_gateway.clients.members.hardening import HARDENING_MEMBERS
from tests.support.app import gateway_of
from tests.support.hardening import ALL_ON, MEMBERS, SIGNER, TOGETHER
from tests.support.management import Api

CALLBACK = "https://a.example/cb"
BASIC: dict[str, Any] = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK], "jwks": SIGNER.jwks()}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    methods = ["client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"]
    return make_app(**ALL_ON, OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None, OAUTH_CLIENT_AUTH_METHODS=methods)


def of(client: Any, names: Any) -> dict[str, Any]:
    return {name: getattr(client, name) for name in names}


def refused(app: Flask, **metadata: Any) -> str:
    with pytest.raises(ClientMetadataError) as raised:
        gateway_of(app).clients.create(**{**BASIC, **metadata})
    assert raised.value.error == "invalid_client_metadata"
    return str(raised.value)


def test_there_are_no_others() -> None:
    assert MEMBERS.keys() == HARDENING_MEMBERS.keys()


@pytest.mark.parametrize("name", MEMBERS)
def test_what_a_member_can_t_be_is_refused_with_its_name(app: Flask, name: str) -> None:
    for wrong in MEMBERS[name][1]:
        assert name in refused(app, **{name: wrong}), wrong


def test_in_code_and_through_an_export(app: Flask, tmp_path: Path) -> None:
    clients = gateway_of(app).clients
    clients.create(client_id="c", **BASIC, **TOGETHER)
    assert of(clients.get("c"), TOGETHER) == TOGETHER
    file = tmp_path / "clients.json"
    file.write_text(app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout)
    clients.delete("c")
    app.test_cli_runner().invoke(args=["oauth", "client", "import", str(file), "--from", "gateway"])
    assert of(clients.get("c"), TOGETHER) == TOGETHER
    assert of(clients.update("c", **dict.fromkeys(TOGETHER)), TOGETHER) == {
        name: False if value is True else [] if isinstance(value, list) else None for name, value in TOGETHER.items()
    }


def test_in_the_management_api_and_its_document(app: Flask) -> None:
    api = Api(app)
    made = api("POST", "/clients", {**BASIC, **TOGETHER})
    assert made.status_code == 201, made.text
    path = f"/clients/{made.get_json()['client_id']}"
    assert api.get(path).items() >= TOGETHER.items()
    described = api.get("/openapi.json")["components"]["schemas"]["Client"]["properties"]
    kinds = {bool: "boolean", str: "string", list: "array"}
    assert {name: described[name]["type"][0] for name in TOGETHER} == {
        name: kinds[type(value)] for name, value in TOGETHER.items()
    }
    assert {*described["request_object_signing_alg"]["enum"]} >= {"ES256", "PS256", "EdDSA", "HS256", None}
    assert "none" not in described["request_object_signing_alg"]["enum"]
    wrong = api("PATCH", path, {"request_object_signing_alg": "none"})
    assert (wrong.status_code, wrong.get_json()["error"]) == (400, "invalid_request")
    assert "is none of ES256" in wrong.get_json()["error_description"]
    inconsistent = api("PATCH", path, {"request_object_signing_alg": "HS256"})
    assert (inconsistent.status_code, inconsistent.get_json()["error"]) == (422, "invalid_client_metadata")
    assert api("PATCH", path, dict.fromkeys(TOGETHER)).status_code == 200


def test_requests_are_signed_by_something_that_is_registered(app: Flask) -> None:
    none: dict[str, Any] = {"jwks": None}
    assert "needs a jwks, jwks_uri or certificate" in refused(app, **none, request_object_signing_alg="ES256")
    assert "needs a jwks, jwks_uri or certificate" in refused(app, **none, require_signed_request_object=True)
    encrypts = {"keys": [{**SIGNER.jwk(), "use": "enc"}]}
    assert "has no key for signatures" not in refused(app, jwks={"keys": []}, require_signed_request_object=True)
    assert "needs a key for signatures" in refused(app, jwks=encrypts, require_signed_request_object=True)
    assert "client_secret_jwt" in refused(app, request_object_signing_alg="HS256"), "its secret is only hashed"
    create = gateway_of(app).clients.create
    sealed: dict[str, Any] = {**BASIC, "jwks": None, "token_endpoint_auth_method": "client_secret_jwt"}
    assert create(**sealed, request_object_signing_alg="HS256").request_object_signing_alg == "HS256"
    assert create(**sealed, require_signed_request_object=True).require_signed_request_object
    certified = {**BASIC, "jwks": None, "certificate": SIGNER.certificate(until=90)}
    assert create(**certified, request_object_signing_alg="ES256", require_signed_request_object=True).client_id


def test_a_public_client_registers_each_redirect_uri(app: Flask) -> None:
    said = refused(app, token_endpoint_auth_method="none", pushed_redirect_uris=True)
    assert "pushed_redirect_uris is for clients that prove who they are" in said


def test_no_signed_request_stands_in_a_private_network(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_REQUEST_URIS=True, OAUTH_JAR=True, OAUTH_ISSUER="https://login.example")
    app.testing = False
    for url in ("https://10.0.0.1/r", "https://127.0.0.1/r", "http://127.0.0.1:9/r", "https://0x7f.1/r"):
        assert "request_uris is in a private network" in refused(app, request_uris=["https://a.example/r", url])


def test_what_is_off_is_kept_and_named_in_a_note(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    create = ["oauth", "client", "create", "App", "--redirect-uri", CALLBACK, "--client-id", "c"]
    flags = ["--dpop-bound-access-tokens", "--require-pushed-authorization-requests", "--pushed-redirect-uris"]
    made = app.test_cli_runner().invoke(args=[*create, *flags])
    assert made.exit_code == 0, made.output
    assert "Note: dpop_bound_access_tokens keeps this client from every token without OAUTH_DPOP" in made.stderr
    assert "Note: pushed_redirect_uris has no effect without OAUTH_PAR." in made.stderr
    refused = (
        "require_pushed_authorization_requests refuses every authorization request of this client without OAUTH_PAR."
    )
    assert refused in made.stderr
    assert gateway_of(app).clients.get("c").dpop_bound_access_tokens


def test_each_has_an_option_at_the_command_line(app: Flask, tmp_path: Path) -> None:
    def flask_oauth(*arguments: str) -> Any:
        return app.test_cli_runner().invoke(args=["oauth", "client", *arguments])

    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(SIGNER.jwks()))
    options = []
    for name, value in TOGETHER.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            options.append(flag)
        else:
            each = flag.removesuffix("s") if isinstance(value, list) else flag
            options += [part for item in ([value] if isinstance(value, str) else value) for part in (each, item)]
    create = ("create", "App", "--redirect-uri", CALLBACK, "--jwks", str(keys), "--client-id", "c")
    made = flask_oauth(*create, *options, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout).items() >= TOGETHER.items()
    assert json.loads(flask_oauth("show", "c", "--json").stdout).items() >= TOGETHER.items()
    assert "tls_client_auth_subject_dn: CN=bank,O=Bank AG" in " ".join(flask_oauth("show", "c").stdout.split())
    emptied = ("--tls-client-auth-subject-dn", "", "--request-uri", "", "--no-dpop-bound-access-tokens")
    assert flask_oauth("update", "c", *emptied).exit_code == 0
    client = gateway_of(app).clients.get("c")
    assert (client.tls_client_auth_subject_dn, client.request_uris, client.dpop_bound_access_tokens) == (
        None,
        [],
        False,
    )
    assert client.require_pushed_authorization_requests
    wrong = flask_oauth("update", "c", "--request-object-signing-alg", "none")
    assert (wrong.exit_code, "--request-object-signing-alg is 'none'; it may be ES256" in wrong.stderr) == (1, True)
    shown = " ".join(flask_oauth("create", "--help").stdout.split())
    assert "Here: payment, account." in shown
