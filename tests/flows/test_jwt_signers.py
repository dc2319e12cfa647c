"""Assertions signed by programs that have nothing to do with ours, and clients that post them over real HTTP."""

import json
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
import requests

from tests.support.app import SCOPES, bearer, close_app
from tests.support.services import NODE_CLIENTS
from tests.support.serving import Server, build_server, serving
from tests.support.signing import Signer, claims_of
from tests.support.trading import CLIENT_ASSERTION, GRANT, GRANT_TYPES, IDP

READ, WRITE = SCOPES
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server that trusts these issuers."""
    with ExitStack() as stack:

        def serve(issuers: dict[str, Any]) -> Server:
            config = {"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_JWT_ISSUERS": issuers}

            def build(url: str) -> Any:
                return build_server(url, instance_path=str(tmp_path / "instance"), **config)

            url, app = stack.enter_context(serving(build))
            stack.callback(close_app, app)
            return Server(url, app)

        yield serve


def me(server: Server, token: str) -> dict[str, Any]:
    answer = requests.get(server.me, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_pyjwt(serve: Callable[..., Server]) -> None:
    signers = {name: Signer(name) for name in ALGORITHMS}
    entries = {f"{IDP}/{name}": {"jwks": signers[name].jwks(), "client_id": "partner"} for name in ALGORITHMS}
    server = serve(entries)
    server.register("jwt_bearer", client_id="partner")
    method = {"token_endpoint_auth_method": "private_key_jwt"}
    for name, signer in signers.items():
        assertion = pyjwt.encode(
            claims_of(f"{IDP}/{name}", server.token), signer.key, name, headers={"kid": signer.kid}
        )
        answer = requests.post(server.token, {"grant_type": GRANT, "assertion": assertion})
        assert me(server, answer.json()["access_token"]) == {"client": "partner", "subject": "alice"}
        server.register("client_credentials", client_id=name, jwks=signer.jwks(), **method)
        proof = pyjwt.encode(claims_of(name, server.url, sub=name), signer.key, name, headers={"kid": signer.kid})
        form = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": proof}
        answer = requests.post(server.token, {"grant_type": "client_credentials", **form})
        assert me(server, answer.json()["access_token"]) == {"client": name, "subject": None}


ROBOT = "robot@weather.example"


def test_google_auth_with_a_service_account_s_key(serve: Callable[..., Server]) -> None:
    """As docs/flows/jwt_bearer.md has the entry: its audience is always Google's, and it lives for an hour."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own, about the age of this Python
        from google.auth.transport.requests import Request
        from google.oauth2 import service_account
    key = Signer("RS256", kid="key-1")
    entry = {
        "jwks": key.jwks(),
        "audience": "https://oauth2.googleapis.com/token",
        "max_lifetime": 3600,
        "client_id": ROBOT,
    }
    server = serve({ROBOT: entry})
    server.register("jwt_bearer", client_id=ROBOT)
    info = {
        "type": "service_account",
        "client_email": ROBOT,
        "private_key_id": "key-1",
        "private_key": key.private_pem(),
        "token_uri": server.token,
    }
    for subject in (None, "alice"):  # by itself, and in the name of a user
        credentials = service_account.Credentials.from_service_account_info(info, scopes=[READ], subject=subject)
        credentials.refresh(Request())
        assert me(server, credentials.token) == {"client": ROBOT, "subject": subject}
        assert 3500 < (credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() < 3700


@pytest.mark.node
def test_jose_of_npm(serve: Callable[..., Server]) -> None:
    made = subprocess.run(
        ["node", "sign_jwt.mjs"],
        cwd=NODE_CLIENTS,
        input=json.dumps({"algorithms": ALGORITHMS, "claims": claims_of(IDP, "urn:weather")}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    signed = json.loads(made.stdout)
    common = {"audience": "urn:weather", "client_id": "partner"}
    server = serve({f"{IDP}/{name}": {"jwks": signed[name]["jwks"], **common} for name in ALGORITHMS})
    server.register("jwt_bearer", client_id="partner")
    for name in ALGORITHMS:
        answer = requests.post(server.token, {"grant_type": GRANT, "assertion": signed[name]["jwt"], "scope": READ})
        assert me(server, answer.json()["access_token"]) == {"client": "partner", "subject": "alice"}
