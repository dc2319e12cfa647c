"""Of 20 simultaneous redemptions of one code, refresh token or device code exactly one wins; threads and processes."""

import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.app import build_app, close_app, server_of
from tests.support.device import decide, start
from tests.support.other_process import PROCESSES
from tests.support.site import DEVICE_CODE, ISSUER, REDIRECT_URI, VERIFIER, MakeSite, Page, Site

RIVALS = 20
Outcome = tuple[int, dict[str, Any]]
Job = tuple[dict[str, Any], dict[str, str]]  # the configuration of an app, and what is posted


def race(app: Flask, requests: int, data: dict[str, str], start_line: Any) -> list[Outcome]:
    """The same request to the token endpoint from many threads, which start at the same moment."""
    outcomes: list[Outcome] = []

    def run() -> None:
        client = app.test_client()
        start_line.wait(30)
        response = client.post("/oauth/token", data=data)
        outcomes.append((response.status_code, response.get_json()))

    threads = [threading.Thread(target=run) for _ in range(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def another_process(jobs: list[Job], ready: Any, start_line: Any, results: Any) -> None:
    apps = [build_app(instance_path=tempfile.mkdtemp(), **config) for config, _ in jobs]
    for app in apps:
        app.test_client().post("/oauth/token")  # everything is loaded
    ready.wait(40)
    outcomes = []
    for app, (_, data) in zip(apps, jobs, strict=True):
        outcomes.append(race(app, RIVALS // 2, data, start_line))
        close_app(app)  # the server has a hundred connections for all that is tested
    results.put(outcomes)
    results.close()
    results.join_thread()
    os._exit(0)  # nothing of pytest's is torn down twice


def in_two_processes(jobs: list[Job]) -> list[list[Outcome]]:
    """What came of each job, which two processes did at the same moment."""
    ready, start_line, results = PROCESSES.Barrier(2), PROCESSES.Barrier(RIVALS), PROCESSES.Queue()
    processes = [PROCESSES.Process(target=another_process, args=(jobs, ready, start_line, results)) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        one, two = results.get(timeout=50), results.get(timeout=50)
    finally:
        for process in processes:
            process.join(10)
            process.kill()
    return [here + there for here, there in zip(one, two, strict=True)]


def exactly_one_won(outcomes: list[Outcome]) -> dict[str, Any]:
    assert len(outcomes) == RIVALS
    won = [body for status, body in outcomes if status == 200]
    lost = [(status, body["error"]) for status, body in outcomes if status != 200]
    assert len(won) == 1, outcomes
    assert set(lost) == {(400, "invalid_grant")}
    return won[0]


def code_of(site: Site) -> dict[str, str]:
    client = site.register_public()
    return {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": site.code(client),
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }


def refresh_token_of(site: Site) -> dict[str, str]:
    client = site.register_public()
    token = site.tokens(client)["refresh_token"]
    return {"grant_type": "refresh_token", "client_id": client.client_id, "refresh_token": token}


def device_code_of(site: Site) -> dict[str, str]:
    client = site.register_public(grant_types=["device_code", "refresh_token"], redirect_uris=[])
    codes = start(site, client)
    decide(site, codes["user_code"])
    return {"grant_type": DEVICE_CODE, "client_id": client.client_id, "device_code": codes["device_code"]}


def looks_stolen(site: Site, outcomes: list[Outcome]) -> None:
    """Exactly one won, and lost it again: the others looked like thieves (RFC 6749 section 4.1.2, 9700 section 4.14.2)."""
    assert not site.is_live(exactly_one_won(outcomes)["access_token"])


def is_spent_once(site: Site, outcomes: list[Outcome]) -> None:
    assert site.is_live(exactly_one_won(outcomes)["access_token"])


def all_the_same(site: Site, outcomes: list[Outcome]) -> None:
    """With a grace, a lost answer is given again."""
    assert [status for status, _ in outcomes] == [200] * RIVALS, outcomes
    assert len({(body["access_token"], body["refresh_token"]) for _, body in outcomes}) == 1
    assert site.is_live(outcomes[0][1]["access_token"])


def all_go_on(site: Site, outcomes: list[Outcome]) -> None:
    """The same of JWTs, which are signed anew."""
    assert [status for status, _ in outcomes] == [200] * RIVALS, outcomes
    assert len({body["refresh_token"] for _, body in outcomes}) == 1
    assert all(site.is_live(body["access_token"]) for _, body in outcomes)


def window_of(site: Site) -> dict[str, str]:
    return {**refresh_token_of(site), "resource": ISSUER}


GRACE = {"OAUTH_REFRESH_TOKEN_GRACE": 60}
MCP = {
    "OAUTH_PROFILE": "mcp",
    "OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token"],
    "OAUTH_ACCESS_TOKEN_FORMAT": "jwt",
}
RACES: dict[str, tuple[dict[str, Any], Callable[..., dict[str, str]], Callable[..., None]]] = {
    "a code": ({}, code_of, looks_stolen),
    "a refresh token": ({}, refresh_token_of, looks_stolen),
    "a refresh token within the grace": (GRACE, refresh_token_of, all_the_same),
    "a refresh token in the windows of an MCP client": (MCP, window_of, all_go_on),
    "a device code": ({}, device_code_of, is_spent_once),
}


@pytest.mark.parametrize("config_prepare_check", RACES.values(), ids=RACES)
def test_of_twenty_threads_with_the_same_thing_one_wins(make_site: MakeSite, config_prepare_check: Any) -> None:
    config, prepare, check = config_prepare_check
    site = make_site(**config)
    check(site, race(site.app, RIVALS, prepare(site), threading.Barrier(RIVALS)))


def test_of_twenty_in_two_processes_with_the_same_thing_one_wins(make_site: MakeSite) -> None:
    sites = [make_site(**config) for config, _, _ in RACES.values()]
    jobs: list[Job] = []
    for site, (config, prepare, _) in zip(sites, RACES.values(), strict=True):
        kept = {name: site.app.config[name] for name in ("OAUTH_DATABASE_URI", "OAUTH_GRANT_TYPES")}
        jobs.append((kept | config, prepare(site)))
    for site, outcomes, (_, _, check) in zip(sites, in_two_processes(jobs), RACES.values(), strict=True):
        check(site, outcomes)


def test_two_tabs_approving_at_the_same_moment_both_get_a_code_and_one_consent_is_kept(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    browsers = [site.app.test_client() for _ in range(6)]
    for browser in browsers:
        browser.set_cookie("session", site.browser.get_cookie("session").value)
    line, outcomes = threading.Barrier(len(browsers)), []

    def run(browser: Any) -> None:
        line.wait(30)
        data = {"decision": "allow", "form_token": page.hidden("form_token"), "scope": list(page.boxes)}
        outcomes.append(browser.post(page.action, data=data).status_code)

    threads = [threading.Thread(target=run, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [303] * len(browsers)
    assert len(server_of(site.app).consents.of_subject("alice")) == 1
