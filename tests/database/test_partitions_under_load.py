"""While processes issue, refresh, revoke and look up, the table becomes partitioned, and partitions come and go with the days."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.database.partitions import beginning
from flask_oauth_gateway.database.partitions.run import AnotherRun, partition
from tests.support.app import basic, bearer
from tests.support.clock import Clock
from tests.support.other_process import DAY, PASSWORD, PROCESSES, Doing
from tests.support.partitions import partitions, store
from tests.support.stored import clients_of, database_of, status_with

HALF_A_DAY = DAY // 2
WORKERS, DAYS = 2, 3
pytestmark = pytest.mark.parametrize(
    "database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def work(number: int, uri: str, folder: str, offset: Any, stop: Any, told: Any) -> None:
    """Ask for tokens and use them until told to stop; then tell what went wrong, and which tokens are good and which revoked."""
    config = {"OAUTH_DATABASE_URI": uri, "OAUTH_ACCESS_TOKEN_LIFETIME": HALF_A_DAY}
    doing = Doing(config, folder)
    real = time.time
    time.time = lambda: real() + offset.value  # type: ignore[assignment]
    client, sender = doing.client, basic("one", PASSWORD)
    wrong: list[object] = []
    live: list[tuple[float, str]] = []
    revoked: list[str] = []
    rounds = 0

    def post(path: str, **form: str) -> Any:
        response = client.post(f"/oauth/{path}", data=form, headers=sender)
        if response.status_code != 200:
            wrong.append((path, form, response.status_code, response.text))
        return response.get_json(silent=True) or {}

    def look(token: str, expected: int, since: float) -> None:
        status = client.get("/weather", headers=bearer(token)).status_code
        if status not in (200, 401) or (status != expected and offset.value == since):
            wrong.append((token, status, expected))

    while not stop.is_set() and len(wrong) < 10:
        since = offset.value
        token = post("token", grant_type="client_credentials").get("access_token", "")
        look(token, 200, since)
        first = post("token", grant_type="password", username=f"user {number}", password=PASSWORD)
        second = post("token", grant_type="refresh_token", refresh_token=first.get("refresh_token", ""))
        look(second.get("access_token", ""), 200, since)
        if not post("introspect", token=token).get("active") and offset.value == since:
            wrong.append((token, "is not active"))
        if rounds % 2:
            post("revoke", token=token)
            look(token, 401, since)
            revoked.append(token)
        else:
            live.append((since, token))
        rounds += 1
    told.put((wrong, live, revoked, rounds))


def test_nothing_is_lost_and_no_request_fails(
    app: Flask, database_uri: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "_BATCH", 50)
    with app.app_context():
        grants = ["client_credentials", "password", "refresh_token"]
        clients_of(app).create(client_id="one", client_secret=PASSWORD, grant_types=grants, scope="weather:read")
    now = int(time.time())
    old = store(app, 1000, issued_at=now - 60, expires_at=now + 30 * DAY, old=True)
    offset, stop, told = PROCESSES.Value("d", 0.0), PROCESSES.Event(), PROCESSES.Queue()
    given = (database_uri, str(tmp_path), offset, stop, told)
    workers = [PROCESSES.Process(target=work, args=(number, *given), daemon=True) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    wait_for_tokens(app, 40)

    def run(_: int) -> list[str]:
        with suppress(AnotherRun):
            return list(partition(database_of(app), ahead=3, dry_run=False))
        return []

    said = []
    for day in range(DAYS + 1):
        with ThreadPoolExecutor(2) as pool:
            said += [sentence for each in pool.map(run, range(2)) for sentence in each]
        wait_for_tokens(app, 40)
        if day < DAYS:
            clock.advance(DAY)
            offset.value += DAY
    stop.set()
    results = [told.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(20)
    assert [wrong for wrong, *_ in results if wrong] == []
    assert all(rounds > 10 for *_, rounds in results)
    assert any("is partitioned now" in sentence for sentence in said)
    assert sum("is dropped" in sentence for sentence in said) >= 2, said
    today = [token for _, live, *_ in results for since, token in live if since == offset.value]
    assert len(today) >= 5
    assert {status_with(app, token) for token in (*today[:50], *old[::20])} == {200}
    assert {status_with(app, token) for _, _, revoked, _ in results for token in revoked[-50:]} == {401}
    assert not any(name.startswith("until") for name in partitions(app))


def wait_for_tokens(app: Flask, more: int) -> None:
    """Until so many more tokens were issued, by both processes together."""
    count = "SELECT count(*) FROM oauth_refresh_token"
    with database_of(app).engine.connect() as connection:
        there = connection.exec_driver_sql(count).scalar_one()
        ends = time.monotonic() + 60
        while connection.exec_driver_sql(count).scalar_one() < there + more:
            assert time.monotonic() < ends, "nobody asks any more"
            time.sleep(0.05)
