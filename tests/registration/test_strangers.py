"""What a client may have that nobody registered by hand: ceilings, the app's hook, software statements."""

import time
from typing import Any

import pytest
from flask import Request

from flask_oauth_gateway import ClientMetadataError, ConfigurationError
from flask_oauth_gateway.signals import client_registered
from tests.support.app import MakeApp, gateway_of, recorded, server_of
from tests.support.registering import (
    CALLBACK,
    NATIVE,
    OPEN,
    as_client,
    manage,
    refused,
    register,
    registered,
    stored,
)
from tests.support.signing import Signer
from tests.support.site import BOTH, READ, WRITE, MakeSite

SIGNER = Signer()
DIRECTORY = "https://directory.example"


def test_the_ceilings_are_what_the_app_says(make_app: MakeApp) -> None:
    grants = ["authorization_code", "client_credentials"]
    app = make_app(**OPEN, OAUTH_REGISTRATION_SCOPES=[READ], OAUTH_REGISTRATION_GRANT_TYPES=grants)
    http = app.test_client()
    found = registered(http, redirect_uris=[CALLBACK], grant_types=[*grants, "refresh_token"], scope=BOTH)
    assert found["grant_types"] == grants
    assert found["scope"] == READ
    machine = registered(http, grant_types=["client_credentials"])
    assert machine["redirect_uris"] == machine["response_types"] == []
    refused(register(http, **NATIVE, grant_types=["client_credentials"]), "invalid_client_metadata")
    refused(register(http, redirect_uris=[CALLBACK], scope=WRITE), "invalid_client_metadata")


def test_management_is_never_open_to_a_stranger_and_none_reads_others_tokens(make_site: MakeSite) -> None:
    site = make_site(**OPEN, OAUTH_ADMIN=True)
    http = site.app.test_client()
    found = registered(
        http, redirect_uris=[CALLBACK], scope=f"oauth:admin {READ}", resource_server=True, skip_consent=True
    )
    assert found["scope"] == READ
    client, token = as_client(site.app, found), site.tokens(site.register())["access_token"]
    assert site.post(client, "/oauth/introspect", token=token).get_json() == {"active": False}
    assert site.ask(client).status_code == 200  # the consent page


def test_the_app_s_hook_changes_or_refuses(make_app: MakeApp) -> None:
    plans = {"guests": {"quota": "10/hour"}}
    app = make_app(**OPEN, OAUTH_PLANS=plans, OAUTH_REGISTRATION_SCOPES=[READ])
    seen: list[tuple[dict[str, Any], str]] = []

    @gateway_of(app).on_registration
    def on_registration(metadata: dict[str, Any], request: Request) -> dict[str, Any] | None:
        seen.append((dict(metadata), request.method))
        if metadata.get("client_name") == "unchanged":
            return None
        if metadata.get("client_name") == "evil":
            raise ClientMetadataError("No evil programs.")
        more: dict[str, Any] = {
            "plan": "guests",
            "access_token_lifetime": 60,
            "skip_consent": True,
            "resource_server": True,
        }
        return {**metadata, **more, "scope": BOTH, "client_name": "Renamed"}

    http = app.test_client()
    found = registered(http, **NATIVE, client_name="Desk", plan="gold")
    assert seen[0][0]["scope"] == READ
    assert "plan" not in seen[0][0]
    assert found["client_name"] == "Renamed"
    assert found["scope"] == READ
    assert found.keys().isdisjoint({"plan", "access_token_lifetime", "skip_consent"})
    client = stored(app, found)
    assert client is not None
    assert (client.plan, client.access_token_lifetime) == ("guests", 60)
    assert not client.skip_consent
    assert not client.resource_server
    assert refused(register(http, **NATIVE, client_name="evil"), "invalid_client_metadata") == "No evil programs."
    assert registered(http, **NATIVE, client_name="unchanged")["client_name"] == "unchanged"
    changed = {"client_id": found["client_id"], "client_name": "evil"}
    refused(manage(http, "PUT", found, **NATIVE, **changed), "invalid_client_metadata")
    assert seen[-1][1] == "PUT"


def test_the_hook_sees_and_decides_on_all_that_the_program_could_have(make_app: MakeApp) -> None:
    app = make_app(**OPEN)
    answers: list[Any] = [None, READ, [READ], "", [], 5]
    seen: list[tuple[str, str]] = []

    @gateway_of(app).on_registration
    def on_registration(metadata: dict[str, Any], request: Request) -> Any:
        seen.append((metadata["scope"], metadata["default_scope"]))
        answer = answers.pop(0)
        return metadata if answer is None else answer if answer == 5 else {**metadata, "scope": answer}

    http, asked = app.test_client(), {**NATIVE, "scope": WRITE}
    client = stored(app, registered(http, **asked))
    assert client is not None
    assert (client.scope, client.default_scope) == (BOTH, WRITE) == seen[0]
    for _ in range(2):
        found = registered(http, **asked)
        client = stored(app, found)
        assert client is not None
        assert (client.scope, client.default_scope, found["scope"]) == (READ, "", READ)
    for _ in range(2):  # nothing is left: never all of them
        refused(register(http, **asked), "invalid_client_metadata")
    with pytest.raises(TypeError, match="on_registration returns the metadata"):
        register(http, **asked)


