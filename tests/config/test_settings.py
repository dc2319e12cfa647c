"""The settings: what each takes, what it makes of it, and what it says to the rest."""

import traceback
import warnings
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ConfigurationError, ConfigurationWarning, OAuthGateway, Settings
from flask_oauth_gateway.config.permissions import Resource
from tests.support.signing import Signer

NAN = float("nan")
TEN_YEARS = 10 * 366 * 86400
MIXED_UP = TEN_YEARS + 1  # milliseconds, most likely

#: Every setting: a value that it takes with what that becomes, and values that it refuses, with words of what it allows.
SETTINGS: dict[str, tuple[list[tuple[Any, Any]], list[Any], str]] = {
    "issuer": (
        [(None, None), ("https://a.example", "https://a.example"), ("https://a.example/x", "https://a.example/x")],
        ["", "a.example", "https://", "https://a.example/", "https://a.b?x", "https://a.example#x", "ftp://a", "https://[", 5],
        "a URL such as 'https://auth.example.com', without query, fragment or a slash at its end; or None",
    ),
    "url_prefix": (
        [("/oauth", "/oauth"), ("/a/b-c.d~e", "/a/b-c.d~e")],
        ["", "/", "oauth", "/oauth/", "//oauth", "/o auth", "/<name>", None],
        'a path such as "/oauth"',
    ),
    "compatibility": (
        [(None, None), ("apigee", "apigee"), ("axway", "axway")],
        ["", "kong", True, 0, ["axway"]],
        "None or 'apigee' or 'axway'",
    ),
    "profile": (
        [(None, None), ("mcp", "mcp"), ("oauth2.1", "oauth2.1"), ("fapi2", "fapi2")],
        ["", "MCP", "fapi", True, ["mcp"]],
        "None or 'oauth2.1' or 'mcp' or 'fapi2' or 'fapi2-message-signing'",
    ),
    "database_uri": (
        [(None, None), ("sqlite://", "sqlite://")],
        ["", 5, b"x", "x", "://", "db://h:port/x", "db://h/x?prepare_threshold=no"],
        "a ",
    ),
    "database_read_uris": (
        [([], ()), (("postgresql+psycopg://h/x",), ("postgresql+psycopg://h/x",))],
        [None, "postgresql+psycopg://h/x", 5, [None], [5], [""], ["x"], ["sqlite:///x.db"], ["db://h/x"]],
        "a ",
    ),
    "database_prepared": ([(None, None), (True, True), (False, False)], [0, 1, "no", ""], "True, False or None"),
    "key_encryption_key": ([(None, None), ("long and random", "long and random")], ["", 5, b"bytes"], "a text, or None"),
    "jwt_issuers": ([({}, {}), ({"a": {"key": "x"}}, {"a": {"key": "x"}})], [None, [], "a", {5: {}}, {"": {}}], "a dict"),
    "saml_issuers": ([({}, {}), ({"a": {"x": "y"}}, {"a": {"x": "y"}})], [None, [], "a", {5: {}}, {"": {}}], "a dict"),
    "trusted_token_issuers": (
        [({}, {}), ({"a": {"key": "x"}}, {"a": {"key": "x"}})],
        [None, [], "a", {5: {}}, {"": {}}],
        "a dict",
    ),
    "resource_server": ([(True, True), (False, False)], [None, 1, "yes"], "True or False"),
    "access_token_format": ([("jwt", "jwt")], ["paper", None, 5], "'opaque' or 'jwt'"),
    "signing_algorithm": ([("RS256", "RS256")], ["HS256", "none", None], "'ES256' or 'RS256' or 'PS256' or 'EdDSA'"),
    "key_rotation_days": ([(0, 0), (30, 30)], [-1, "90", None, True], "number"),
    "revocation_poll_seconds": ([(0, 0), (timedelta(seconds=5), 5)], [-1, "5", None, True], "from 0 to ten years"),
    "clock_skew": ([(0, 0), (timedelta(minutes=2), 120)], [-1, "60", None, True], "from 0 to ten years"),
    "registration": (
        [(None, None), ("open", "open"), ("token", "token")],
        [True, "", "Open", "everybody", []],
        "None or 'open' or 'token' or 'statement'",
    ),
    "registration_scopes": ([(None, None), ([], ())], [5, [5], [""]], "a list of names"),
    "registration_grant_types": (
        [("authorization_code", ("authorization_code",)), (["device_code"], ("urn:ietf:params:oauth:grant-type:device_code",))],
        [5, None, [5], [""]],
        "a list of names",
    ),
    "registration_max": ([(1, 1), (10**6, 10**6)], [0, -1, "60", None, True], "a number of 1 or more"),
    "registration_unused_days": ([(1, 1), (timedelta(days=2), 2)], [0, -1, "60", None, True, 1.5], ""),
    "software_statement_issuers": (
        [({}, {}), ({"a": {"key": "x"}}, {"a": {"key": "x"}})],
        [None, [], "a", {5: {}}, {"": {}}],
        "a dict",
    ),
    "grant_types": (
        [(["client_credentials"], ("client_credentials",)), ("client_credentials", ("client_credentials",))],
        [5, None, [5], [""]],
        "a list of names",
    ),
    "scopes": (
        [({}, {}), ({"a:b": "A"}, {"a:b": "A"})],
        [["a"], "a", None, {"a b": "A"}, {'"': "A"}, {"\\": "A"}, {"": "A"}, {"\u00e4": "A"}, {1: "A"}, {"a": None}],
        "a dict of scope name",
    ),
    "default_scopes": ([("", ()), ([], ())], [5, None, [5], [""]], "a list of names"),
    "required_scopes": ([("", ()), ([], ())], [5, None, [5], [""]], "a list of names"),
    "access_token_lifetime": (
        [
            (60, 60),
            (timedelta(hours=1), 3600),
            ({"device_code": timedelta(minutes=1)}, {"urn:ietf:params:oauth:grant-type:device_code": 60}),
        ],
        [0, -1, "60", None, True, NAN, MIXED_UP, timedelta(0), {"password": 0}],
        "a number of 1 or more",
    ),
    "refresh_token_lifetime": ([(60, 60), (timedelta(days=1), 86400)], [0, "60", None, True, MIXED_UP], "1 or more"),
    "refresh_tokens": ([("preserve", "preserve"), ("once", "once")], ["never", None, 5, ["once"]], "'rotate'"),
    "refresh_token_idle": ([(None, None), (timedelta(days=1), 86400)], [0, "60", True, MIXED_UP], "1 or more"),
    "refresh_token_grace": ([(0, 0), (5, 5)], [-1, "5", None, True, NAN], "from 0 to ten years"),
    "authorization_code_lifetime": ([(30, 30)], [0, "30", None, True], "1 or more"),
    "require_pkce": ([(True, True), (False, False), ("public", "public"), ("nonce", "nonce")], ["no", None, 1], "True, False"),
    "pkce_methods": ([(["S256", "plain"], ("S256", "plain"))], [[], "s256", None, 5], "one or more of 'S256', 'plain'"),
    "login_url": ([(None, None), ("/login", "/login")], ["", 5], "a text, or None"),
    "consent_durations": (
        [(["once", timedelta(days=1), 60, "always"], ("once", 86400, 60, "always")), ((), ())],
        ["once", None, 5, ["never"], [None]],
        "a list of 'once', 'always', and seconds",
    ),
    "rate_limits": (
        [(None, None), ({}, {}), ({"password": "3/hour", "token": None}, {"password": "3/hour", "token": None})],
        ["3/hour", {"passwords": "3/hour"}, {"password": "often"}, {"password": 3}, {"password": ""}],
        "",
    ),
    "trusted_proxies": (
        [(0, 0), (2, 2), (["10.0.0.0/8", "::1"], (ip_network("10.0.0.0/8"), ip_network("::1/128"))), ([], ())],
        [-1, 21, True, None, "proxy", ["10.0.0.1/8"], 1.5],
        "a ",
    ),
    "redis_url": (
        [
            (None, None),
            *(
                (url, url)
                for url in (
                    "redis://127.0.0.1/1",
                    "rediss://h?ssl_ca_certs=/etc/ca.pem",
                    "unix:///run/x",
                    "valkey://h",
                    "valkeys://user:secret@h:1/2",
                    "redis+sentinel://h,i:1,[::1]:2/service/3",
                    "rediss+sentinel://user:secret@h/a%20service?sentinel_password=x&socket_keepalive=true",
                    "valkey+sentinel://h/service",
                    "redis+cluster://h,i:1,[::1]:2",
                    "valkeys+cluster://user:secret@h:1,i:2/0?ssl_cert_reqs=none",
                )
            ),
        ],
        [
            "", 5, b"x", "localhost:6379", "https://:secret@a", "redis://h:port", "redis://h?secret=1",
            "redis://h/secret", "valkeys://h:1/secret", "redis://h/1/2", "redis://h/3secret",
            "redis+sentinel://h:1,i:2", "redis+sentinel://h/service/secret", "redis+sentinel:///service",
            "redis+sentinel://h/service?secret=1", "redis+sentinel://h:port/service", "unix+sentinel://h/service",
            "redis+cluster://h/1", "redis+cluster://h?db=1", "redis+cluster://,", "redis+cluster://h?secret=1",
            "redis+others://h", "redis+://h", "+cluster://h",
        ],
        "a ",
    ),
    "cors_origins": (
        [(None, None), ("*", ("*",)), (["https://a.example:8443"], ("https://a.example:8443",))],
        ["a.example", ["https://a.example/"], ["https://a.example/x"], 5],
        "a list of",
    ),
    "client_id_metadata": ([(True, True), (False, False)], [0, 1, None, "yes"], "True or False"),
    "client_id_metadata_hosts": (
        [(None, None), (["*.Example.com", "app.example"], ("*.example.com", "app.example")), ("::1", ("::1",))],
        [5, [None], ["https://app.example"], ["*"], ["a.*.example"], ["app.example:443"], ["app.example/x"], ["."]],
        "a list of ",
    ),
    "client_id_metadata_max_bytes": ([(5120, 5120)], [0, -1, "5120", None, True], "a number of 1 or more"),
    "redirect_schemes": (
        [((), ()), (["cursor", "x-y+z.1"], ("cursor", "x-y+z.1")), ("zed", ("zed",))],
        ["https", ["javascript"], "data", "zed:", "zed://", "Zed", "1a", None, 5],
        "a list of",
    ),
    "token_prefix": ([("", ""), ("acme_", "acme_")], ["a b", "a.b", "x" * 33, "\u00e4", None, 5], "up to 32 letters"),
    "client_auth_methods": ([("none", ("none",))], [[], "", None, ["basic"], [5]], "one or more of 'client_secret_basic'"),
    "token_parameters_from": ([(["query", "body"], ("query", "body"))], [[], "cookie", None], "one or more of 'body'"),
    "bearer_methods": ([(("header", "header"), ("header",))], [[], "cookie", None], "one or more of 'header'"),
    "protect": ([([], ()), ([{"path": "/"}], ({"path": "/"},))], [None, {}, "/api", [None], ["/api"]], "a list of dicts"),
    "forward_auth": ([(True, True)], ["True", None, 1], "True or False"),
    "forward_auth_peers": (
        [("10.0.0.0/8 ::1", ("10.0.0.0/8", "::1")), (["unix"], ("unix",)), ([], ())],
        [5, None, ["proxy"], "10.0.0.1/8", ["*"]],
        "a list of",
    ),
    "resources": (
        [({}, {}), ({"/": "urn:weather", "/api/": "https://a.example/api"},
                    {"/": Resource(identifier="urn:weather"), "/api": Resource(identifier="https://a.example/api")}),
         ({"/mcp": {"scopes": "a b", "name": "Files", "documentation": "https://a.example/docs", "access_token_format": "jwt",
                    "access_token_lifetime": timedelta(minutes=5), "identifier": None}},
          {"/mcp": Resource(scopes=("a", "b"), name="Files", documentation="https://a.example/docs", access_token_format="jwt",
                            access_token_lifetime=300)})],
        [None, [], "https://a.example", {"api": "urn:a"}, {"//": "urn:a"}, {"/a b": "urn:a"}, {"/": "a.example"}, {5: "urn:a"},
         {"/": "https://a.example#x"}, {"/": "https://a.example/ b"}, {"/": None}, {"/a": "urn:a", "/a/": "urn:b"}],
        "an absolute URI without fragment",
    ),
    "scope_implies": (
        [({}, {}), ({"a": ["b"], "b": "c"}, {"a": frozenset("bc"), "b": frozenset("c")})],
        [None, [], {"a": ["a"]}, {"a": "b", "b": "c", "c": "a"}],
        "",
    ),
    "plans": (
        [({}, {}), ({"free": {}}, {"free": {"scopes": None, "paths": None, "quota": None, "attributes": {}}}),
         ({"free": {"paths": ["/api/*"], "quota": "10/second;9/day", "attributes": {"tier": 1}}},
          {"free": {"scopes": None, "paths": ("/api/*",), "quota": "10/second;9/day", "attributes": {"tier": 1}}})],
        [None, [], {"a b": {}}, {"": {}}, {5: {}}, {"free": {"rate": "9/day"}}],
        "a ",
    ),
    "site_name": ([(None, None), ("Notes", "Notes")], ["", 5, b"x"], "a text, or None"),
    "site_logo": (
        [(None, None), ("/static/logo.svg", "/static/logo.svg"), ("https://cdn.example/l.png", "https://cdn.example/l.png")],
        ["", 5, "logo.svg", "//cdn.example/l", "http://cdn.example/l", "https://c.example/;x", "/a b",
         "data:image/png,x", "https://c.example:x/"],
        "",
    ),
    "developer": ([(True, True), (False, False)], [None, 1, "yes"], "True or False"),
    "developer_scopes": ([(None, None), ([], ())], [5, [5], [""]], "a list of names"),
    "developer_approval": ([(True, True), (False, False)], [None, 1, "yes"], "True or False"),
    "developer_max": ([(1, 1), (10**6, 10**6)], [0, -1, "60", None, True], "a number of 1 or more"),
    "personal_tokens": ([(True, True), (False, False)], [None, 1, "yes"], "True or False"),
    "personal_token_max_lifetime": (
        [(60, 60), (timedelta(days=30), 2592000)], [0, -1, "60", None, True], "a number of 1 or more"
    ),
    "oidc": ([(True, True), (False, False)], [None, 1, "yes"], "True or False"),
    "id_token_lifetime": ([(60, 60), (timedelta(hours=2), 7200)], [0, -1, "60", None, True], "a number of 1 or more"),
    "post_logout_url": ([(None, None), ("/bye", "/bye"), ("bye", "bye")], ["", 5, b"x"], "a text, or None"),
    "signup_url": ([(None, None), ("/signup", "/signup")], ["", 5, b"x"], "a text, or None"),
    "logout_ends_tokens": ([(True, True), (False, False)], ["no", None, 1], "True or False"),
    "backchannel_timeout": ([(1, 1), (60, 60), (timedelta(seconds=10), 10)], [0, -1, 61, "5", None, True], "1"),
    "backchannel_retry": ([(0, 0), (timedelta(minutes=5), 300)], [-1, "5", None, True], "from 0 to ten years"),
    "id_token_claims": ([("all", "all"), ("requested", "requested")], [None, True, "none"], "'requested' or 'all'"),
    "claims": (
        [({}, {}), ({"groups": ["groups", "roles"]}, {"groups": ("groups", "roles")})],
        [None, [], "groups", {"a b": ["x"]}, {"groups": "groups"}, {"groups": [5]}, {"groups": [""]}, {5: ["x"]}],
        "a dict of scope to names of claims",
    ),
    "subject_types": (
        [("public", ("public",)), (["public"], ("public",))],
        [None, [], "private", ["public", "pairwise", "x"], 5, True],
        "one or more of 'public', 'pairwise'",
    ),
    "acr_values": ([([], ()), (("silver", "gold"), ("silver", "gold"))], [None, 5, [None], [""], ["a b"], ['"']], "a "),
    "client_assertion_audience": ([("any", "any"), ("issuer", "issuer")], [None, "", "both", True], "'any' or 'issuer'"),
    "par": ([(False, False), (True, True), ("required", "required")], [None, "", 1, "yes"], "True, False or 'required'"),
    "par_lifetime": ([(60, 60), (timedelta(minutes=10), 600)], [0, -1, None, "60", 601, True], "a number"),
    "jar": ([(False, False), (True, True), ("required", "required")], [None, "", 1, "yes"], "True, False or 'required'"),
    "request_uris": ([(False, False), (True, True)], [None, 1, "yes"], "True or False"),
    "request_encryption": ([(False, False), (True, True)], [None, 1, "yes"], "True or False"),
    "jarm": ([(False, False), (True, True), ("required", "required")], [None, "", 1, "yes"], "True, False or 'required'"),
    "authorization_details": (
        [
            ({}, {}),
            (
                {"payment": {"description": "Pay", "required": ["amount"]}},
                {"payment": {"description": "Pay", "required": ("amount",), "allowed": None, "multiple": True}},
            ),
        ],
        [None, [], "a", {5: {}}, {"a b": {}}],
        "a dict",
    ),
    "dpop": ([(False, False), (True, True), ("required", "required")], [None, "", 1, "yes"], "True, False or 'required'"),
    "dpop_nonce": ([(False, False), (True, True)], [None, 1, "yes"], "True or False"),
    "dpop_lifetime": ([(60, 60), (timedelta(minutes=1), 60)], [0, -1, None, "60", True], "a number"),
    "dpop_algorithms": ([(["ES256"], ("ES256",))], [None, [], ["HS256"], ["none"], 5], "one or more of"),
    "dpop_replay": ([("everywhere", "everywhere"), ("endpoints", "endpoints")], [None, "", False], "'everywhere' or"),
    "public_origins": (
        [([], ()), (["https://a.example", "https://b.example:8443"], ("https://a.example", "https://b.example:8443"))],
        [None, ["a.example"], ["https://a.example/"], ["https://a.example/x"], [None]],
        "a ",
    ),
    "mtls": ([(False, False), (True, True)], [None, 1, "yes"], "True or False"),
    "mtls_certificate": (
        [(None, None), ("nginx", "nginx"), ({"header": "X-C", "format": "pem"}, {"header": "X-C", "format": "pem"})],
        ["", "iis", 5, {}, {"header": "X-C"}, {"header": "X-C", "format": "x"}],
        "",
    ),
    "mtls_peers": ([(["10.0.0.0/8", "unix"], ("10.0.0.0/8", "unix"))], [None, ["x"], [5]], "a "),
    "mtls_ca": ([(None, None), (["ca.pem"], ("ca.pem",))], [5, [None]], "a "),
    "mtls_url": ([(None, None), ("https://mtls.a.example", "https://mtls.a.example")], ["", "a", 5, "https://a/"], "a URL"),
    "pairwise_salt": ([(None, None), ("long and random", "long and random")], ["", 5, b"bytes"], "a text, or None"),
    "check_user": ([(True, True)], ["True", None, 1], "True or False"),
    "admin": ([(True, True)], ["True", None, 1], "True or False"),
    "allow_http": ([(True, True)], ["True", None, 1], "True or False"),
    "metrics": ([(True, True)], ["", "a b", None, 1], "True, False or the name of a scope"),
    "traces": ([(True, True)], ["True", None, 1], "True or False"),
    "max_body": ([(1000, 1000)], [0, -1, "1000", None, True], "a number of 1 or more"),
    "token_cache_seconds": ([(0, 0), (timedelta(seconds=5), 5)], [-1, "5", None, True, NAN], "from 0 to ten years"),
}  # fmt: skip

