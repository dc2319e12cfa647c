"""Every flow once, with every logger at DEBUG: no secret is in a log, a signal, the audit trail or a table."""

import logging
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from flask_oauth_gateway import signals
from tests.support.app import server_of
from tests.support.device import confirm, poll, start
from tests.support.site import GRANT_TYPES, VERIFIER, Page, another_browser, answer, granted, location, query

PASSWORD = "correct horse battery staple"


def walk(site: Any) -> dict[str, str]:
    """Every flow, with what goes wrong in each; returns the secrets that played a part."""
    secrets = {"password": PASSWORD, "verifier": VERIFIER, "brought secret": "chosen by a person: 7hunter2"}
    client = site.register(client_secret=secrets["brought secret"], grant_types=GRANT_TYPES)
    other = site.register(grant_types=["client_credentials"])
    spa = site.register_public(grant_types=["implicit"])
    secrets["generated secret"] = other.client_secret

    def keep(name: str, body: dict[str, Any]) -> dict[str, Any]:
        for member in ("access_token", "refresh_token", "device_code", "user_code"):
            if member in body:
                secrets[f"{member} of {name}"] = body[member]
        return body

    page = Page(site.ask(client))
    secrets["form token"] = page.hidden("form_token")
    site.send(page, decision="deny")
    used, misused = (answer(location(site.send(Page(site.ask(client, prompt="consent")))))["code"] for _ in range(2))
    secrets |= {"code": used, "misused code": misused}
    site.redeem(client, misused, code_verifier=VERIFIER[::-1])
    tokens = keep("code", granted(site.redeem(client, used)))
    refreshed = keep("refresh", granted(site.refresh(client, tokens["refresh_token"])))
    introspected = site.post(client, "/oauth/introspect", token=refreshed["refresh_token"])
    assert introspected.get_json()["active"]
    site.refresh(client, tokens["refresh_token"])  # a theft
    site.redeem(client, used)  # another
    keep("password", granted(site.token(client, "password", username="alice", password=PASSWORD)))
    site.token(client, "password", username="alice", password=PASSWORD + "x")
    keep("client credentials", granted(site.token(other, "client_credentials")))
    keep("implicit", answer(site.approve(spa, response_type="token"), part="fragment"))
    form = Page(site.ask(spa, response_type="token", response_mode="form_post"))
    secrets["access token in a form"] = form.hidden("access_token")
    codes = keep("device", start(site, client))
    secrets["user code without its hyphen"] = codes["user_code"].replace("-", "")
    poll(site, client, codes["device_code"])
    site.browser.get("/oauth/device", query_string={"user_code": codes["user_code"]})
    assert "Device connected" in site.send(confirm(site, codes["user_code"])).text
    granted(poll(site, client, codes["device_code"]))
    poll(site, client, codes["device_code"])
    revoked = keep("revoked", site.tokens(client))
    for member in ("access_token", "refresh_token"):
        site.post(client, "/oauth/revoke", token=revoked[member])
        site.me(revoked[member])
    another_browser(site).post(
        "/oauth/authorize", query_string=query(client), data={"form_token": "x", "decision": "allow"}
    )
    page = Page(site.browser.get("/oauth/applications"))
    for action in page.actions:
        site.browser.post(action, data={"form_token": page.hidden("form_token")})
    return secrets


@pytest.fixture
def heard() -> Any:
    """Everything that any of the gateway's signals says meanwhile, as text."""
    every = [value for value in vars(signals).values() if hasattr(value, "connect")]
    said: list[str] = []

    def receive(sender: Any, **payload: Any) -> None:
        said.append(repr(payload))

    for signal in every:
        signal.connect(receive)
    yield said
    for signal in every:
        signal.disconnect(receive)


def test_no_secret_is_written_down_anywhere(make_site: Any, caplog: Any, heard: list[str]) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("authlib", "flask_oauth_gateway", "sqlalchemy", "werkzeug", "limits"):
        caplog.set_level(logging.DEBUG, logger=name)
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=0)
    site.gateway.check_password(lambda name, password: site.people.get(name) if password == PASSWORD else None)
    secrets = walk(site)
    assert len(secrets) >= 18
    site.gateway.tokens.find()
    places = {
        # SQLAlchemy's own echo of parameters is the one that an owner turns on to see them; ours is what is looked at
        "log": "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")),
        "signals": "\n".join(heard),
        **tables(site),
    }
    assert {"oauth_audit", "oauth_code", "oauth_refresh_token", "oauth_device_code", "oauth_once"} <= set(places)
    assert len(heard) > 20
    for where, text in places.items():
        for what, secret in secrets.items():
            assert secret not in text, f"the {what} is in the {where}"


def tables(site: Any) -> dict[str, str]:
    """Every table's content as text, bytes as they are and in hex."""
    state = server_of(site.app)
    state.audit.flush()
    metadata = MetaData()
    metadata.reflect(state.database.engine)
    found = {}
    for table in metadata.sorted_tables:
        rows = state.database.all(select(table))
        found[table.name] = "\n".join(text_of(value) for row in rows for value in row)
    return found


def text_of(value: Any) -> str:
    return f"{value!r} {bytes(value).hex()}" if isinstance(value, (bytes, memoryview)) else str(value)


def test_what_is_listed_and_printed_of_a_client_or_token_shows_no_secret(site: Any) -> None:
    secrets = walk_a_little(site)
    shown = [repr(client) + str(client.secrets) for client in site.gateway.clients.list()]
    shown += [repr(token) + repr(token.claims) for token in site.gateway.tokens.find(live=False).tokens]
    assert len(shown) == 3
    for text in shown:
        assert not [secret for secret in secrets if secret in text]


def walk_a_little(site: Any) -> list[str]:
    client = site.register()
    tokens = site.tokens(client)
    site.register_public()
    return [client.client_secret, tokens["access_token"], tokens["refresh_token"]]
