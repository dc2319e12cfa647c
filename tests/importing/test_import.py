"""`flask oauth client import`: clients of other registries come over with their secrets, and a second run changes nothing."""

import copy
import json
import random
import re
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import argon2
import pytest
from flask import Flask

from flask_oauth_gateway.importing import SOURCES
from tests.support.app import ask, is_accepted, register, server_of, token_for
from tests.support.databases import sqlite_only
from tests.support.exports import AUTH0, DOORKEEPER, HYDRA_LIST, KEYCLOAK, hydra_row
from tests.support.importing import IMPORT_SCOPES, clients, works
from tests.support.signing import Signer

KEY = "5jUAdGv9pBouF0wOH5keAVI35GBtx3dT"
SECRET = "xQPvHmGOPuxvKgFc"


APIGEE = {
    "app": [
        {
            "appId": "ce1e94a2-9c3e-42fa-a2c6-1ee01815476b",
            "name": "weather",
            "developerId": "d1",
            "status": "approved",
            "callbackUrl": "",
            "attributes": [{"name": "DisplayName", "value": "Weather app"}, {"name": "tier", "value": "gold"}],
            "credentials": [
                {
                    "consumerKey": KEY,
                    "consumerSecret": SECRET,
                    "status": "approved",
                    "expiresAt": "-1",
                    "scopes": ["READ"],
                    "apiProducts": [
                        {"apiproduct": "PremiumWeatherAPI", "status": "approved"},
                        {"apiproduct": "Later", "status": "pending"},
                    ],
                },
                {"consumerKey": "revoked-key", "consumerSecret": SECRET, "status": "revoked", "scopes": ["READ"]},
            ],
        },
        {
            "name": "site",
            "developerId": "d2",
            "callbackUrl": "https://site.example/cb, https://site.example/cb2",
            "credentials": [
                {"consumerKey": "site-key", "consumerSecret": SECRET, "expiresAt": str(2**41), "scopes": []}
            ],
        },
    ],
    "developer": [{"developerId": "d1", "email": "tesla@weathersample.com"}],
}