SECRET = {
    "database_uri",
    "database_read_uris",
    "key_encryption_key",
    "pairwise_salt",
    "redis_url",
}  # an error message ends up in logs
TAKEN = [(name, given, kept) for name, (taken, _, _) in SETTINGS.items() for given, kept in taken]
REFUSED = [(name, value) for name, (_, refused, _) in SETTINGS.items() for value in refused]


def key_of(name: str) -> str:
    return f"OAUTH_{name.upper()}"


@pytest.mark.parametrize("name", [item.name for item in fields(Settings)])
def test_every_setting_is_tried_here_and_says_what_it_means(name: str) -> None:
    taken, refused, _ = SETTINGS[name]
    assert taken
    assert refused
    (item,) = (item for item in fields(Settings) if item.name == name)
    assert item.metadata["doc"].endswith(".")


#: What a setting doesn't go without.
BESIDE = {
    "request_uris": {"OAUTH_JAR": True},
    "request_encryption": {"OAUTH_JAR": True},
    "dpop_nonce": {"OAUTH_DPOP": True},
}


@pytest.mark.parametrize(("name", "given", "kept"), TAKEN)
def test_a_setting_takes_what_it_may_hold(name: str, given: Any, kept: Any) -> None:
    assert getattr(Settings.from_config({**BESIDE.get(name, {}), key_of(name): given}), name) == kept


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_a_setting_that_counts_for_nothing_without_another_is_refused_without_it(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_config({key_of(name): True})
    (needed,) = BESIDE[name]
    assert str(refused.value) == f"{key_of(name)} is True; it may be False where {needed} is off."


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_value_that_can_t_be_is_refused_with_key_value_and_what_is_allowed(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_config({key_of(name): value})
    message = str(refused.value)
    assert message.startswith(key_of(name))
    assert refused.value.key.startswith(key_of(name))
    inner = next(iter(value.values())) if isinstance(value, dict) and f"{key_of(name)}[" in message else value
    assert name in SECRET or f" is {inner!r}; it may be " in message
    assert SETTINGS[name][2] in message
    assert message.endswith(".")


@pytest.mark.parametrize("name", sorted(SECRET))
def test_a_setting_that_holds_a_secret_is_refused_without_repeating_it(name: str) -> None:
    values: list[Any] = [b"mysql://root:hunter2@db/x", ["hunter2"]]
    if name == "database_uri":
        values += ["hunter2@host", "mysql://root:hunter2@db:port/x"]
    for value in values:
        with pytest.raises(ConfigurationError) as refused:
            Settings.from_config({key_of(name): value})
        assert "hunter2" not in str(refused.value)
        assert refused.value.__cause__ is None


PRIVATE = Signer("RS256").private_pem()
LEAKY = {
    "a private key as a certificate": {"OAUTH_SAML_ISSUERS": {"https://i.example": {"certificates": [PRIVATE]}}},
    "a private key as metadata": {"OAUTH_SAML_ISSUERS": {"https://i.example": {"metadata": PRIVATE}}},
    "a private key cut off": {"OAUTH_SAML_ISSUERS": {"https://i.example": {"metadata": PRIVATE[:400]}}},
    "a private key as an entry": {"OAUTH_JWT_ISSUERS": {"https://i.example": PRIVATE}},
    "a private key as a list": {"OAUTH_PROTECT": PRIVATE},
    "a password in a key set's URL": {"OAUTH_JWT_ISSUERS": {"https://i.example": {"jwks_uri": "http://u:hunter2@h/x"}}},
    "a password in the issuer": {"OAUTH_ISSUER": "https://u:hunter2@h/x?y"},
    "a password in the login's URL": {"OAUTH_LOGIN_URL": ["https://u:hunter2@h/x"]},
    "a secret in an entry": {"OAUTH_TRUSTED_TOKEN_ISSUERS": [{"client_secret": "hunter2", "audience": "x"}]},
    "a private JWK": {"OAUTH_PLANS": [{"kty": "RSA", "d": "hunter2"}]},
    "a long value": {"OAUTH_RESOURCES": "z" * 5000},
}  # fmt: skip


@pytest.mark.parametrize("config", LEAKY.values(), ids=LEAKY)
def test_an_error_repeats_nothing_that_may_be_a_secret_and_not_much(config: dict[str, Any]) -> None:
    app = Flask("leaky")
    grants = ["client_credentials", "jwt_bearer", "saml2_bearer"]
    app.config.update({"TESTING": True, "OAUTH_DATABASE_URI": "sqlite://", "OAUTH_GRANT_TYPES": grants} | config)
    with pytest.raises(ConfigurationError) as refused:
        OAuthGateway(app)
    printed = "".join(traceback.format_exception(refused.value))
    for secret in ("hunter2", *PRIVATE.splitlines()[1:-1]):
        assert secret not in printed
    assert len(str(refused.value)) < 600


def test_several_hosts_where_one_is_are_told_how_to_be_written() -> None:
    uri = "postgresql+psycopg://oauth:hunter2@db1:5432,db2:5432/oauth"
    with pytest.raises(ConfigurationError, match="host=<host>:5432&host=<host>:5432") as refused:
        Settings.from_config({"OAUTH_DATABASE_URI": uri})
    assert "hunter2" not in str(refused.value)


def test_the_defaults_are_what_an_app_gets_that_sets_nothing(make_app_config: dict[str, Any]) -> None:
    settings = Settings.from_config(make_app_config)
    assert settings == Settings()
    assert settings.url_prefix == "/oauth"
    assert settings.access_token_lifetime == 3600
    assert settings.max_body == 131072
    assert (settings.issuer, settings.token_cache_seconds, settings.token_prefix) == (None, 0, "")


@pytest.fixture
def make_app_config() -> dict[str, Any]:
    """What a Flask app's configuration holds beside ours."""
    return {
        "DEBUG": False,
        "SECRET_KEY": "x",
        "AUTHLIB_INSECURE_TRANSPORT": "1",
        "SQLALCHEMY_DATABASE_URI": "sqlite://",
    }


def test_a_setting_stands_in_one_family() -> None:
    """`Settings` has none of its own; of two with one name, one would silently hide the other."""
    settings = [item.name for family in Settings.__bases__ for item in fields(family)]
    assert sorted(settings) == sorted(item.name for item in fields(Settings))


def test_every_setting_is_a_slot() -> None:
    assert set(Settings.__slots__) == {item.name for item in fields(Settings)}
    assert not hasattr(Settings(), "__dict__")


def test_settings_can_t_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        Settings().url_prefix = "/other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("OAUTH_SCOPE", "OAUTH_SCOPES"),
        ("OAUTH_ACCES_TOKEN_LIFETIME", "OAUTH_ACCESS_TOKEN_LIFETIME"),
        ("OAUTH_ISUER", "OAUTH_ISSUER"),
    ],
)
def test_an_unknown_key_is_a_warning_that_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.warns(ConfigurationWarning) as caught:
        Settings.from_config({key: 1})
    assert [str(each.message) for each in caught] == [f"{key} is not a setting of the gateway. Did you mean {nearest}?"]


