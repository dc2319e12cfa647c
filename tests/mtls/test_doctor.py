"""`flask oauth doctor` where clients show certificates."""

import json
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.doctor import mutual_tls
from tests.support.app import MakeApp, register
from tests.support.certificates import Ca, self_signed

SOUND: dict[str, Any] = {
    "OAUTH_ISSUER": "https://auth.example.com",
    "SECRET_KEY": "a key that is only for tests, and long",
    "SESSION_COOKIE_SECURE": True,
    "OAUTH_GRANT_TYPES": ["client_credentials"],
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "nginx",
}


def weak(app: Flask) -> list[str]:
    """What the doctor finds, each as its key and why."""
    found = json.loads(app.test_cli_runner().invoke(args=["oauth", "doctor", "--json"]).stdout)
    return [f"{each['key']}: {each['why']}" for each in found if "MTLS" in each["key"] or "client" in each["key"]]


def test_what_is_sound_is_passed_over_and_so_is_what_is_off(make_app: MakeApp) -> None:
    assert weak(make_app(**SOUND, OAUTH_MTLS_CA=[Ca().pem])) == []
    assert weak(make_app(**SOUND | {"OAUTH_MTLS": False, "OAUTH_MTLS_PEERS": ["0.0.0.0/0"]})) == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"OAUTH_MTLS_CERTIFICATE": None}, "OAUTH_MTLS_CERTIFICATE: nothing says where"),
        ({"OAUTH_MTLS_PEERS": ["10.0.0.0/23"]}, "OAUTH_MTLS_PEERS: everybody in 10.0.0.0/23"),
        ({"OAUTH_MTLS_PEERS": ["2001:db8::/63"]}, "OAUTH_MTLS_PEERS: everybody in 2001:db8::/63"),
        ({"OAUTH_MTLS_CA": [Ca("Old", until=29).pem]}, "OAUTH_MTLS_CA: the certificate of CN=Old ends on"),
        ({"OAUTH_MTLS_CA": [Ca("Old", since=-9, until=-1).pem]}, "OAUTH_MTLS_CA: the certificate of CN=Old ended on"),
    ],
)
def test_what_is_weak_is_named(make_app: MakeApp, config: dict[str, Any], words: str) -> None:
    [found] = weak(make_app(**SOUND | config))
    assert found.startswith(words)


def test_networks_of_proxies_and_loopback_are_no_weakness(make_app: MakeApp) -> None:
    assert (
        weak(make_app(**SOUND, OAUTH_MTLS_PEERS=["127.0.0.0/8", "::1", "unix", "10.0.0.0/24", "2001:db8::/64"])) == []
    )


def test_a_client_s_certificate_that_ends_within_30_days_is_named(make_app: MakeApp) -> None:
    app = make_app(**SOUND, OAUTH_CLIENT_AUTH_METHODS=["self_signed_tls_client_auth"])
    for client_id, days in (("soon", 29), ("later", 31)):
        register(
            app, client_id=client_id, token_endpoint_auth_method="self_signed_tls_client_auth",
            certificate=self_signed(until=days).pem,
        )  # fmt: skip
    [found] = weak(app)
    assert found.startswith("client 'soon': its certificate ends on")


def test_a_server_that_takes_other_spellings_is_named(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app, installed = make_app(**SOUND), {"gunicorn": 22}
    monkeypatch.setattr(mutual_tls, "_version_of", installed.get)
    assert weak(app) == []
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--header-map=dangerous")
    assert ["gunicorn" in each for each in weak(app)] == [True]
    monkeypatch.delenv("GUNICORN_CMD_ARGS")
    installed["gunicorn"] = 20
    assert ["gunicorn" in each for each in weak(app)] == [True]
    installed.clear()
    installed["pyuwsgi"] = 2
    assert ["uWSGI" in each for each in weak(app)] == [True]
    assert weak(make_app(**SOUND | {"OAUTH_MTLS_CERTIFICATE": "environ"})) == []


def test_that_the_proxy_s_word_counts_alone_is_noted(make_app: MakeApp) -> None:
    def notes(**config: Any) -> bool:
        app = make_app(**SOUND, OAUTH_CLIENT_AUTH_METHODS=["tls_client_auth"], **config)
        return "OAUTH_MTLS_CA: clients are believed" in app.test_cli_runner().invoke(args=["oauth", "doctor"]).output

    assert notes()
    assert not notes(OAUTH_MTLS_CA=[Ca().pem])
