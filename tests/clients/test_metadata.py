"""What a registration may say: each member, each refusal, and the redirect URIs."""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_oauth_gateway import ClientMetadataError, Settings
from flask_oauth_gateway.clients.members import check_redirect_uri
from flask_oauth_gateway.clients.metadata import check_metadata
from tests.support.signing import Signer, rsa_key

SIGNER = Signer()
CERTIFICATE = SIGNER.certificate()
SETTINGS = Settings(scopes={"read": "Read", "write": "Write"})
LONG = "x" * 2049
TEXT = "is a text of at most 2048 characters, without control characters."
URL = "is an http or https URL."
JSON = "is a JSON object."
SECONDS = "is a number of seconds, 1 or more."

ACCEPTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"client_name": "x" * 2048}, {"client_name": "x" * 2048}),
    ({"client_name": None}, {}),
    ({"grant_types": "client_credentials"}, {"grant_types": ["client_credentials"]}),
    ({"grant_types": ["device_code"]}, {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}),
    ({"grant_types": ("a", "a", "b")}, {"grant_types": ["a", "b"]}),
    ({"scope": "read  write read"}, {"scope": "read write"}),
    ({"scope": (name for name in ["write", "read"])}, {"scope": "write read"}),
    ({"scope": {"read"}, "default_scope": ["read"]}, {"scope": "read", "default_scope": "read"}),
    ({"scope": []}, {"scope": ""}),
    ({"token_endpoint_auth_method": "none"}, {"token_endpoint_auth_method": "none"}),
    ({"contacts": "a@example.com"}, {"contacts": ["a@example.com"]}),
    ({"client_uri": "http://example.com/x?y#z"}, {"client_uri": "http://example.com/x?y#z"}),
    ({"attributes": {"a": [1, None, {"b": "\u00e4"}]}}, {"attributes": {"a": [1, None, {"b": "\u00e4"}]}}),
    ({"access_token_lifetime": timedelta(hours=1)}, {"access_token_lifetime": 3600}),
    ({"access_token_format": "opaque"}, {"access_token_format": "opaque"}),
    ({"certificate": CERTIFICATE}, {"certificate": CERTIFICATE}),
    ({"certificate": SIGNER.pem()}, {"certificate": SIGNER.pem()}),
    ({"jwks": SIGNER.jwks()}, {"jwks": SIGNER.jwks()}),
    ({"skip_consent": True, "resource_server": False}, {"skip_consent": True, "resource_server": False}),
]


def each(names: str, values: Iterable[Any], sentence: str) -> list[tuple[dict[str, Any], str]]:
    """Every one of these members with every one of these values, and the sentence that it gets."""
    return [({name: value}, f"{name} {sentence}") for name in names.split() for value in values]