def test_who_registered_is_told_and_written_down_without_a_secret(make_app: MakeApp) -> None:
    app = make_app(**OPEN)
    with recorded(client_registered, app) as heard:
        found = registered(app.test_client(), redirect_uris=[CALLBACK])
    assert heard == [{"client_id": found["client_id"], "owner": None, "by": "open"}]
    (entry,) = server_of(app).audit.newest(10, {"event": "client_registered"})
    assert entry.client_id == found["client_id"]
    assert entry.details == {"by": "open", "owner": None}


def statement(signer: Signer = SIGNER, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return signer.sign({"iss": DIRECTORY, **claims}, **(header or {}))


def trusting(make_app: MakeApp, registration: str = "open", most: list[str] | None = None, **entry: Any) -> Any:
    issuers = {DIRECTORY: {"jwks": SIGNER.jwks(), **entry}}
    settings = {"OAUTH_REGISTRATION": registration, "OAUTH_REGISTRATION_SCOPES": most}
    return make_app(**OPEN | settings, OAUTH_SOFTWARE_STATEMENT_ISSUERS=issuers)


def test_what_a_statement_says_wins_and_it_may_come_again(make_app: MakeApp) -> None:
    app = trusting(make_app, scopes=[READ])
    http, now = app.test_client(), int(time.time())
    said = statement(client_name="Certified", redirect_uris=[CALLBACK], skip_consent=True, iat=now, jti="1")
    for _ in range(2):
        found = registered(http, client_name="Mine", redirect_uris=["https://evil.example/"], software_statement=said)
        assert found["client_name"] == "Certified"
        assert found["redirect_uris"] == [CALLBACK]
        assert found["scope"] == READ
        assert found["software_statement"] == said
    client = stored(app, found)
    assert client is not None
    assert not client.skip_consent


def test_no_statement_goes_beyond_the_ceiling_of_its_issuer_or_of_all(make_app: MakeApp) -> None:
    said = statement(scope=BOTH)
    open_to_all = trusting(make_app, most=[READ])
    with_token = trusting(make_app, "token", most=[READ], scopes=[READ, WRITE])
    text, _ = server_of(with_token).registration_tokens.make("", scope=READ, owner=None, uses=None, expires_at=None)
    for app, token in ((open_to_all, None), (with_token, text)):
        http = app.test_client()
        found = registered(http, token=token, **NATIVE, software_statement=said)
        assert (
            manage(http, "PUT", found, client_id=found["client_id"], **NATIVE, software_statement=said).status_code
            == 200
        )
        client = stored(app, found)
        assert client is not None
        assert client.scope == READ


def test_a_statement_that_cannot_be_believed_is_refused(make_app: MakeApp) -> None:
    app = trusting(make_app, audience="https://here.example")
    http, now = app.test_client(), int(time.time())
    good = {"aud": "https://here.example", **NATIVE}
    assert registered(http, software_statement=statement(**good, exp=now + 60))
    invalid = [
        "x", "a.b.c", 5, statement(**good)[:-4] + "AAAA", statement(Signer(), **good), statement(**good, exp=now - 3600),
        statement(**good, nbf=now + 3600), statement(**good | {"aud": "https://there.example"}), statement(**NATIVE),
        statement(header={"alg": "none"}, **good), statement(header={"typ": "at+jwt"}, **good), statement(**good, exp="soon"),
    ]  # fmt: skip
    for each in invalid:
        refused(register(http, **NATIVE, software_statement=each), "invalid_software_statement")
    for unknown in (statement(**good | {"iss": "https://other.example"}), statement(**good | {"iss": 5})):
        refused(register(http, **NATIVE, software_statement=unknown), "unapproved_software_statement")
    without = make_app(**OPEN).test_client()
    refused(register(without, **NATIVE, software_statement=statement(**good)), "unapproved_software_statement")


def test_where_a_statement_is_needed_nothing_is_registered_or_changed_without(make_app: MakeApp) -> None:
    http = trusting(make_app, "statement").test_client()
    refused(register(http, **NATIVE), "invalid_software_statement")
    found = registered(http, **NATIVE, software_statement=statement(client_name="Certified"))
    same = {"client_id": found["client_id"], **NATIVE}
    refused(manage(http, "PUT", found, **same), "invalid_software_statement")
    assert manage(http, "PUT", found, **same, software_statement=statement()).status_code == 200


def test_a_mistake_in_the_issuers_shows_at_the_start(make_app: MakeApp) -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_SOFTWARE_STATEMENT_ISSUERS\['https://directory.example'\]"):
        trusting(make_app, max_lifetime=5)
