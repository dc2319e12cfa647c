"""Every flow, well and badly, with every logger at DEBUG: no secret and no token is in clear in a log, a signal, a table, the
database's file, an answer to somebody else or what is printed.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal
from flask import Flask
from sqlalchemy import MetaData, make_url, select

from flask_oauth_gateway import signals
from tests.support import personal
from tests.support.app import ask, basic, bearer, register, register_public, server_of, token_for
from tests.support.certificates import self_signed
from tests.support.databases import every_database
from tests.support.device import confirm, poll, start
from tests.support.proofs import ProofKey
from tests.support.pushing import URN, come
from tests.support.signing import Signer, claims_of
from tests.support.site import (
    GRANT_TYPES,
    ISSUER,
    REDIRECT_URI,
    VERIFIER,
    Page,
    Site,
    another_browser,
    answer,
    granted,
    location,
    query,
)
from tests.support.trading import CLIENT_ASSERTION

PASSWORD = BROUGHT = "correct horse battery staple"


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Everything that any of the gateway's signals says meanwhile, as text."""
    every = [signal for signal in vars(signals).values() if isinstance(signal, Signal)]
    said: list[str] = []

    def receive(sender: Any, **payload: Any) -> None:
        said.append(repr(payload))

    for signal in every:
        signal.connect(receive)
    yield said
    for signal in every:
        signal.disconnect(receive)


def every_logger(caplog: pytest.LogCaptureFixture, *more: str) -> None:
    """Let every logger say all that it has to say."""
    for name in ["", *logging.root.manager.loggerDict, *more]:
        caplog.set_level(logging.DEBUG, logger=name)


def in_clear(secrets: dict[str, str], places: dict[str, list[str]]) -> list[str]:
    """Which secret stands where."""
    return [
        f"{what} in {where}"
        for where, texts in places.items()
        for text in texts
        for what, secret in secrets.items()
        if secret in text
    ]


def tables(app: Flask) -> dict[str, list[str]]:
    """Every table's values as text, bytes as they are and in hex."""
    server_of(app).audit.flush()
    engine = app.extensions["oauth_gateway"].database.engine
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: [text_of(value) for row in connection.execute(select(table)) for value in row]
            for table in metadata.sorted_tables
        }


def text_of(value: Any) -> str:
    return f"{value!r} {bytes(value).hex()}" if isinstance(value, (bytes, memoryview)) else str(value)


def files_of(database_uri: str) -> list[str]:
    """What the files of an SQLite database hold, the write-ahead log too; nothing of a server's."""
    name = make_url(database_uri).database if database_uri.startswith("sqlite") else None
    if name is None:
        return []
    files = list(Path(name).parent.glob(f"{Path(name).name}*"))
    assert files
    return [path.read_bytes().decode("latin-1") for path in files]


def use_everything(app: Flask) -> tuple[list[str], list[str]]:
    """Goes through every flow, well and badly; returns the secrets that were in play, and the refusals' texts."""
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    made = register(app)
    brought = register(app, client_secret=BROUGHT)
    public = register_public(app)
    renewed = gateway.clients.rotate_secret(made.client_id, overlap=60)
    tokens = [token_for(client, each)["access_token"] for each in (made, renewed, brought)]
    tokens.append(gateway.tokens.issue(public.client_id, subject="alice")["access_token"])
    secrets = [made.client_secret, renewed.client_secret, brought.client_secret]
    headers = basic(renewed.client_id, renewed.client_secret)
    refusals = []
    for secret in secrets:
        form = {"client_id": brought.client_id, "client_secret": secret + "!"}
        refusals.append(client.post("/oauth/token", data=form | {"grant_type": "client_credentials"}))
        refusals.append(client.post("/oauth/token", data=form | {"grant_type": "x"}, headers=headers))
        refusals.append(client.post(f"/oauth/token?client_secret={secret}"))
    for token in tokens:
        client.get("/weather", headers=bearer(token))
        client.get("/oauth/tokeninfo", headers=bearer(token))
        client.post("/oauth/introspect", data={"token": token}, headers=headers)
        refusals.append(client.get("/weather", headers=bearer(token + "!")))
        refusals.append(client.get(f"/oauth/tokeninfo?access_token={token}"))
        refusals.append(client.post("/oauth/revoke", data={"token": token, "client_id": made.client_id}))
        gateway.tokens.set_attributes({"plan": "gold"}, token=token)
    client.post("/oauth/revoke", data={"token": tokens[0]}, headers=headers)
    gateway.tokens.revoke(token=tokens[1])
    refusals += [client.get("/weather", headers=bearer(token)) for token in tokens[:2]]
    runner = app.test_cli_runner()
    for command in ("client list", f"client show {made.client_id}", "token list --all", "audit list"):
        refusals.append(runner.invoke(args=["oauth", *command.split()]))
        refusals.append(runner.invoke(args=["oauth", *command.split(), "--json"]))
    refusals.append(runner.invoke(args=["oauth", "token", "inspect", tokens[2]]))
    server_of(app).audit.flush()
    return secrets + tokens, [str(getattr(each, "text", "") or each.output) for each in refusals]


