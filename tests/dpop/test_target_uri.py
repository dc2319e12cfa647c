"""For which URI a proof is: the path of the request, behind an origin that the configuration names."""

from typing import Any

import pytest
from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_oauth_gateway.errors import NotConfigured
from flask_oauth_gateway.proofs.errors import InvalidDpopProof
from flask_oauth_gateway.proofs.target_uri import canonical
from tests.support.app import MakeApp, bare_app, basic, register, server_of
from tests.support.proofs import ProofKey

KEY = ProofKey()
LIVE = {"TESTING": False, "OAUTH_DPOP": True}
ISSUER, API = "https://auth.example", "https://api.example"


def is_good(app: Flask, uri: str, path: str = "/oauth/token", host: str = "auth.example", **environ: Any) -> bool:
    """Whether a proof for this URI is good for a request to this path, with this Host header."""
    binding = server_of(app).binding
    assert binding is not None
    headers = {"DPoP": KEY.proof(uri=uri), "Host": host}
    with app.test_request_context(path, method="POST", headers=headers, environ_overrides=environ):
        try:
            return bool(binding.offered(request))
        except InvalidDpopProof as error:
            named = "URI of the request" in str(error.description)
    assert named
    return False


def test_the_host_header_never_says_which_uri_a_proof_is_for(make_app: MakeApp) -> None:
    app = make_app(**LIVE, OAUTH_ISSUER=ISSUER)
    assert is_good(app, f"{ISSUER}/oauth/token", host="internal:8000")
    assert not is_good(app, "http://thief.example/oauth/token", host="thief.example")
    assert not is_good(app, "http://localhost/oauth/token", host="localhost")
    assert not is_good(app, "http://auth.example/oauth/token", host="auth.example")


def test_without_a_name_in_the_configuration_nothing_is_taken_and_the_answer_says_what_is_missing(
    make_app: MakeApp,
) -> None:
    app = make_app(**LIVE)
    with pytest.raises(NotConfigured, match="OAUTH_ISSUER, or OAUTH_PUBLIC_ORIGINS"):
        is_good(app, "http://localhost/oauth/token", host="localhost")


def test_the_origins_are_the_issuer_s_the_resource_s_of_the_path_and_the_further_ones(make_app: MakeApp) -> None:
    resources = {"/v1": {"identifier": f"{API}/anything"}}
    app = make_app(
        **LIVE, OAUTH_ISSUER=ISSUER, OAUTH_RESOURCES=resources, OAUTH_PUBLIC_ORIGINS=["https://Mobile.example:443"]
    )
    assert is_good(app, f"{API}/v1/weather", path="/v1/weather")
    assert not is_good(app, f"{API}/oauth/token")
    assert is_good(app, "https://mobile.example/oauth/token")
    assert not is_good(app, "https://mobile.example:8443/oauth/token")


def test_the_path_has_the_mount_point(make_app: MakeApp) -> None:
    app = make_app(**LIVE, OAUTH_ISSUER=f"{ISSUER}/auth")
    assert is_good(app, f"{ISSUER}/auth/oauth/token", SCRIPT_NAME="/auth")
    assert not is_good(app, f"{ISSUER}/oauth/token", SCRIPT_NAME="/auth")
    assert is_good(app, f"{ISSUER}/auth/oauth/token", SCRIPT_NAME="/auth/")  # as of a proxy's X-Forwarded-Prefix
    rooted = make_app(**LIVE, OAUTH_ISSUER=f"{ISSUER}/auth", APPLICATION_ROOT="/auth")
    assert is_good(rooted, f"{ISSUER}/auth/oauth/token")


def test_a_path_in_which_something_is_encoded_is_what_the_app_sees(make_app: MakeApp) -> None:
    app = make_app(**LIVE, OAUTH_ISSUER=ISSUER)
    for uri in ("/caf%C3%A9", "/caf%c3%a9", "/café"):
        assert is_good(app, ISSUER + uri, path="/caf%C3%A9")
    assert is_good(app, f"{ISSUER}/a%20b%2Fc", path="/a%20b%2Fc")
    assert not is_good(app, f"{ISSUER}/a%2520b", path="/a%20b")
    assert is_good(app, f"{ISSUER}/x/%2e%2E/a", path="/a")
    assert not is_good(app, f"{ISSUER}/a/../..", path="/a")


@pytest.mark.parametrize(
    "uri",
    [
        "", "http", "http:", "http://", "http:///a", "ftp://a/b", "//a/b", "http://a b/", "http://a@b/", "http://a:b/", "http://a:1:2/",
        "http://[::1/", "http://::1/", "http://a\\b/", "http://a:123456/", " http://a/", "javascript:x",
    ],
)  # fmt: skip
def test_what_is_no_uri_of_http_is_none(uri: str) -> None:
    assert canonical(uri) is None


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("HTTPS://A.Example", "https://a.example/"),
        ("https://a.example:443/%41?x#y", "https://a.example/A"),
        ("http://a.example:0080/b/./c/..", "http://a.example/b/"),
        ("http://a.example:", "http://a.example/"),
        ("http://a.example:00", "http://a.example:0/"),
        ("http://a.example/../../b", "http://a.example/b"),
        ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080/"),
        ("http://a.example/%zz", "http://a.example/%zz"),
        ("http://a.example/b//c", "http://a.example/b//c"),
        ("http://a.example/b/", "http://a.example/b/"),
    ],
)
def test_uris_are_brought_into_one_form(uri: str, same: str) -> None:
    assert canonical(uri) == same


def test_an_app_below_another_takes_proofs_for_the_whole_path(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True)
    client = register(app)
    outer = Client(DispatcherMiddleware(bare_app("outer"), {"/inner": app}))
    headers = basic(client.client_id, client.client_secret)
    data = {"grant_type": "client_credentials"}
    wrong = outer.post("/inner/oauth/token", data=data, headers=headers | KEY.headers())
    assert wrong.status_code == 400
    good = KEY.headers(uri="http://localhost/inner/oauth/token")
    assert outer.post("/inner/oauth/token", data=data, headers=headers | good).status_code == 200