OFFERED = ", ".join(SETTINGS.client_auth_methods)
REFUSED: list[tuple[dict[str, Any], str]] = [
    *each("client_name logo_uri", [5, LONG, "a\x1b[2Jb", "a\nb", "\x7f", b"bytes"], TEXT),
    *each("contacts", [LONG, "a\0b"], TEXT),
    *each("contacts grant_types redirect_uris scope", [5, [5], b"ab", [None]], "is a list of texts."),
    *each("jwks_uri logo_uri client_uri policy_uri tos_uri", ["javascript:alert(1)", "https://", "/x", ""], URL),
    *each("jwks_uri logo_uri client_uri policy_uri tos_uri", ["https://a@b.example", "https://["], URL),
    *each("jwks attributes", [[], "{}", {1: 2}, {"a": {1, 2}}, {"a": float("nan")}, {"a": b"b"}], JSON),
    *each("skip_consent resource_server", [1, "yes", [True]], "is True or False."),
    *each("access_token_lifetime refresh_token_lifetime", [0, -1, "60", True, float("nan"), 10**10], SECONDS),
    *each("certificate", ["x" * 65537, b"x"], "is a text of at most 64 KiB."),
    *each(
        "certificate", ["-----BEGIN\n", SIGNER.private_pem(), Signer(key=rsa_key(1024)).certificate()], "can't be used:"
    ),
    *each(
        "jwks", [{"keys": []}, {"keys": 5}, {"keys": [5]}, {"keys": [{"kty": "RSA", "n": "!", "e": "!"}]}], "can't be"
    ),
    *each("jwks", [Signer(key=rsa_key(1024)).jwks()], "can't be used: an RSA key has 2048 to 8192 bits."),
    *each("jwks", [Signer("HS256").jwks()], "can't be used: a shared secret (kty oct) has no place among public keys."),
    *each("jwks", [{"keys": [SIGNER.jwk(d="AA")]}], "can't be used: a private key has no place here"),
    *each(
        "jwks",
        [{"keys": [SIGNER.jwk(), SIGNER.jwk(d="AA", use=use)]} for use in ("enc", "other")],
        "can't be used: a private key has no place here",
    ),
    *each(
        "jwks", [{"keys": [SIGNER.jwk(), Signer("HS256").jwk(use="enc")]}], "can't be used: a shared secret (kty oct)"
    ),
    *each("jwks", [Signer("ES256K").jwks()], "can't be used:"),
    *each("jwks_uri", ["http://a.example/jwks"], "is an https URL"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "A client registered for private_key_jwt needs a jwks,"),
    *each("access_token_format", ["paper"], "is 'opaque'"),
    *each("token_endpoint_auth_method", ["magic"], f"is 'magic'; OAUTH_CLIENT_AUTH_METHODS offers {OFFERED}."),
    *each("scope", ["read rain"], "names 'rain', which is not in OAUTH_SCOPES (read, write)."),
    *each("scope", [["read write"]], "names 'read write', which is not in OAUTH_SCOPES (read, write)."),
    ({"scope": "read", "default_scope": "write"}, "default_scope names 'write', which is not in scope."),
    ({"grant_types": [""]}, "A grant type has 1 to 255 characters."),
    ({"grant_types": ["x" * 256]}, "A grant type has 1 to 255 characters."),
    ({"client_nme": "x"}, "'client_nme' is not something that a client's registration says."),
    ({"jwks": SIGNER.jwks(), "jwks_uri": "https://a.example/jwks"}, "A client has either jwks or jwks_uri, not both"),
    (
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        "A public client (token_endpoint_auth_method 'none') can't use client_credentials.",
    ),
]


@pytest.mark.parametrize(("said", "kept"), ACCEPTED)
def test_what_may_be_said_is_kept_in_one_form(said: dict[str, Any], kept: dict[str, Any]) -> None:
    assert check_metadata(said, SETTINGS) == kept


@pytest.mark.parametrize(("said", "sentence"), REFUSED)
def test_what_can_t_be_is_refused_in_a_sentence(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientMetadataError) as refused:
        check_metadata(said, SETTINGS)
    assert str(refused.value).startswith(sentence)
    assert refused.value.error == "invalid_client_metadata"


def test_without_any_scope_the_refusal_says_where_scopes_are_named() -> None:
    with pytest.raises(ClientMetadataError, match="none at all: set OAUTH_SCOPES"):
        check_metadata({"scope": "read"}, Settings())


@pytest.mark.parametrize("scope", ["openid", "profile", "email", "address", "phone"])
def test_without_openid_connect_the_refusal_of_its_scopes_says_what_turns_it_on(scope: str) -> None:
    for settings in (Settings(), SETTINGS):
        with pytest.raises(
            ClientMetadataError, match=f"scope names '{scope}', which is not in OAUTH_SCOPES: set OAUTH_OIDC = True"
        ):
            check_metadata({"scope": scope}, settings)
    with pytest.raises(ClientMetadataError, match="which is not in OAUTH_SCOPES"):
        check_metadata({"scope": "offline"}, Settings())


@pytest.mark.parametrize("grant", ["authorization_code", "implicit"])
def test_a_client_that_sends_users_here_says_where_they_go_back_to(grant: str) -> None:
    with pytest.raises(ClientMetadataError, match="needs redirect_uris: one at least") as refused:
        check_metadata({"grant_types": [grant]}, SETTINGS)
    assert refused.value.error == "invalid_redirect_uri"
    assert check_metadata({"grant_types": [grant], "redirect_uris": "https://a.example/"}, SETTINGS)