@every_database
def test_secrets_and_tokens_are_nowhere_in_clear(
    make_app: Callable[..., Flask],
    database_uri: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    heard: list[str],
) -> None:
    every_logger(caplog)
    app = make_app()
    caplog.set_level(logging.DEBUG, logger=app.name)
    secrets, answers = use_everything(app)
    rows = [value for values in tables(app).values() for value in values]
    places = {
        "the signals": heard,
        "the logs": [f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records],
        "the tables": rows,
        "the database's file": files_of(database_uri),
        "the answers": answers,
        "standard output": list(capfd.readouterr()),
    }
    assert len(heard) > 20
    assert len(rows) > 100
    assert any(record.name.startswith("sqlalchemy.engine") for record in caplog.records)
    assert any(record.name.startswith("flask_oauth_gateway") for record in caplog.records)
    assert in_clear({f"number {number}": secret for number, secret in enumerate(secrets)}, places) == []
    assert any(secrets[0][-4:] in text for text in rows)  # the hint: what is looked for would be found


def walk(site: Site) -> dict[str, str]:
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
        site.browser.post(action, data=dict(page.fields))
    return secrets


@every_database
def test_no_secret_is_written_down_anywhere(
    make_site: Callable[..., Site], caplog: pytest.LogCaptureFixture, heard: list[str]
) -> None:
    every_logger(caplog, "authlib", "flask_oauth_gateway", "sqlalchemy", "werkzeug", "limits")
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=0)
    site.gateway.check_password(lambda name, password: site.people.get(name) if password == PASSWORD else None)
    secrets = walk(site)
    assert len(secrets) >= 18
    site.gateway.tokens.find()
    places = {
        # SQLAlchemy's own echo of parameters is the one that an owner turns on to see them; ours is what is looked at
        "log": [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")],
        "signals": heard,
        **tables(site.app),
    }
    assert {"oauth_audit", "oauth_code", "oauth_refresh_token", "oauth_device_code", "oauth_once"} <= set(places)
    assert len(heard) > 20
    assert in_clear(secrets, places) == []


def test_what_is_listed_and_printed_of_a_client_or_token_shows_no_secret(site: Site) -> None:
    secrets = walk_a_little(site)
    shown = [repr(client) + str(client.secrets) for client in site.gateway.clients.list()]
    shown += [repr(token) + repr(token.claims) for token in site.gateway.tokens.find(live=False).tokens]
    assert len(shown) == 3
    for text in shown:
        assert not [secret for secret in secrets if secret in text]


def walk_a_little(site: Site) -> list[str]:
    client = site.register()
    tokens = site.tokens(client)
    site.register_public()
    return [client.client_secret, tokens["access_token"], tokens["refresh_token"]]


def test_authlib_s_own_log_holds_no_token_even_from_a_grant_of_the_app_s_own(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    every_logger(caplog)
    app = make_app(OAUTH_GRANT_TYPES=["client_credentials", "tests.support.lottery:LotteryGrant"])
    answer = ask(app.test_client(), register(app), grant_type="urn:example:lottery", number="7").get_json()
    assert answer["access_token"] not in caplog.text


def walk_with_proofs(site: Site) -> dict[str, str]:
    """What proves who a client is and which key it has, pushed, signed and bound, well and badly; returns what was sent."""
    key, other, cert, signer = ProofKey(), ProofKey(), self_signed(), Signer()
    client = site.register(token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks(), grant_types=GRANT_TYPES)
    shows = site.register(token_endpoint_auth_method="self_signed_tls_client_auth", certificate=cert.pem)
    secrets: dict[str, str] = {"certificate": cert.base64, "certificate as it came": cert.escaped}

    def post(what: str, path: str, proof: str, **data: Any) -> Any:
        assertion = signer.sign(claims_of(client.client_id, ISSUER, sub=client.client_id))
        secrets.update({f"assertion to {what}": assertion, f"proof to {what}": proof})
        who = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion}
        return site.app.test_client().post(path, data=who | data, headers={"DPoP": proof})

    def pushed(what: str, **beside: str) -> str:
        now = int(time.time())
        said = {
            "iss": client.client_id,
            "aud": ISSUER,
            "exp": now + 300,
            "jti": what,
            **query(client, prompt="consent"),
        }
        secrets[f"request object {what}"] = signer.sign(said, typ="oauth-authz-req+jwt")
        proof = key.proof("POST", f"{ISSUER}/oauth/par")
        response = post(what, "/oauth/par", proof, request=secrets[f"request object {what}"], **beside)
        assert response.status_code == 201, response.text
        secrets[f"request_uri {what}"] = response.get_json()["request_uri"]
        again = post(f"{what} again", "/oauth/par", proof, request=secrets[f"request object {what}"])
        assert again.status_code == 400
        return secrets[f"request_uri {what}"]

    come(site, client, f"{URN}nobody-has-pushed-this")
    for what in ("one", "two"):
        uri = pushed(what)
        secrets[f"code {what}"] = code = answer(location(site.send(Page(come(site, client, uri)))))["code"]
        come(site, client, uri)
        come(site, shows, uri)
        data = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER,
        }  # fmt: skip
        assert post(f"{what} badly", "/oauth/token", other.proof(), **data).status_code == 400
        tokens = granted(post(f"{what} well", "/oauth/token", key.proof(), **data))
        secrets[f"token {what}"], secrets[f"refresh {what}"] = tokens["access_token"], tokens["refresh_token"]
        for holder in (key, other):
            sent = holder.with_token(tokens["access_token"], "GET", f"{ISSUER}/oauth/tokeninfo")
            secrets[f"proof of {holder.thumbprint} {what}"] = sent["DPoP"]
            for _ in range(2):
                site.app.test_client().get("/oauth/tokeninfo", headers=sent)
    for sent in (cert.escaped, self_signed().escaped, cert.escaped[:90]):
        form = {"client_id": shows.client_id, "grant_type": "client_credentials"}
        site.app.test_client().post("/oauth/token", data=form, headers={"X-SSL-Client-Cert": sent})
    return secrets


