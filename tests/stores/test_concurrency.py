"""20 threads in each of 2 processes at once: nothing fails, nothing is lost, nothing is half written."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from flask_oauth_gateway.database.tables import access_token, audit
from tests.support.app import basic, token_for
from tests.support.processes import finished, python
from tests.support.signing import Signer
from tests.support.stored import audit_of, clients_of, database_of, register, status_with, tokens_of

SECONDS, THREADS, PROCESSES = 2, 20, 2
CERTIFICATE = Signer().certificate()


def test_issuing_using_and_revoking_at_once(app: Flask, database_uri: str) -> None:
    registered = register(app)
    who = (registered.client_id, registered.client_secret or "")
    arguments = ("-m", "tests.stores.stress", database_uri, *who, str(SECONDS), str(THREADS))
    results = [json.loads(finished(process)) for process in [python(*arguments) for _ in range(PROCESSES)]]
    wrong = Counter(message for result in results for message in result["wrong"])
    assert not wrong
    for result in results:
        assert len(result["live"]) >= THREADS
        assert len(result["revoked"]) >= THREADS
        assert {status_with(app, token) for token in result["live"]} == {200}
        assert {status_with(app, token) for token in result["revoked"]} == {401}
    issued = sum(len(result["live"]) + len(result["revoked"]) for result in results)
    revoked = sum(len(result["revoked"]) for result in results)
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(access_token)) == issued
        rows = connection.execute(select(audit.c.event, func.count()).group_by(audit.c.event)).all()
    entries = {event: number for event, number in rows if event in ("token_issued", "token_revoked")}
    assert entries == {"token_issued": issued, "token_revoked": revoked}


def test_simultaneous_rotations_lose_no_secret(app: Flask, client: FlaskClient) -> None:
    registered = register(app)
    start = Barrier(20)

    def rotate(_: int) -> str:
        start.wait()
        with app.app_context():
            return clients_of(app).rotate_secret(registered.client_id, overlap=600).client_secret or ""

    with ThreadPoolExecutor(20) as pool:
        secrets = [registered.client_secret or "", *pool.map(rotate, range(20))]
    with app.app_context():
        found = clients_of(app).get(registered.client_id)
    assert found is not None
    assert len(set(secrets)) == len(found.secrets) == 21
    assert found.version == registered.version + 20
    for secret in secrets:
        data, headers = {"grant_type": "client_credentials"}, basic(registered.client_id, secret)
        assert client.post("/oauth/token", data=data, headers=headers).status_code == 200


def test_simultaneous_updates_lose_no_change(app: Flask) -> None:
    """Each changes another field, and none takes back what another wrote."""
    registered = register(app)
    fields = [
        *({name: f"https://example.com/{name}"} for name in ("logo_uri", "client_uri", "policy_uri", "tos_uri")),
        *({name: 60 + i} for i, name in enumerate(("access_token_lifetime", "refresh_token_lifetime"))),
        {"contacts": ["a@example.com"]}, {"skip_consent": True}, {"resource_server": True}, {"owner": "alice"},
        {"attributes": {"plan": "gold"}}, {"client_name": "Renamed"}, {"default_scope": "weather:read"},
        {"jwks_uri": "https://example.com/jwks"}, {"access_token_format": "opaque"}, {"certificate": CERTIFICATE},
        {"redirect_uris": ["https://example.com/back"]}, {"scope": "weather:read"},
        {"token_endpoint_auth_method": "client_secret_post"}, {"enabled": False},
    ]  # fmt: skip
    assert len(fields) == 20
    start = Barrier(len(fields))

    def update(changes: dict[str, object]) -> None:
        start.wait()
        with app.app_context():
            clients_of(app).update(registered.client_id, **changes)

    with ThreadPoolExecutor(len(fields)) as pool:
        list(pool.map(update, fields))
    with app.app_context():
        found = clients_of(app).get(registered.client_id)
    assert found is not None
    assert {name: getattr(found, name) for change in fields for name in change} == {
        name: value for change in fields for name, value in change.items()
    }


def test_a_client_deleted_while_it_is_issuing_leaves_no_live_token(app: Flask) -> None:
    registered = register(app)
    headers = basic(registered.client_id, registered.client_secret or "")
    start = Barrier(9)

    def issue(_: int) -> list[str]:
        start.wait()
        tokens = []
        for _ in range(15):
            data = {"grant_type": "client_credentials"}
            response = app.test_client().post("/oauth/token", data=data, headers=headers)
            assert response.status_code in (200, 401, 429), response.text
            tokens += [response.get_json()["access_token"]] if response.status_code == 200 else []
        return tokens

    def delete() -> None:
        start.wait()
        with app.app_context():
            clients_of(app).delete(registered.client_id)

    with ThreadPoolExecutor(9) as pool:
        deleting = pool.submit(delete)
        tokens = [token for found in pool.map(issue, range(8)) for token in found]
        deleting.result()
    assert {status_with(app, token) for token in tokens} <= {401}
    assert token_for(app.test_client(), register(app)), "a new client has nothing of the old one"
    with app.app_context():
        assert len(tokens_of(app).find(live=True).tokens) >= 1
    audit_of(app).flush()


def test_a_process_that_remembers_a_client_sees_at_once_that_it_was_disabled(make_app: Callable[..., Flask]) -> None:
    """The few seconds in which a client is remembered give nobody a token: the statement itself checks the client."""
    one, other = make_app(), make_app()
    registered = register(one)
    headers = basic(registered.client_id, registered.client_secret or "")
    token = token_for(one.test_client(), registered)["access_token"]
    with other.app_context():
        clients_of(other).update(registered.client_id, enabled=False)
    answers = [
        one.test_client().post(f"/oauth/{path}", data=data, headers=headers).status_code
        for path, data in (
            ("token", {"grant_type": "client_credentials"}),
            ("introspect", {"token": token}),
            ("revoke", {"token": token}),
        )
    ]
    assert answers == [401] * 3
    assert status_with(one, token) == 401
    with other.app_context():
        clients_of(other).update(registered.client_id, enabled=True)
        assert len(tokens_of(other).find().tokens) == 1, "nothing was issued meanwhile, and nothing revoked"
    assert status_with(one, token) == 200
