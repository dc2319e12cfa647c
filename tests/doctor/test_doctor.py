"""`flask oauth doctor`: what of the configuration is weak, by its key, and a status for CI."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask_talisman import Talisman
from sqlalchemy import text

from flask_oauth_gateway.doctor.settings import CHECKS
from tests.support.app import register, token_for
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.idp import Idp
from tests.support.signing import Signer

SOUND = {
    "OAUTH_ISSUER": "https://auth.example.com",
    "SECRET_KEY": "a key that is only for tests, and long",
    "SESSION_COOKIE_SECURE": True,
}
PAIRWISE = {
    "OAUTH_OIDC": True,
    "OAUTH_SUBJECT_TYPES": ["pairwise"],
    "OAUTH_PAIRWISE_SALT": "long, random and kept for good",
}
WEAK: list[tuple[str, dict[str, Any]]] = [
    ("OAUTH_ISSUER", {"OAUTH_ISSUER": None}),
    ("OAUTH_ALLOW_HTTP", {"OAUTH_ALLOW_HTTP": True}),
    ("OAUTH_REQUIRE_PKCE", {"OAUTH_REQUIRE_PKCE": "public"}),
    ("OAUTH_REQUIRE_PKCE", {"OAUTH_REQUIRE_PKCE": "nonce"}),
    ("OAUTH_TOKEN_PREFIX", {"OAUTH_PERSONAL_TOKENS": True}),
    ("OAUTH_PKCE_METHODS", {"OAUTH_PKCE_METHODS": ["S256", "plain"]}),
    ("OAUTH_GRANT_TYPES", {"OAUTH_GRANT_TYPES": ["authorization_code", "implicit"]}),
    ("OAUTH_GRANT_TYPES", {"OAUTH_GRANT_TYPES": ["password"]}),
    ("OAUTH_REFRESH_TOKENS", {"OAUTH_REFRESH_TOKENS": "preserve"}),
    ("OAUTH_BEARER_METHODS", {"OAUTH_BEARER_METHODS": ["header", "query"]}),
    ("OAUTH_ACCESS_TOKEN_LIFETIME", {"OAUTH_ACCESS_TOKEN_LIFETIME": {"client_credentials": 30 * 86400}}),
    ("OAUTH_AUTHORIZATION_CODE_LIFETIME", {"OAUTH_AUTHORIZATION_CODE_LIFETIME": 3600}),
    ("OAUTH_RATE_LIMITS", {"OAUTH_RATE_LIMITS": None}),
    ("OAUTH_CORS_ORIGINS", {"OAUTH_CORS_ORIGINS": "*"}),
    ("OAUTH_DEVELOPER_SCOPES", {"OAUTH_DEVELOPER": True}),
    ("OAUTH_TOKEN_PARAMETERS_FROM", {"OAUTH_TOKEN_PARAMETERS_FROM": ["body", "query"]}),
    ("OAUTH_REFRESH_TOKEN_LIFETIME", {"OAUTH_REFRESH_TOKEN_LIFETIME": 400 * 86400}),
    ("OAUTH_REFRESH_TOKEN_GRACE", {"OAUTH_REFRESH_TOKEN_GRACE": 61}),
    ("OAUTH_TOKEN_CACHE_SECONDS", {"OAUTH_TOKEN_CACHE_SECONDS": 61}),
    ("OAUTH_REVOCATION_POLL_SECONDS", {"OAUTH_REVOCATION_POLL_SECONDS": 61}),
    ("OAUTH_CLOCK_SKEW", {"OAUTH_CLOCK_SKEW": 301}),
    ("OAUTH_FORWARD_AUTH_PEERS", {"OAUTH_FORWARD_AUTH": True, "OAUTH_FORWARD_AUTH_PEERS": ["0.0.0.0/0"]}),
    ("OAUTH_TRUSTED_PROXIES", {"OAUTH_TRUSTED_PROXIES": ["::/0"]}),
    ("OAUTH_KEY_ROTATION_DAYS", {"OAUTH_KEY_ROTATION_DAYS": 0, "OAUTH_ACCESS_TOKEN_FORMAT": "jwt"}),
]
#: The same, in another way or of what is no setting of the gateway's.
AROUND: list[tuple[str, dict[str, Any]]] = [
    ("OAUTH_RATE_LIMITS", {"OAUTH_RATE_LIMITS": {"password": None}}),
    ("SECRET_KEY", {"SECRET_KEY": "secret"}),
    ("OAUTH_KEY_ENCRYPTION_KEY", {"OAUTH_KEY_ENCRYPTION_KEY": "secret"}),
    ("OAUTH_PAIRWISE_SALT", PAIRWISE | {"OAUTH_PAIRWISE_SALT": "salt"}),
    ("OAUTH_PAIRWISE_SALT", PAIRWISE | {"OAUTH_PAIRWISE_SALT": SOUND["SECRET_KEY"]}),
    ("SESSION_COOKIE_SECURE", {"SESSION_COOKIE_SECURE": False}),
    ("SESSION_COOKIE_HTTPONLY", {"SESSION_COOKIE_HTTPONLY": False}),
    ("OAUTH_DATABASE_URI", {"OAUTH_DATABASE_URI": "sqlite://"}),
]


def doctor(app: Flask, *options: str) -> Result:
    result: Result = app.test_cli_runner().invoke(args=["oauth", "doctor", *options])
    return result


def test_of_a_sound_configuration_it_says_nothing_ill(make_app: Callable[..., Flask]) -> None:
    result = doctor(make_app(**SOUND))
    assert result.exit_code == 0, result.output
    assert result.output == "Nothing weak was found.\n"


@pytest.fixture
def make_app(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Apps that know their users, who can sign in."""

    def make_app_with_users(**config: Any) -> Flask:
        app = make_app(**config)
        gateway = app.extensions["oauth_gateway"]
        gateway.load_user(lambda subject: subject)
        gateway.current_user(lambda: None)
        gateway.login(lambda wanted: wanted.return_to)
        gateway.check_password(lambda username, _password: username)
        gateway.logout(lambda: None)
        return app

    return make_app_with_users