def test_no_proof_request_object_or_name_of_a_pushed_request_is_written_down_anywhere(
    make_site: Callable[..., Site], caplog: pytest.LogCaptureFixture, heard: list[str]
) -> None:
    every_logger(caplog, "authlib", "flask_oauth_gateway", "sqlalchemy", "werkzeug", "limits")
    site = make_site(
        OAUTH_PAR=True,
        OAUTH_JAR=True,
        OAUTH_DPOP=True,
        OAUTH_MTLS=True,
        OAUTH_MTLS_CERTIFICATE="nginx",
        OAUTH_CLIENT_AUTH_METHODS=["private_key_jwt", "self_signed_tls_client_auth"],
    )
    secrets = walk_with_proofs(site)
    places = {
        "log": [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")],
        "signals": heard,
        **tables(site.app),
    }
    assert "oauth_pushed_request" in places
    registered = {name: text for name, text in secrets.items() if not name.startswith("certificate")}
    assert len(registered) > 25
    assert in_clear(registered, places) == []
    assert in_clear(secrets, {"log": places["log"], "signals": heard, "audit": places["oauth_audit"]}) == []


@every_database
def test_no_personal_token_is_written_down_anywhere(
    make_site: Callable[..., Site], database_uri: str, heard: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Made, with a hook that fails; used, at once and wrongly; ended, and reported as leaked with a place that has it in it."""
    every_logger(caplog)
    site = make_site(**personal.ON, OAUTH_TOKEN_CACHE_SECONDS=5)
    said: list[str] = []

    def fail(made: Any) -> None:
        said.append(repr(made))
        raise RuntimeError("no mail today")

    site.gateway.token_created(fail)
    secrets = {name: personal.make(site, name=name) for name in ("kept", "ended", "leaked")}
    for token in secrets.values():
        site.me(token)
        site.app.test_client().get("/me", headers=bearer(f"{token} x"))
    personal.end(site, token_id=personal.id_of(secrets["ended"]))
    place = f"https://paste.example/{secrets['leaked']}?kept={secrets['kept']}"
    site.app.test_client().post("/oauth/tokens/leaked", json=[{"token": secrets["leaked"], "url": place}])
    site.me(secrets["leaked"])
    server_of(site.app).uses.close()  # type: ignore[union-attr]
    lists = [
        site.browser.get("/oauth/tokens").text,
        site.app.test_cli_runner().invoke(args=["oauth", "token", "list"]).output,
    ]
    halves = {name: token[9:52] for name, token in secrets.items()}  # the random part
    places = {"a log": [caplog.text], "a signal": heard, "the hook": said, "a page or list": lists, **tables(site.app)}
    assert not in_clear(halves, {**places, "a file": files_of(database_uri)})