def test_an_unknown_key_like_none_of_ours_is_a_warning_without_a_guess() -> None:
    key = "OAUTH_" + "Z" * 40
    with pytest.warns(ConfigurationWarning, match=f"{key} is not a setting of the gateway[.]$"):
        Settings.from_config({key: 1})


def test_keys_of_other_extensions_are_none_of_our_business() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Settings.from_config({"OAUTHLIB_RELAX_TOKEN_SCOPE": "1", "GITHUB_OAUTH_CLIENT_ID": "x", "oauth_scopes": 1})


# Checks of two keys together


def test_who_may_register_fits_the_other_settings() -> None:
    with pytest.raises(
        ConfigurationError, match=r"OAUTH_SOFTWARE_STATEMENT_ISSUERS is \{\}; it may be a dict with an issuer"
    ):
        Settings.from_config({"OAUTH_REGISTRATION": "statement"})


@pytest.mark.parametrize("name", ["default_scopes", "required_scopes", "registration_scopes", "developer_scopes"])
def test_a_list_of_scopes_names_only_scopes_that_there_are(name: str) -> None:
    settings = Settings.from_config({"OAUTH_SCOPES": {"a": "A", "b": "B"}, key_of(name): "a b"})
    assert getattr(settings, name) == ("a", "b")
    with pytest.raises(ConfigurationError, match=f"{key_of(name)} is .*names from OAUTH_SCOPES; 'c' is not one"):
        Settings.from_config({"OAUTH_SCOPES": {"a": "A"}, key_of(name): ["a", "c"]})