# Redirect URIs


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example",
        "https://app.example:8443/cb?tenant=1&x=%20",
        "https://xn--bcher-kva.example/cb",
        "http://localhost:5000/cb",
        "http://cli.localhost:8976/cb",
        "http://127.0.0.1/cb",
        "http://127.9.9.9:1/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/oauth/callback",
        "com.example.app://oauth/callback",
    ],
)
def test_a_web_a_loopback_and_an_app_s_own_redirect_uri_may_be_registered(uri: str) -> None:
    assert check_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://app.example/cb", "must be https"),
        ("http://localhost.evil.example/cb", "must be https"),
        ("http://notlocalhost/cb", "must be https"),
        ("http://.localhost/cb", "must be https"),
        ("http://cli..localhost/cb", "must be https"),
        ("http://*.localhost/cb", "must be https"),
        ("http://;.localhost/cb", "must be https"),
        ("http://evil.example%2f.localhost/cb", "must be https"),
        ("http://0.0.0.0/cb", "must be https"),
        ("HTTP://app.example/cb", "must be https"),
        ("https://app.example/cb#", "holds a fragment"),
        ("https://app.example/cb#x", "holds a fragment"),
        ("https://user@app.example/cb", "holds a user name"),
        ("https://app.example@evil.example/cb", "holds a user name"),
        ("https:///cb", "names no host"),
        ("https:cb", "names no host"),
        ("https://app.example:99999/cb", "is not a URI"),
        ("https://[::1/cb", "is not a URI"),
        ("https://app.example/a b", "holds a space"),
        ("https://app.example\\@evil.example/", "holds a space, a backslash"),
        ("https://app.example/\n", "holds a space"),
        ("https://b\u00fccher.example/", "not ASCII"),
        ("https://app.example/" + "x" * 2048, "longer than 2048"),
        ("", "holds a space"),
        ("/callback", "needs https"),
        ("app.example/callback", "needs https"),
        ("javascript:alert(1)", "needs https"),
        ("data:text/html,x", "needs https"),
        ("myapp://callback", "needs https"),
        ("vscode://x.y/z", "OAUTH_REDIRECT_SCHEMES"),
        ("ftp://app.example/", "needs https"),
        ("urn:ietf:wg:oauth:2.0:oob", "needs https"),
    ],
)
def test_what_could_lead_elsewhere_is_no_redirect_uri(uri: str, why: str) -> None:
    with pytest.raises(ClientMetadataError, match=why) as refused:
        check_redirect_uri(uri)
    assert refused.value.error == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri",
    ["cursor://anysphere.cursor-mcp/oauth/callback", "vscode://x.y/z", "vscode-insiders://x.y/z", "windsurf://x/y"],
)
def test_tools_that_are_known_by_a_scheme_of_one_word_may_register_it(uri: str) -> None:
    assert check_metadata({"redirect_uris": [uri]}, Settings())["redirect_uris"] == [uri]


def test_which_schemes_of_one_word_there_are_is_the_operators_choice() -> None:
    settings = Settings.from_config({"OAUTH_REDIRECT_SCHEMES": ["zed"]})
    assert check_metadata({"redirect_uris": ["zed:/done", "com.example:/x"]}, settings)
    for uri in ("cursor://a/b", "zedd:/done", "javascript:alert(1)"):
        with pytest.raises(ClientMetadataError, match="OAUTH_REDIRECT_SCHEMES"):
            check_metadata({"redirect_uris": [uri]}, settings)


def assert_safe(uri: str, kept: str) -> None:
    assert kept == uri
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(uri) & set(" \\#")
    parts = urlsplit(uri)
    assert "@" not in parts.netloc
    if parts.scheme == "http":
        host = str(parts.hostname)
        assert host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    else:
        assert parts.scheme == "https" or "." in parts.scheme


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"\A[a-zA-Z][a-z.]{0,12}:(//)?[^\n]{0,40}\Z"),
        st.builds(
            "{}://{}{}".format, st.sampled_from(["http", "https", "com.app"]), st.text(max_size=20), st.text(max_size=9)
        ),
    )
)
@example("http://[::1%25eth0]/")
@example("https://a.example:/")
def test_whatever_is_written_as_a_redirect_uri_is_either_safe_or_refused(uri: str) -> None:
    try:
        kept = check_redirect_uri(uri)
    except ClientMetadataError as refused:
        sentence = str(refused)
    else:
        sentence = ""
        assert_safe(uri, kept)
    assert len(sentence) < 3000
    assert sentence.isprintable()
