"""Twenty browsers at once with one pushed request, over two processes: it gives one answer."""

import os
import tempfile
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from flask_oauth_gateway.database.tables import code, pushed_request
from tests.support.app import build_app, close_app, gateway_of
from tests.support.databases import every_database
from tests.support.other_process import PROCESSES
from tests.support.pushing import come, push
from tests.support.site import MakeSite, Page, Site
from tests.support.stored import database_of

RIVALS = 20


def browsers(
    config: dict[str, Any], sent: dict[str, Any], cookie: str, ready: Any, start_line: Any, results: Any
) -> None:
    """A process with ten of them; `sent`: what each sends. Everybody is alice."""
    app = build_app(instance_path=tempfile.mkdtemp(), **config)
    gateway, alice = gateway_of(app), SimpleNamespace(id="alice", name="Alice")
    gateway.current_user(lambda: alice)
    gateway.load_user({"alice": alice}.get)
    if not cookie:
        gateway.approve(lambda _: True)
    app.test_client().get("/oauth/authorize")  # everything is loaded
    ready.wait(40)
    found: list[tuple[int, str]] = []

    def run() -> None:
        browser = app.test_client()
        if cookie:
            browser.set_cookie("session", cookie)
        start_line.wait(30)
        response = browser.open("/oauth/authorize", headers={"Accept": "text/html"}, **sent)
        where = response.headers.get("Location", "")
        found.append((response.status_code, where or response.text))

    threads = [threading.Thread(target=run) for _ in range(RIVALS // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_app(app)
    results.put(found)
    results.close()
    results.join_thread()
    os._exit(0)  # nothing of pytest's is torn down twice


def at_once(config: dict[str, Any], sent: dict[str, Any], cookie: str = "") -> list[tuple[int, str]]:
    ready, start_line, results = PROCESSES.Barrier(2), PROCESSES.Barrier(RIVALS), PROCESSES.Queue()
    arguments = (config, sent, cookie, ready, start_line, results)
    processes = [PROCESSES.Process(target=browsers, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        return [*results.get(timeout=50), *results.get(timeout=50)]
    finally:
        for process in processes:
            process.join(10)
            process.kill()


def counted(site: Site, statement: Any) -> int:
    with database_of(site.app).engine.connect() as connection:
        return int(connection.scalar(statement) or 0)


@every_database
@pytest.mark.parametrize("way", ["visits", "allow", "deny"])
def test_one_request_gives_one_answer(make_site: MakeSite, way: str) -> None:
    site = make_site(OAUTH_PAR=True, OAUTH_ISSUER="http://localhost", OAUTH_RATE_LIMITS=None)
    client = site.register()
    request_uri, cookie = push(site, client), ""
    sent: dict[str, Any] = {"query_string": {"client_id": client.client_id, "request_uri": request_uri}}
    if way != "visits":
        page = Page(come(site, client, request_uri))
        form = {**dict(page.fields), "decision": way, "scope": list(page.boxes)}
        sent |= {"method": "POST", "data": form}
        found = site.browser.get_cookie("session")
        assert found is not None
        cookie = found.value
    config = {name: site.app.config[name] for name in ("OAUTH_PAR", "OAUTH_ISSUER", "OAUTH_RATE_LIMITS")}
    answers = at_once({**config, "OAUTH_DATABASE_URI": site.app.config["OAUTH_DATABASE_URI"]}, sent, cookie)
    assert len(answers) == RIVALS
    wanted = "error=access_denied" if way == "deny" else "code="
    won = [text for _, text in answers if wanted in text]
    lost = [text for status, text in answers if status == 400 and "start again" in text]
    assert (len(won), len(lost)) == (1, RIVALS - 1), answers
    assert counted(site, select(func.count()).select_from(code)) == (0 if way == "deny" else 1)
    assert counted(site, select(func.count()).where(pushed_request.c.used_at.is_not(None))) == 1