@pytest.mark.parametrize("issuer", ["http://auth.example", "http://10.0.0.1", "http://localhost.evil.example"])
def test_plain_http_needs_loopback_debug_testing_or_to_be_allowed(issuer: str) -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_ISSUER is .* OAUTH_ALLOW_HTTP = True"):
        Settings.from_config({"OAUTH_ISSUER": issuer})
    assert Settings.from_config({"OAUTH_ISSUER": issuer, "OAUTH_ALLOW_HTTP": True}).issuer == issuer
    assert Settings.from_config({"OAUTH_ISSUER": issuer}, relaxed=True).issuer == issuer


@pytest.mark.parametrize(
    "issuer", ["http://localhost:5000", "http://api.localhost:5000", "http://127.0.0.1", "http://[::1]:8080/tenant"]
)
def test_plain_http_on_loopback_is_fine(issuer: str) -> None:
    assert Settings.from_config({"OAUTH_ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://h/drei", "a URL whose database is no number"),
        ("redis+cluster://h:1/3", "a Cluster has no numbered databases"),
        ("redis+sentinel://h", "without the name of the service that they watch"),
        ("redis+sentinel://h/service/drei", "a URL of Sentinels whose database is no number"),
    ],
)
def test_what_is_wrong_in_a_url_of_redis_is_named(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        Settings.from_config({"OAUTH_REDIS_URL": url})


@pytest.mark.parametrize("config", [{"OAUTH_DPOP": "required"}, {"OAUTH_PROFILE": "fapi2"}])
def test_there_are_no_personal_tokens_where_every_token_is_bound(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_PERSONAL_TOKENS is True"):
        Settings.from_config({"OAUTH_PERSONAL_TOKENS": True, **config})
    assert Settings.from_config({"OAUTH_PERSONAL_TOKENS": True, "OAUTH_DPOP": True}).personal_tokens


def test_no_secret_is_in_what_a_debugger_shows() -> None:
    secrets = {"OAUTH_KEY_ENCRYPTION_KEY": "the first", "OAUTH_PAIRWISE_SALT": "the second"}
    shown = repr(Settings.from_config(secrets))
    assert not any(secret in shown for secret in secrets.values())


@pytest.mark.parametrize("name", ["registration_scopes", "developer_scopes"])
def test_nobody_else_can_be_given_what_manages_the_gateway(name: str) -> None:
    config = {"OAUTH_SCOPES": {"a": "A"}, "OAUTH_ADMIN": True, key_of(name): "a oauth:admin"}
    with pytest.raises(ConfigurationError, match=f"{key_of(name)} is .*names from OAUTH_SCOPES but oauth:admin"):
        Settings.from_config(config)


def test_managing_ones_own_apps_is_a_scope_that_must_be_given_by_its_name() -> None:
    settings = Settings.from_config({"OAUTH_SCOPES": {"a": "A"}, "OAUTH_DEVELOPER": True})
    assert "oauth:apps" in settings.scopes
    assert settings.app_scopes == ["a"]
    assert "oauth:apps" not in Settings.from_config({"OAUTH_SCOPES": {"a": "A"}}).scopes


def test_a_logo_that_names_a_user_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_SITE_LOGO"):
        Settings.from_config({"OAUTH_SITE_LOGO": "https://u@c.example/"})
    with pytest.raises(ConfigurationError, match="OAUTH_SITE_LOGO"):
        Settings.from_config({"OAUTH_SITE_LOGO": "///c.example/logo.png"})
