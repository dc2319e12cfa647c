"""What a token request asks of the app, and works out, is asked and worked out once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.app import server_of
from tests.support.databases import sqlite_only
from tests.support.device import decide, poll, start
from tests.support.idp import NAME, Idp
from tests.support.relying import CONFIG, Relying
from tests.support.site import DEVICE_CODE, Person, Site, granted


def asked(site: Site) -> list[str]:
    """The subjects that the app's `load_user` is asked for, from here on."""
    subjects: list[str] = []

    @site.gateway.load_user
    def load_user(subject: str) -> Person | None:
        subjects.append(subject)
        return site.people.get(subject)

    return subjects


def a_code(site: Site, client: Any) -> Callable[[], Any]:
    code = site.code(client)
    return lambda: site.redeem(client, code)


def a_refresh_token(site: Site, client: Any) -> Callable[[], Any]:
    tokens = site.tokens(client)
    return lambda: site.refresh(client, tokens["refresh_token"])


def a_device_code(site: Site, client: Any) -> Callable[[], Any]:
    codes = start(site, client)
    decide(site, codes["user_code"])
    return lambda: poll(site, client, codes["device_code"])


@pytest.mark.parametrize("prepare", [a_code, a_refresh_token, a_device_code])
@pytest.mark.parametrize("hook", [False, True], ids=["", "with token_attributes"])
def test_the_app_is_asked_once_who_a_subject_is(
    site: Site, prepare: Callable[[Site, Any], Callable[[], Any]], hook: bool
) -> None:
    if hook:
        site.gateway.token_attributes(lambda *about: {"name": about[1].name})
    client = site.register(grant_types=["authorization_code", "refresh_token", DEVICE_CODE])
    ask = prepare(site, client)
    subjects = asked(site)
    assert granted(ask()).get("name") == ("Alice" if hook else None)
    assert subjects == ["alice"]


@sqlite_only
def test_what_a_saml_assertion_may_call_the_server_is_worked_out_once(
    make_app: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    idp = Idp()
    relying = Relying(make_app(**CONFIG, OAUTH_SAML_ISSUERS={NAME: {**idp.entry, "client_id": "partner"}}))
    issuer, worked_out = server_of(relying.app).issuer, []
    urls = issuer.token_endpoints

    def token_endpoints() -> tuple[str, ...]:
        worked_out.append(urls())
        return worked_out[-1]

    monkeypatch.setattr(issuer, "token_endpoints", token_endpoints)
    relying.accepts(idp.signed())
    assert len(worked_out) == 1
