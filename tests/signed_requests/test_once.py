"""A signed request with a `jti` is good once: used up by its answer, not by a visit, in whichever process."""

import os
import tempfile
import threading
import time
from typing import Any

import pytest

from tests.support.app import build_app, close_app, gateway_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.key_server import key_server
from tests.support.other_process import PROCESSES
from tests.support.racing import together
from tests.support.request_objects import BROWSER, MakeSigning, Signing
from tests.support.site import Page, Person, answer, error_page, granted, location

RIVALS = 20
USED = "was answered already"


def come_at_once(app: Any, visitors: int, sent: dict[str, str], start_line: Any) -> list[str]:
    """Where each of so many browsers is led that come at the same moment, or what it is told."""
    gateway_of(app).current_user(lambda: Person("alice"))
    gateway_of(app).approve(lambda _: True)
    led: list[str] = []

    def come() -> None:
        browser = app.test_client()
        start_line.wait(30)
        response = browser.get("/oauth/authorize", query_string=sent, headers=BROWSER)
        led.append(response.headers.get("Location") or response.text)

    threads = [threading.Thread(target=come) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return led


def another_process(config: dict[str, Any], sent: dict[str, str], ready: Any, start_line: Any, results: Any) -> None:
    app = build_app(instance_path=tempfile.mkdtemp(), **config)
    app.test_client().get("/oauth/authorize")  # everything is loaded
    ready.wait(40)
    led = come_at_once(app, RIVALS // 2, sent, start_line)
    close_app(app)
    results.put(led)
    results.close()
    results.join_thread()
    os._exit(0)  # nothing of pytest's is torn down twice


@every_database
@pytest.mark.parametrize("jti", ["one", None])
def test_of_20_at_once_in_two_processes_one_gets_a_code(
    make_signing: MakeSigning, database_uri: str, jti: str | None
) -> None:
    signing = make_signing()
    config = {"OAUTH_DATABASE_URI": database_uri, "OAUTH_JAR": True, "OAUTH_GRANT_TYPES": ["authorization_code"]}
    sent = {"client_id": signing.client.client_id, "request": signing.sign(jti=jti)}
    ready, start_line, results = PROCESSES.Barrier(2), PROCESSES.Barrier(RIVALS), PROCESSES.Queue()
    arguments = (config, sent, ready, start_line, results)
    processes = [PROCESSES.Process(target=another_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        led = results.get(timeout=50) + results.get(timeout=50)
    finally:
        for process in processes:
            process.join(10)
            process.kill()
    won = [each for each in led if "code=" in each[:200]]
    assert len(led) == RIVALS
    assert len(won) == (RIVALS if jti is None else 1), led
    assert all(USED in each for each in led if each not in won)
    for each in won:
        code = answer(each)["code"]
        assert granted(signing.site.redeem(signing.client, code))


@every_database
def test_a_visit_does_not_use_it_up_and_its_answer_does(make_signing: MakeSigning) -> None:
    signing = make_signing()
    text = signing.sign(jti="one")
    pages = [Page(signing.ask(text)) for _ in range(3)]
    first = answer(location(signing.site.send(pages[0])))
    assert first["code"]
    # The other tabs, a reload and a new visit are late.
    assert USED in signing.site.browser.get(str(pages[1].action), headers=BROWSER).text
    assert USED in error_page(signing.ask(text), "invalid_request_object")
    assert USED in sent_late(signing, pages[2])
    assert granted(signing.site.redeem(signing.client, first["code"]))
    # Another request of the same name is the same; one of another client isn't.
    assert USED in signing.refused(signing.sign(jti="one", state="another"))
    other = Signing(signing.site)
    assert other.code(other.sign(jti="one"))
    assert signing.code(signing.sign(jti="two"))


def sent_late(signing: Signing, page: Page) -> str:
    fields = {"decision": "allow", "scope": list(page.boxes), **dict(page.fields)}
    return signing.site.browser.post(str(page.action), data=fields, headers=BROWSER).text


def test_a_sign_in_in_between_does_not_use_it_up(signing: Signing) -> None:
    seen: list[str] = []

    @signing.site.gateway.login
    def login(request: Any) -> str:
        seen.append(request.return_to)
        return "sign in"

    signing.site.person = None
    text = signing.sign(jti="one")
    for _ in range(3):
        assert signing.ask(text).text == "sign in"
    signing.site.person = "alice"
    assert signing.answer(signing.site.browser.get(seen[0], headers=BROWSER))["code"]


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "code token"])
def test_every_kind_of_answer_uses_it_up(make_signing: MakeSigning, response_type: str) -> None:
    client = {
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "implicit"],
        "scope": "openid weather:read", "skip_consent": True,
    }  # fmt: skip
    signing = make_signing(client=client, OAUTH_OIDC=True)
    text = signing.sign(jti="one", response_type=response_type, scope="openid weather:read", nonce="n")
    assert "error" not in location(signing.ask(text))
    assert USED in signing.refused(text)


def test_a_refusal_is_an_answer_too(signing: Signing) -> None:
    text = signing.sign(jti="one")
    assert answer(location(signing.site.send(Page(signing.ask(text)), decision="deny")))["error"] == "access_denied"
    assert USED in signing.refused(text)


def test_it_stays_used_for_as_long_as_it_could_be_used(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    text = signing.sign(jti="one", exp=int(time.time()) + 60, prompt="consent")
    page, late = Page(signing.ask(text)), Page(signing.ask(text))
    assert answer(location(signing.site.send(page)))["code"]
    for _ in range(4):
        clock.advance(850)
        purged = signing.site.app.test_cli_runner().invoke(args=["oauth", "token", "purge"])
        assert purged.exit_code == 0, purged.output
        assert USED in sent_late(signing, late)


def test_of_20_pushes_at_once_one_is_taken(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_PAR=True)
    text, statuses = signing.sign(jti="one"), []

    def push(_: int) -> None:
        statuses.append(signing.site.post(signing.client, "/oauth/par", request=text).status_code)

    together(RIVALS, push)
    assert sorted(statuses) == [201] + [400] * (RIVALS - 1)


def test_an_answer_that_comes_in_the_middle_of_another_wins(make_signing: MakeSigning) -> None:
    signing = make_signing(client={"scope": "weather:read"})
    text, first = signing.sign(jti="one"), []

    @signing.site.gateway.approve
    def approve(_: Any) -> bool:
        if not first:  # while the app takes its time, the same request is answered in another tab
            first.append(None)
            first[0] = location(signing.ask(text))
        return True

    assert USED in signing.ask(text).text
    assert answer(first[0])["code"]


def test_one_at_a_url_is_good_once_too(make_signing: MakeSigning) -> None:
    with key_server() as server:
        url = f"http://127.0.0.1:{server.port}/r"
        signing = make_signing(client={"request_uris": [url], "skip_consent": True}, OAUTH_REQUEST_URIS=True)
        server.says = signing.sign(jti="one").encode()
        assert signing.answer(signing.ask("", request=None, request_uri=url))["code"]
        assert USED in signing.refused("", request=None, request_uri=url)