@pytest.mark.parametrize(("key", "config"), WEAK + AROUND)
def test_a_weakness_is_named_by_its_key(make_app: Callable[..., Flask], key: str, config: dict[str, Any]) -> None:
    app = make_app(**SOUND | config)
    app.extensions["oauth_gateway"].login_details(lambda _: {"auth_time": 1})
    result = doctor(app)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{key}: ")
    assert result.stderr == "Error: One thing is weak.\n"
    (weakness,) = json.loads(doctor(app, "--json").stdout)
    assert weakness["key"] == key
    assert weakness["why"]
    assert weakness["fix"]


def test_every_check_is_tried_here() -> None:
    assert len(WEAK) == len(CHECKS)
    assert {key for key, _ in WEAK} == {check.weakness.key for check in CHECKS}


def test_it_finds_a_hook_that_is_never_called_and_one_without_which_nothing_is_given(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(**SOUND, OAUTH_AUTHORIZATION_DETAILS={"payment": {}}, OAUTH_ACR_VALUES=["password", "passkey"])
    gateway = app.extensions["oauth_gateway"]
    gateway.authorization_detail("paymnt")(lambda detail, *_: detail)
    result = doctor(app)
    assert result.exit_code == 1
    assert "gateway.authorization_detail: the hook for 'paymnt' is never called" in result.stdout
    assert "gateway.login_details: without this hook no sign-in is strong enough" in result.stdout
    del gateway.hooks.authorization_detail["paymnt"]
    gateway.authorization_detail("payment")(lambda detail, *_: detail)
    gateway.login_details(lambda _: {"acr": "passkey"})
    assert doctor(app).exit_code == 0
    app = make_app(**SOUND, OAUTH_PERSONAL_TOKENS=True, OAUTH_TOKEN_PREFIX="acme_")
    assert "gateway.login_details: without this hook a browser that was left open" in doctor(app).stdout
    app.extensions["oauth_gateway"].login_details(lambda _: {"auth_time": 1})
    assert doctor(app).exit_code == 0


def test_what_is_to_be_known_is_no_weakness(make_app: Callable[..., Flask]) -> None:
    mcp = SOUND | {"OAUTH_PROFILE": "mcp"}
    assert "To know" not in doctor(make_app(**mcp)).stdout
    machines = doctor(make_app(**mcp, OAUTH_GRANT_TYPES=["client_credentials"])).stdout
    assert "To know: OAUTH_GRANT_TYPES: without authorization_code" in machines
    app = make_app(**mcp, OAUTH_REGISTRATION="token")
    result = doctor(app)
    assert result.exit_code == 0
    assert "\nTo know: OAUTH_REGISTRATION: keep it until 2027-07-28 at least." in result.stdout
    assert json.loads(doctor(app, "--json").stdout) == []
    assert "everybody may register" not in result.stdout
    everybody = doctor(make_app(**SOUND, OAUTH_REGISTRATION="open"))
    assert everybody.exit_code == 0
    assert "\nTo know: OAUTH_REGISTRATION: everybody may register a client" in everybody.stdout


def test_it_complains_of_an_issuer_that_signs_with_sha1(make_app: Callable[..., Flask]) -> None:
    idp = Idp()
    entry = {**idp.entry, "allow_sha1": True}
    entry["max_lifetime"] = 7200
    app = make_app(**SOUND, OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS={"https://idp.example": entry})
    result = doctor(app)
    assert result.exit_code == 1
    keys = [line.partition("]: ")[0] for line in result.stdout.splitlines()]
    assert keys[:2] == [
        f"OAUTH_SAML_ISSUERS['https://idp.example']['{name}'" for name in ("max_lifetime", "allow_sha1")
    ]
    sound = {"https://idp.example": idp.entry}
    assert doctor(make_app(**SOUND, OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS=sound)).exit_code == 0


@pytest.mark.parametrize("secure", [True, False])
def test_talisman_makes_the_session_s_cookie_secure_at_the_first_request(
    make_app: Callable[..., Flask], *, secure: bool
) -> None:
    app = make_app(**SOUND | {"SESSION_COOKIE_SECURE": False})
    Talisman(app, session_cookie_secure=secure)
    assert list(weaknesses(app)) == ([] if secure else ["SESSION_COOKIE_SECURE"])
    app.test_client().get("/weather")
    assert app.config["SESSION_COOKIE_SECURE"] is secure


def test_what_to_do_about_a_database_that_can_t_be_read(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for config, better in (
        ({"OAUTH_DATABASE_URI": "postgresql+psycopg://me:pa55@127.0.0.1:1/x"}, "see that it runs, and that host, name"),
        ({"OAUTH_DATABASE_URI": "mariadb+pymysql://me:pa55@127.0.0.1:1/x"}, "see that it runs, and that host, name"),
        ({"OAUTH_DATABASE_URI": f"sqlite:///{tmp_path}/nowhere/oauth.db"}, "make its folder, and let this process"),
        ({"OAUTH_DATABASE_URI": None, "instance_path": f"{tmp_path}/file/x"}, "make the folder, or set OAUTH_DATABASE"),
    ):
        result = doctor(make_app(**SOUND | config), "--json")
        (found,) = json.loads(result.stdout)
        assert found["key"] == "the database"
        assert found["fix"].startswith(better)
        assert "pa55" not in result.stdout


def test_tables_of_another_version_have_their_own_advice(make_app: Callable[..., Flask]) -> None:
    first = make_app(**SOUND)
    first.extensions["oauth_gateway"].database.run(text("UPDATE oauth_schema SET version = version + 1"))
    (found,) = json.loads(doctor(make_app(**SOUND), "--json").stdout)
    assert "which a newer flask-oauth-gateway has made" in found["why"]
    assert found["fix"].startswith("Install the newer one again")


def test_what_has_ended_is_said_to_have_ended(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app(**SOUND, OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic", "private_key_jwt"])
    register(app, client_id="late", secret_expires_in=86400)
    clock.advance(2 * 86400)
    (why,) = weaknesses(app)["client 'late'"]
    assert why.startswith("its last secret ended on ")


def test_it_complains_of_a_missing_secret_key(make_app: Callable[..., Flask]) -> None:
    result = doctor(make_app(**SOUND | {"SECRET_KEY": None}))
    assert result.exit_code == 1
    assert result.stdout.startswith("SECRET_KEY: ")


def weaknesses(app: Flask) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in json.loads(doctor(app, "--json").stdout):
        found.setdefault(each["key"], []).append(each["why"])
    return found


@every_database
def test_it_looks_at_what_is_stored(make_app: Callable[..., Flask], clock: Clock) -> None:
    methods = ["client_secret_basic", "private_key_jwt", "none"]
    app = make_app(**SOUND, OAUTH_CLIENT_AUTH_METHODS=methods, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    clients = app.extensions["oauth_gateway"].clients
    old = {"grant_types": ["implicit", "password"], "redirect_uris": ["http://localhost:8000/cb"]}
    register(app, client_id="old", token_endpoint_auth_method="none", access_token_lifetime=90000, **old)
    register(app, client_id="fine")
    register(app, client_id="soon", secret_expires_in=10 * 86400)
    register(app, client_id="rotates", secret_expires_in=10 * 86400)
    clients.rotate_secret("rotates", 3600)
    register(
        app,
        client_id="signs",
        token_endpoint_auth_method="private_key_jwt",
        certificate=Signer("RS256").certificate(until=5),
    )
    register(app, client_id="off", grant_types=["password"])
    clients.update("off", enabled=False)
    found = weaknesses(app)
    assert [why.partition(" (")[0] for why in found["client 'old'"]] == [
        "it may use implicit",
        "it may use password",
        "a redirect URI names localhost, which may be another host",
        "its access tokens live for more than a day",
    ]
    assert [why.partition(" on ")[0] for why in found["client 'soon'"]] == ["its last secret ends"]
    assert [why.partition(" on ")[0] for why in found["client 'signs'"]] == ["its certificate ends"]
    assert set(found) == {"client 'old'", "client 'soon'", "client 'signs'"}
    clock.advance(60)
    servers_clock = {} if app.extensions["oauth_gateway"].database.engine.dialect.name == "sqlite" else {"the clock"}
    assert set(weaknesses(app)) - set(found) == set(servers_clock)


def test_it_names_clients_of_several_hosts_that_became_pairwise_with_the_order_of_the_setting(
    make_app: Callable[..., Flask],
) -> None:
    """Which is first holds for whoever names none: those who were registered before couldn't be so now."""
    before = make_app(**SOUND | PAIRWISE | {"OAUTH_SUBJECT_TYPES": ["public", "pairwise"]})
    two = ["https://one.example/cb", "https://two.example/cb"]
    for client_id, uris, given in [
        ("names-none", two, {}),
        ("one-host", two[:1], {}),
        ("public", two, {"subject_type": "public"}),
    ]:
        register(before, client_id=client_id, grant_types=["authorization_code"], redirect_uris=uris, **given)
    assert weaknesses(before) == {}
    now = weaknesses(make_app(**SOUND | PAIRWISE))
    assert {key: [why.partition(",")[0] for why in whys] for key, whys in now.items()} == {
        "client 'names-none'": ["it names no subject_type"]
    }


def test_it_finds_a_changed_trail_a_key_that_can_t_be_opened_and_missing_tables(make_app: Callable[..., Flask]) -> None:
    app = make_app(**SOUND, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    database = app.extensions["oauth_gateway"].database
    token_for(app.test_client(), register(app))
    assert weaknesses(app) == {}
    database.run(text("UPDATE oauth_audit SET event = 'nothing' WHERE id = 1"))
    assert set(weaknesses(app)) == {"audit entry 1"}
    other = make_app(**SOUND | {"SECRET_KEY": "another key, which is long enough as well"})
    assert any(key.startswith("key '") for key in weaknesses(other))
    database.run(text("DROP TABLE oauth_key"))
    assert weaknesses(app) == {"the database": ["it can't be read: no such table: oauth_key"]}


def test_it_misses_the_hook_that_knows_users_and_counts_that_processes_share(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(**SOUND)
    app.extensions["oauth_gateway"].hooks.load_user = None
    assert set(weaknesses(app)) == {"gateway.load_user"}
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert set(weaknesses(make_app(**SOUND))) == {"DEBUG"}
    monkeypatch.setenv("FLASK_DEBUG", "0")
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert set(weaknesses(make_app(**SOUND))) == {"OAUTH_REDIS_URL"}


def test_it_recommends_that_clients_which_sign_do_so_for_the_issuer_alone(make_app: Callable[..., Flask]) -> None:
    signing = SOUND | {"OAUTH_CLIENT_AUTH_METHODS": ["private_key_jwt", "client_secret_basic"]}
    app = make_app(**signing)
    register(app, client_id="plain")
    assert "To know" not in doctor(app).stdout
    register(app, client_id="signs", token_endpoint_auth_method="private_key_jwt", jwks=Signer().jwks())
    result = doctor(app)
    assert result.exit_code == 0
    assert '\nTo know: OAUTH_CLIENT_ASSERTION_AUDIENCE: "issuer" is better' in result.stdout
    assert "To know" not in doctor(make_app(**signing, OAUTH_CLIENT_ASSERTION_AUDIENCE="issuer")).stdout


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing"])
def test_what_a_profile_sets_is_not_weak(make_app: Callable[..., Flask], profile: str) -> None:
    result = doctor(make_app(**SOUND, OAUTH_PROFILE=profile))
    assert result.output == "Nothing weak was found.\n"
