"""`OAUTH_METRICS`: what Prometheus is told, and who may read it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from flask_oauth_gateway import ConfigurationError, OAuthGateway, require_token
from flask_oauth_gateway.errors import OAuth2Error
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import SCOPES, ask, bearer, refusal, register, token_for
from tests.support.databases import sqlite_only

pytest_plugins = ["flask_oauth_gateway.testing"]


class Counted:
    """By how much the numbers grew since the test began: the registry is the whole process's."""

    def __init__(self) -> None:
        self._before = self._now()

    @staticmethod
    def _now() -> dict[tuple[str, ...], float]:
        samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
        return {(each.name, *each.labels.values()): each.value for each in samples if each.name.startswith("oauth_")}

    def __call__(self, *name: str) -> float:
        return self._now().get(name, 0) - self._before.get(name, 0)

    def labels(self) -> set[str]:
        return {label for key in self._now() for label in key[1:]}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(OAUTH_METRICS="metrics", OAUTH_SCOPES={**SCOPES, "metrics": "Read the metrics"})


@pytest.fixture
def counted(app: Flask) -> Counted:
    return Counted()


@sqlite_only
def test_what_the_endpoints_do_is_counted(
    app: Flask, counted: Counted, client: FlaskClient, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    assert ask(client, registered, scope="nonsense").status_code == 400
    assert ask(client, registered, grant_type="lottery").status_code == 400
    assert client.post("/oauth/token", data={"client_id": "unheard of", "grant_type": "x" * 50}).status_code == 400
    assert client.post("/oauth/token", data=b"x" * 200_000).status_code == 413
    assert client.get("/oauth/tokeninfo", headers=bearer("nonsense")).status_code == 400
    assert client.get("/oauth/tokeninfo", headers=bearer(token)).status_code == 200
    assert client.get("/oauth/authorize?client_id=nobody").status_code == 400
    app.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert counted("oauth_requests_total", "token", "200") == 1
    assert counted("oauth_requests_total", "token", "400") == 3
    assert counted("oauth_requests_total", "token", "413") == 1
    assert counted("oauth_requests_total", "tokeninfo", "200") == 1
    assert counted("oauth_errors_total", "token", "invalid_scope") == 1
    assert counted("oauth_errors_total", "token", "unsupported_grant_type") == 2
    assert counted("oauth_errors_total", "tokeninfo", "invalid_token") == 1
    assert counted("oauth_errors_total", "authorize", "shown_to_user") == 1
    assert counted("oauth_request_duration_seconds_count", "token") == 5
    assert counted("oauth_tokens_issued_total", "client_credentials") == 1
    assert counted("oauth_events_total", "token_revoked") == 1
    sent = {registered.client_id, token, "unheard of", "x" * 50, "lottery", "nobody"}
    assert sent.isdisjoint(counted.labels())


@sqlite_only
def test_what_no_list_of_ours_holds_is_other(
    app: Flask, counted: Counted, client: FlaskClient, registered: Client, gateway: OAuthGateway
) -> None:
    gateway.tokens.issue(registered.client_id, grant_type="lottery")
    gateway.tokens.issue(registered.client_id)

    @gateway.token_attributes
    def token_attributes(*_: Any) -> dict[str, str]:
        raise OAuth2Error("Not today.", error="bad_luck")

    assert ask(client, registered).get_json()["error"] == "bad_luck"
    assert counted("oauth_tokens_issued_total", "other") == counted("oauth_tokens_issued_total", "direct") == 1
    assert counted("oauth_errors_total", "token", "other") == 1
    assert {"lottery", "bad_luck"}.isdisjoint(counted.labels())


@sqlite_only
def test_an_error_that_the_browser_carries_is_counted(
    make_site: Callable[..., Any], registered: Client, counted: Counted
) -> None:
    site = make_site(OAUTH_METRICS=True)
    client = register(site.app, grant_types=["authorization_code"], redirect_uris=["https://app.example/cb"])
    query = {"client_id": client.client_id, "response_type": "code", "scope": "nonsense"}
    assert "error=" in site.app.test_client().get("/oauth/authorize", query_string=query).location
    assert (
        counted("oauth_requests_total", "authorize", "302") + counted("oauth_requests_total", "authorize", "303") == 1
    )
    assert counted("oauth_errors_total", "authorize", "invalid_request") + counted(
        "oauth_errors_total", "authorize", "invalid_scope"
    ) == 1  # fmt: skip


@sqlite_only
def test_what_protected_views_let_through_is_counted(
    app: Flask, counted: Counted, client: FlaskClient, oauth_token: Callable[..., Any]
) -> None:
    app.add_url_rule("/greeting", view_func=require_token(optional=True)(lambda: "Hello"))
    tokens = [oauth_token("weather:read"), oauth_token("weather:write"), "nonsense"]
    statuses = [client.get("/weather", headers=bearer(token)).status_code for token in tokens]
    assert [*statuses, client.get("/weather").status_code] == [200, 403, 401, 401]
    assert client.get("/greeting").status_code == 200
    outcomes = ("accepted", "insufficient_scope", "invalid_token", "unauthorized", "anonymous")
    assert [counted("oauth_token_checks_total", each) for each in outcomes] == [1, 1, 1, 1, 1]
    assert counted("oauth_token_check_duration_seconds_count") == 5


@sqlite_only
def test_a_request_that_is_asked_twice_is_counted_once(make_app: Callable[..., Flask], oauth_token: Any) -> None:
    app = make_app(OAUTH_METRICS=True, OAUTH_PROTECT=[{"path": "/*"}])
    token = token_for(app.test_client(), register(app))["access_token"]
    other = token_for(app.test_client(), register(app), scope="weather:write")["access_token"]
    counted = Counted()
    assert app.test_client().get("/weather", headers=bearer(token)).status_code == 200
    assert counted("oauth_token_checks_total", "accepted") == 1
    assert app.test_client().get("/weather", headers=bearer(other)).status_code == 403
    assert counted("oauth_token_checks_total", "insufficient_scope") == 1


@sqlite_only
def test_an_error_inside_of_a_view_is_a_500_that_is_counted(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_METRICS=True)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions["oauth_gateway"].token_attributes(lambda *_: {"scope": "taken"})
    client, counted = register(app), Counted()
    assert ask(app.test_client(), client).status_code == 500
    assert counted("oauth_requests_total", "token", "500") == 1
    assert counted("oauth_errors_total", "token", "server_error") == 1


@sqlite_only
def test_prometheus_reads_it_with_a_token_of_its_own(app: Flask, client: FlaskClient, registered: Client) -> None:
    prometheus = register(app, client_name="Prometheus", scope="metrics")
    token = token_for(client, prometheus)["access_token"]
    response = client.get("/oauth/metrics", headers=bearer(token))
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    found = {metric.name for metric in text_string_to_metric_families(response.text)}
    assert {"oauth_requests", "oauth_tokens_issued", "oauth_token_check_duration_seconds"} <= found
    openmetrics = client.get("/oauth/metrics", headers={**bearer(token), "Accept": "application/openmetrics-text"})
    assert openmetrics.content_type.startswith("application/openmetrics-text")
    refusal(client.get("/oauth/metrics"), 401, "unauthorized")
    other = token_for(client, registered)["access_token"]
    refusal(client.get("/oauth/metrics", headers=bearer(other)), 403, "insufficient_scope")


@sqlite_only
@pytest.mark.parametrize("metrics", [False, True])
def test_without_a_scope_nobody_reads_it_here(make_app: Callable[..., Flask], metrics: bool) -> None:
    assert make_app(OAUTH_METRICS=metrics).test_client().get("/oauth/metrics").status_code == 404


@sqlite_only
def test_the_scope_must_be_one_that_a_client_can_have(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_METRICS is .*names from OAUTH_SCOPES"):
        make_app(OAUTH_METRICS="metrics")


WORKERS = """
import os, sys
from flask import Flask
from flask_oauth_gateway import OAuthGateway
from tests.support.app import server_of

app = Flask("worker", instance_path=sys.argv[1])
app.config.update(TESTING=True, OAUTH_METRICS="metrics", OAUTH_SCOPES={"metrics": "x"})
gateway = OAuthGateway(app)
client = gateway.clients.create(client_name="x", grant_types=["client_credentials"], scope="metrics")
gateway.database.dispose()

def ask(grant_type):
    form = {"grant_type": grant_type, "client_id": client.client_id, "client_secret": client.client_secret}
    return app.test_client().post("/oauth/token", data=form)

for _ in range(2):
    pid = os.fork()
    if not pid:
        answer = ask("client_credentials")
        server_of(app).audit.flush()
        os._exit(answer.status_code != 200)
    _, failed = os.waitpid(pid, 0)
    assert not failed
token = ask("client_credentials").get_json()["access_token"]
print(app.test_client().get("/oauth/metrics", headers={"Authorization": f"Bearer {token}"}).text)
"""

WITHOUT = """
import sys
for name in ("prometheus_client", "opentelemetry"):
    sys.modules[name] = None
from flask import Flask
from flask_oauth_gateway import ConfigurationError, OAuthGateway
OAuthGateway(Flask("off", instance_path=sys.argv[1]))
for key in ("OAUTH_METRICS", "OAUTH_TRACES"):
    app = Flask("on", instance_path=sys.argv[1])
    app.config[key] = True
    try:
        OAuthGateway(app)
    except ConfigurationError as error:
        print(error)
"""


def test_processes_of_one_server_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("shared").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "shared"))
    run = subprocess.run([sys.executable, "-c", WORKERS, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert 'oauth_tokens_issued_total{grant_type="client_credentials"} 3.0' in run.stdout


def test_what_they_need_is_asked_for_by_who_turns_them_on_alone(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    metrics, traces = run.stdout.splitlines()
    assert "flask-oauth-gateway[metrics]" in metrics
    assert "flask-oauth-gateway[traces]" in traces
