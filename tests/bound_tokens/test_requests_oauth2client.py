"""requests-oauth2client, unmodified, over HTTP: it gets a bound token, and calls views with a proof for each request."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask import Flask
from requests_oauth2client import DPoPKey, DPoPToken, OAuth2Client, OAuth2ClientCredentialsAuth
from requests_oauth2client.dpop import InvalidUseDPoPNonceResponse

from flask_oauth_gateway import current_token, require_token
from tests.support.app import gateway_of
from tests.support.serving import Server, build_server, serving


@pytest.fixture(params=[False, True], ids=["without nonces", "with nonces"])
def server(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Server]:
    def build(url: str) -> Flask:
        database = f"sqlite:///{tmp_path}/oauth.db"
        app = build_server(url, OAUTH_DPOP=True, OAUTH_DPOP_NONCE=request.param, OAUTH_DATABASE_URI=database)

        @app.route("/payments/<name>", methods=["GET", "PUT"])
        @require_token("weather:read", bound="dpop")
        def payments(name: str) -> dict[str, Any]:
            return {"name": name, "jkt": current_token.confirmation["jkt"]}

        return app

    with serving(build) as (url, app):
        yield Server(url, app)
        gateway_of(app).close()


def client_of(server: Server) -> OAuth2Client:
    made = server.register("client_credentials")
    return OAuth2Client(server.token, client_id=made.client_id, client_secret=made.client_secret, testing=True)


def test_a_bound_token_opens_views_whatever_query_they_are_asked_with(server: Server) -> None:
    token = client_of(server).client_credentials(dpop=True, scope="weather:read")
    assert isinstance(token, DPoPToken)
    for method, path in (("GET", "a?day=1&to=/../b"), ("PUT", "caf%C3%A9"), ("GET", "a%20b?x=%2F"), ("GET", "a?")):
        answer = requests.request(method, f"{server.url}/payments/{path}", auth=token)
        assert answer.status_code == 200, answer.text
        assert answer.json()["jkt"] == token.dpop_key.dpop_jkt


def test_a_proof_that_names_the_query_is_good_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some releases of it leave the query in `htu`; the RFC has it ignored there."""
    import requests_oauth2client.dpop as theirs

    class Kept:
        def __init__(self, url: str) -> None:
            self.url = url

        def remove(self, **_: bool) -> "Kept":
            return self

    token = client_of(server).client_credentials(dpop=True, scope="weather:read")
    monkeypatch.setattr(theirs, "furl", Kept)
    assert requests.get(f"{server.url}/payments/a?day=1&b=/../c", auth=token).status_code == 200


def test_a_session_s_requests_each_have_their_proof(server: Server) -> None:
    session = requests.Session()
    session.auth = OAuth2ClientCredentialsAuth(client_of(server), dpop=True, scope="weather:read")
    for _ in range(3):
        assert session.get(f"{server.url}/payments/a").status_code == 200


def test_its_token_is_of_no_use_with_another_key(server: Server) -> None:
    token = client_of(server).client_credentials(dpop=True, scope="weather:read")
    assert isinstance(token, DPoPToken)
    assert requests.get(server.me, headers={"Authorization": f"Bearer {token.access_token}"}).status_code == 401
    stolen = DPoPToken(token.access_token, _dpop_key=DPoPKey.generate(rs_nonce=token.dpop_key.rs_nonce))
    with requests.Session() as session:
        try:
            status = session.get(server.me, auth=stolen).status_code
        except InvalidUseDPoPNonceResponse as error:  # it takes each challenge of DPoP's for one that asks for a nonce
            status = error.response.status_code
    assert status == 401