def test_apigee_apps_with_keys_secrets_products_and_status(app: Flask, bring: Callable[..., Any]) -> None:
    said = bring("apigee", APIGEE)
    assert {name: each["what"] for name, each in said.items()} == dict.fromkeys([KEY, "revoked-key", "site-key"], "new")
    assert said["revoked-key"]["notes"] == ["its status is revoked"]
    assert said[KEY]["notes"] == ["with its application 'Weather app' (approved)"]
    assert works(app, KEY, SECRET)
    assert not works(app, KEY, "another")
    assert not works(app, "revoked-key", SECRET)
    weather, site = clients(app).get(KEY), clients(app).get("site-key")
    assert (weather.client_name, weather.scope, weather.contacts) == (
        "Weather app",
        "READ",
        ["tesla@weathersample.com"],
    )
    assert weather.attributes == {
        "application_name": "ce1e94a2-9c3e-42fa-a2c6-1ee01815476b",
        "api_product_list_json": ["PremiumWeatherAPI"],
        "developer.email": "tesla@weathersample.com",
    }
    assert not clients(app).get("revoked-key").enabled
    application = app.extensions["oauth_gateway"].applications.get("ce1e94a2-9c3e-42fa-a2c6-1ee01815476b")
    assert (application.name, application.owner, application.status) == (
        "Weather app",
        "tesla@weathersample.com",
        "approved",
    )
    assert application.attributes == {"tier": "gold"}
    assert {each.client_id for each in clients(app).list(application.application_id)} == {KEY, "revoked-key"}
    assert site.redirect_uris == ["https://site.example/cb", "https://site.example/cb2"]
    assert site.grant_types == ["authorization_code", "refresh_token"]
    assert site.secrets[0].expires_at == pytest.approx(2**41 // 1000, abs=5)
    assert {each["what"] for each in bring("apigee", APIGEE).values()} == {"there"}


@sqlite_only
def test_a_revoked_apigee_app_works_once_it_is_approved_save_its_revoked_keys(
    app: Flask, bring: Callable[..., Any]
) -> None:
    revoked = copy.deepcopy(APIGEE["app"][0])
    revoked["status"] = "revoked"
    del revoked["appId"]
    bring("apigee", {"app": [revoked]})
    assert not works(app, KEY, SECRET)
    assert bring("apigee", {"app": [revoked]})[KEY]["what"] == "there"
    (application,) = app.extensions["oauth_gateway"].applications.find(status="revoked").applications
    app.extensions["oauth_gateway"].applications.approve(application.application_id)
    assert works(app, KEY, SECRET)
    assert not works(app, "revoked-key", SECRET)


@sqlite_only
def test_a_dry_run_changes_nothing_and_a_client_that_is_there_is_left_alone(
    app: Flask, bring: Callable[..., Any]
) -> None:
    said = bring("apigee", APIGEE, "--dry-run")
    assert {each["what"] for each in said.values()} == {"new"}
    assert said[KEY]["notes"] == ["with its application 'Weather app' (approved)"]
    assert clients(app).list() == []
    assert app.extensions["oauth_gateway"].applications.find().applications == []
    register(app, client_id=KEY, client_secret="its own secret", scope="WRITE")
    said = bring("apigee", APIGEE)[KEY]
    assert said["what"] == "different"
    assert {"scope is another here", "the secret is another here"} <= set(said["notes"])
    assert (clients(app).get(KEY).scope, works(app, KEY, "its own secret")) == ("WRITE", True)


@sqlite_only
def test_what_can_t_be_imported_is_named_and_stands_in_nobody_s_way(app: Flask, bring: Callable[..., Any]) -> None:
    wrong = copy.deepcopy(APIGEE)
    wrong["app"][0]["credentials"][0]["scopes"] = ["NOPE"]
    wrong["app"][1]["callbackUrl"] = "http://site.example/cb"
    line = bring("apigee", wrong, fails=True)
    assert line.startswith(f"app 'weather', key {KEY} is refused: scope names 'NOPE', which is not in OAUTH_SCOPES")
    assert line.endswith("And 1 more.")
    assert [each.client_id for each in clients(app).list()] == ["revoked-key"]
    twice = {"app": [APIGEE["app"][0], APIGEE["app"][0]]}
    assert "there is another entry with the client_id" in bring("apigee", twice, fails=True)


AXWAY = [
    {
        "name": "Sample",
        "email": "sample@example.com",
        "enabled": True,
        "state": "approved",
        "appScopes": [
            {"scope": "READ", "enabled": True, "isDefault": True},
            {"scope": "WRITE", "enabled": True},
            {"scope": "OFF", "enabled": False},
        ],
        "credentials": [
            {
                "credentialType": "oauth",
                "clientId": "SampleConfidentialApp",
                "secret": "6808d4b6-ef09-4b0d-8f28-3b05da9c48ec",
                "type": "confidential",
                "enabled": True,
                "redirectUrls": ["https://app.example/redirect.html"],
            },
            {"credentialType": "apikey", "id": "an API key", "secret": "x"},
            {
                "id": "SamplePublicApp",
                "secret": "3b001542-e348-443b-9ca2-2f38bd3f3e84",
                "type": "Public",
                "enabled": False,
                "redirectUrls": ["https://app.example/public"],
            },
        ],
    }
]


@sqlite_only
def test_axway_applications(app: Flask, bring: Callable[..., Any]) -> None:
    signer = Signer("RS256")
    exported = copy.deepcopy(AXWAY)
    exported[0]["credentials"][0]["cert"] = signer.pem()
    said = bring("axway", exported)
    assert set(said) == {"SampleConfidentialApp", "SamplePublicApp"}
    assert works(app, "SampleConfidentialApp", "6808d4b6-ef09-4b0d-8f28-3b05da9c48ec")
    confidential, public = (clients(app).get(name) for name in said)
    assert (confidential.scope, confidential.default_scope) == ("READ WRITE", "READ")
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" in confidential.grant_types
    assert confidential.certificate == signer.pem()
    assert (public.is_public, public.enabled, public.secrets) == (True, False, ())
    assert said["SamplePublicApp"]["notes"] == ["it is disabled", "a public client: its secret is left out"]
    assert {each["what"] for each in bring("axway", exported).values()} == {"there"}
    assert clients(app).get("SampleConfidentialApp").contacts == ["sample@example.com"]


@sqlite_only
def test_grants_and_scopes_that_the_other_registry_does_not_know_may_be_named(
    app: Flask, bring: Callable[..., Any]
) -> None:
    exported = copy.deepcopy(AXWAY)
    del exported[0]["appScopes"]
    bring("axway", exported, "--grant", "password", "--scope", "READ")
    assert clients(app).get("SampleConfidentialApp").grant_types == ["password"]
    assert clients(app).get("SampleConfidentialApp").scope == "READ"


def pbkdf2(secret: str) -> str:
    made = b64encode(pbkdf2_hmac("sha256", secret.encode(), b"salt", 1000)).decode()
    return f"pbkdf2_sha256$1000$salt${made}"


def django(number: int, **fields: Any) -> dict[str, Any]:
    defaults = {
        "client_id": f"client-{number}",
        "user": number,
        "redirect_uris": "",
        "client_type": "confidential",
        "authorization_grant_type": "client-credentials",
        "client_secret": pbkdf2(SECRET),
        "hash_client_secret": True,
        "name": f"App {number}",
        "skip_authorization": False,
        "created": "2018-05-31T10:00:31.661Z",
        "algorithm": "",
    }
    return {"model": "oauth2_provider.application", "pk": number, "fields": defaults | fields}


@sqlite_only
def test_django_s_hashed_secrets_go_on_working(app: Flask, bring: Callable[..., Any]) -> None:
    redirects = {"redirect_uris": "https://a.example/cb\r\nhttps://b.example/cb"}
    rows = [
        django(1),
        django(2, client_secret="argon2" + argon2.PasswordHasher(time_cost=1, memory_cost=512).hash(SECRET)),
        django(3, client_secret=SECRET, hash_client_secret=False),
        django(4, client_secret="bcrypt_sha256$$2b$12$xyz", user=["admin"]),
        django(5, authorization_grant_type="authorization-code", client_type="public", **redirects),
        django(6, authorization_grant_type="authorization-code", skip_authorization=True, **redirects),
        {"model": "auth.user", "pk": 1, "fields": {"username": "x"}},
    ]
    said = bring("django-oauth-toolkit", rows)
    for number in (1, 2, 3):
        assert works(app, f"client-{number}", SECRET), number
        assert not works(app, f"client-{number}", "another"), number
    assert "hashed by bcrypt_sha256, which can't be checked here" in said["client-4"]["notes"][0]
    assert not works(app, "client-4", SECRET)
    assert clients(app).rotate_secret("client-4").client_secret
    owners = [clients(app).get(f"client-{number}").owner for number in (1, 4)]
    assert owners == ["1", "admin"]
    public, first_party = (clients(app).get(f"client-{number}") for number in (5, 6))
    assert (public.is_public, public.scope, public.skip_consent) == (True, "READ WRITE", False)
    assert public.redirect_uris == ["https://a.example/cb", "https://b.example/cb"]
    assert public.grant_types == ["authorization_code", "refresh_token"]
    assert first_party.skip_consent
    assert {each["what"] for each in bring("django-oauth-toolkit", rows[:3]).values()} == {"there"}
    token = token_for(
        app.test_client(), type("C", (), {"client_id": "client-1", "client_secret": SECRET}), scope="READ"
    )
    assert token["scope"] == "READ"


AUTHLIB = {
    "id": 1,
    "client_id": "authlib-client",
    "client_secret": "a secret of Authlib's",
    "client_id_issued_at": 1700000000,
    "client_secret_expires_at": 0,
    "client_metadata": json.dumps(
        {
            "client_name": "Example",
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "response_types": ["code"],
            "scope": "READ",
            "token_endpoint_auth_method": "client_secret_post",
        }
    ),
    "user_id": 7,
}


@sqlite_only
def test_authlib_s_table_as_sqlite_or_as_rows(app: Flask, bring: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "authlib.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        columns, marks = ", ".join(AUTHLIB), ", ".join("?" * len(AUTHLIB))
        connection.execute(f'CREATE TABLE "my ""clients" ({columns})')
        connection.execute(f'INSERT INTO "my ""clients" VALUES ({marks})', list(AUTHLIB.values()))  # noqa: S608
    assert bring("authlib", file.read_bytes())["authlib-client"]["what"] == "new"
    assert works(app, "authlib-client", "a secret of Authlib's")
    client = clients(app).get("authlib-client")
    assert (client.client_name, client.owner, client.scope) == ("Example", "7", "READ")
    assert client.token_endpoint_auth_method == "client_secret_post"
    assert bring("authlib", [AUTHLIB])["authlib-client"]["what"] == "there"
    old = {**AUTHLIB, "client_id": "old", "client_secret_expires_at": 1}
    assert bring("authlib", [old])["old"]["notes"] == ["its secret has expired"]
    assert "can't be read" in bring("authlib", b"SQLite format 3\0 and no more", fails=True)


def test_an_export_is_a_backup(
    app: Flask, bring: Callable[..., Any], make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    made = register(app, client_name="One", scope="READ", default_scope="READ", attributes={"a": [1]})
    brought = register(app, client_id="two", client_secret="brought by hand", scope="READ WRITE", owner="alice")
    clients(app).rotate_secret(brought.client_id, overlap=3600, client_secret="the second one")
    applications = app.extensions["oauth_gateway"].applications
    theirs = applications.create("Theirs", status="pending", owner="bob", attributes={"t": 1})
    register(app, client_id="off", scope="READ")
    register(app, client_id="waits", scope="READ", application=theirs.application_id)
    clients(app).update("off", enabled=False)
    exported = app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout
    for secret in (made.client_secret, "brought by hand", "the second one"):
        assert secret not in exported
    token = token_for(app.test_client(), made)["access_token"]
    before = clients(app).list()
    for client in before:
        clients(app).delete(client.client_id)
    assert not works(app, made.client_id, made.client_secret)
    applications.delete(theirs.application_id)
    assert {each["what"] for each in bring("gateway", exported.encode()).values()} == {"new"}
    assert works(app, made.client_id, made.client_secret)
    assert works(app, "two", "brought by hand")
    assert works(app, "two", "the second one")
    after = clients(app).list()
    restored = applications.get(theirs.application_id)
    assert (restored.name, restored.status, restored.owner) == ("Theirs", "pending", "bob")
    assert restored.attributes == {"t": 1}
    for name in (
        *("client_id", "client_name", "scope", "default_scope", "attributes", "owner", "enabled", "grant_types"),
        *("switched_on", "application"),
    ):
        assert [getattr(one, name) for one in after] == [getattr(one, name) for one in before], name
    assert not is_accepted(app.test_client(), token), "the tokens are in the database's backup, not in this one"
    assert {each["what"] for each in bring("gateway", exported.encode()).values()} == {"there"}


@sqlite_only
def test_a_secret_that_was_encrypted_under_another_key_is_refused(
    make_app: Callable[..., Flask], bring: Callable[..., Any], app: Flask
) -> None:
    methods = ["client_secret_jwt", "client_secret_basic"]
    other = make_app(
        OAUTH_SCOPES=IMPORT_SCOPES,
        OAUTH_CLIENT_AUTH_METHODS=methods,
        SECRET_KEY="another",
        OAUTH_DATABASE_URI="sqlite://",
    )
    register(other, client_id="signs", scope="READ", token_endpoint_auth_method="client_secret_jwt")
    exported = other.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout.encode()
    assert "OAUTH_CLIENT_AUTH_METHODS offers" in bring("gateway", exported, fails=True)
    plain = exported.replace(b"client_secret_jwt", b"client_secret_post")
    assert "is not kept as one for client_secret_post is" in bring("gateway", plain, fails=True)


MESSAGES = [
    ("apigee", b"{", "Nothing was imported. The file is not JSON"),
    (
        "apigee",
        [{"name": "a", "credentials": [{}]}],
        "app 'a', credential 1 is refused: it has no 'consumerKey'.",
    ),
    ("apigee", [{}], "app 1 is refused: it has no 'name'."),
    ("apigee", [5], "app 1 is refused: it is not an object."),
    ("axway", "text", "Nothing was imported. The file is neither a list nor an object."),
    ("axway", [{"name": "a", "credentials": [{}]}], "application 'a', credential 1 is refused: it has no 'id'."),
    ("django-oauth-toolkit", [{"pk": 1}], "entry 1 is refused: it has no 'fields'"),
    (
        "authlib",
        [{**AUTHLIB, "client_metadata": "{"}],
        "row 1 is refused: its client_metadata is not JSON",
    ),
    ("gateway", {"clients": []}, "Nothing was imported. This is no export of the gateway's"),
]


@sqlite_only
@pytest.mark.parametrize(("source", "exported", "message"), MESSAGES)
def test_a_file_that_is_something_else_is_one_line_that_names_the_place(
    bring: Callable[..., Any], source: str, exported: Any, message: str
) -> None:
    assert bring(source, exported, fails=True).startswith(message)


@sqlite_only
def test_no_file_is_answered_with_a_traceback(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source's own export, with values put where others belong: in 50 places, chosen by dice."""
    monkeypatch.setattr("flask_oauth_gateway.crypto.hashing.brought_secret_digest", lambda secret: f"cheap {secret}")
    register(app, client_id="one", scope="READ")
    own = json.loads(app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout)
    samples = {
        "apigee": APIGEE,
        "axway": AXWAY,
        "django-oauth-toolkit": [django(1)],
        "authlib": [AUTHLIB],
        "keycloak": {**KEYCLOAK, "clients": KEYCLOAK["clients"][5:]},
        "hydra": [*HYDRA_LIST["items"], hydra_row("row", SECRET)],
        "auth0": {**AUTH0, "clients": AUTH0["clients"][1:2]},
        "doorkeeper": DOORKEEPER,
        "gateway": own,
    }
    assert set(samples) == set(SOURCES)
    dice = random.Random(7)  # noqa: S311  the same each time
    strange: list[Any] = [
        None,
        True,
        -1,
        1.5,
        "",
        "\0",
        "x" * 3000,
        [],
        [[]],
        [None],
        {},
        {"a": {}},
        [{"name": []}],
        "é",
    ]

    def places(value: Any, path: tuple[Any, ...] = ()) -> Any:
        for key, each in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            yield (*path, key)
            yield from places(each, (*path, key))

    file = tmp_path / "export"
    for source, sample in samples.items():
        every = list(places(sample))
        for path in dice.sample(every, min(50, len(every))):
            for value in dice.sample(strange, 1):
                changed = copy.deepcopy(sample)
                holder = changed
                for key in path[:-1]:
                    holder = holder[key]
                holder[path[-1]] = value
                file.write_text(json.dumps(changed))
                arguments = ["oauth", "client", "import", str(file), "--from", source, "--dry-run"]
                result = app.test_cli_runner().invoke(args=arguments)
                assert result.exit_code in (0, 1), (source, path, value)
                assert result.exception is None or isinstance(result.exception, SystemExit), (source, path, value)


@sqlite_only
def test_people_read_a_table(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "apps.json"
    file.write_text(json.dumps(APIGEE))
    arguments = ["oauth", "client", "import", str(file), "--from", "apigee"]
    said = app.test_cli_runner().invoke(args=[*arguments, "--dry-run"]).stdout
    assert said.splitlines()[0].split() == ["CLIENT_ID", "THERE", "HERE", "NOTES"]
    assert said.splitlines()[-1] == "3 would be imported"
    assert re.search("revoked-key +app 'weather', key revoked-key +would be imported +its status is revoked.", said)
    assert app.test_cli_runner().invoke(args=arguments).stdout.splitlines()[-1] == "3 imported"
    assert app.test_cli_runner().invoke(args=arguments).stdout.splitlines()[-1] == "3 was there already"
    events = [row.event for row in server_of(app).audit.newest(9)]
    assert events == ["client_created", "application_created", *["client_created"] * 2, "application_created"]
    assert ask(app.test_client(), type("C", (), {"client_id": KEY, "client_secret": SECRET})).status_code == 200


@sqlite_only
def test_an_export_of_another_registry_needs_its_name(bring: Callable[..., Any]) -> None:
    for exported in ({"realm": "main", "clients": []}, b"SQLite format 3\0"):
        line = bring("gateway", exported, fails=True)
        assert "--from says which: apigee, axway, django-oauth-toolkit, authlib, keycloak, hydra," in line
    assert "--from" not in bring("keycloak", b"{", fails=True)
