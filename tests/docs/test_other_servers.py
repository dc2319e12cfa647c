"""docs/other-servers.md: each entry, as it is written there, takes the tokens that its server writes, and nothing else."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import bearer
from tests.support.other_servers import CASES, EKS, READER, Case
from tests.support.signing import Signer

PAGE = Path(__file__).parents[2] / "docs" / "other-servers.md"
SIGNER = Signer("RS256", kid="server-key-1")
IDS = [f"{case.title} {case.entry}" for case in CASES]


def entries_on_the_page() -> dict[str, list[str]]:
    """The entries of each section, as they are written."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        section.partition("\n")[0]: re.findall(r"^```text\n(\"http.*?)^```", section, re.MULTILINE | re.DOTALL)
        for section in text.split("## What becomes of it")[0].split("### ")[1:]
    }


def entry_of(case: Case) -> dict[str, Any]:
    """The case's entry as Python reads it, with the reader's own names in it."""
    written = entries_on_the_page()[case.title][case.entry]
    for word, name in sorted(READER.items(), key=lambda pair: -len(pair[0])):
        written = re.sub(rf"(?<![A-Z-]){word}(?![A-Z-])", name, written)
    assert not re.search(r"[A-Z]{4,}(?=[\"./-])", written.replace(EKS, "")), (
        f"a word that no reader replaces: {written}"
    )
    found: dict[str, Any] = eval(f"{{{written}}}", {"json": json, "Path": Path})  # noqa: S307  our own page
    return found


def client_of(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FlaskClient:
    """An app with this entry alone, whose server has `SIGNER`'s key where it has its keys."""
    tmp_path.joinpath("cluster-keys.json").write_text(json.dumps(SIGNER.jwks()))
    monkeypatch.chdir(tmp_path)

    def fetch(url: str, **_: Any) -> tuple[bytes, None]:
        assert url == case.keys
        return json.dumps(SIGNER.jwks()).encode(), None

    monkeypatch.setattr("flask_oauth_gateway.crypto.key_sets.fetch", fetch)
    app = Flask("api")
    app.config["OAUTH_TRUSTED_TOKEN_ISSUERS"] = entry_of(case)
    OAuthGateway(app, resource_server=True)

    @app.get("/who")
    @require_token
    def who() -> list[Any]:
        return [current_token.client_id, current_token.subject, sorted(current_token.scopes)]

    if case.scope is not None:
        app.add_url_rule("/closed", "closed", require_token(case.scope)(lambda: "in"))
    return app.test_client()


def token(case: Case, claims: dict[str, Any]) -> dict[str, str]:
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 600}
    return bearer(
        SIGNER.sign({name: value for name, value in {**times, **claims}.items() if value is not None}, **case.header)
    )


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_entry_takes_its_server_s_tokens_and_says_whose_they_are(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = client_of(case, monkeypatch, tmp_path)
    for claims, found in case.taken:
        answer = client.get("/who", headers=token(case, claims))
        assert answer.json == list(found), answer.text
        if case.scope is not None:
            closed = client.get("/closed", headers=token(case, claims))
            assert closed.status_code == (200 if case.scope in found[2] else 403)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_entry_refuses_what_else_the_server_signs(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = client_of(case, monkeypatch, tmp_path)
    for claims in case.refused:
        assert client.get("/who", headers=token(case, claims)).status_code == 401, claims


def test_every_entry_on_the_page_is_tested() -> None:
    written = {(title, number) for title, entries in entries_on_the_page().items() for number in range(len(entries))}
    assert written - {(case.title, case.entry) for case in CASES} == {("Another app with this gateway", 0)}, (
        "that one is in flows/test_two_apps.py"
    )
