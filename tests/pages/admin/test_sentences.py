"""What the audit trail says: each event in a sentence, in the words of people; the raw data stand behind it."""

import ast
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_oauth_gateway
from flask_oauth_gateway.observing.audit import EVENTS
from flask_oauth_gateway.pages.admin.sentences import SENTENCES, reason_in_words, sentence
from flask_oauth_gateway.stores.audit.chain import COLUMNS
from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import server_of
from tests.support.site import READ, Page

PACKAGE = Path(flask_oauth_gateway.__file__).parent


def written() -> set[str]:
    """Every name of an event that the code writes: what `Audit` names, and the chain's own."""
    source = ast.parse((PACKAGE / "observing/audit.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
    writers = {"_write", "_issued", "_refused", "_delivery"}
    named = [call.args[0] for call in calls if getattr(call.func, "attr", "") in writers and call.args]
    own = set()
    for path in PACKAGE.rglob("*.py"):  # an entry that is put together elsewhere
        own |= set(re.findall(r'^(?:BROKEN|TRIMMED) = "(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE))
    return own | {node.value for node in named if isinstance(node, ast.Constant)}  # type: ignore[misc]


def said(site: AdminSite, **entry: Any) -> str:
    row: Any = SimpleNamespace(**{**dict.fromkeys(COLUMNS), "id": 1, "at": 60, "outcome": "ok", "details": {}, **entry})
    with site.app.test_request_context():
        markup = sentence(row, server_of(site.app).settings, {"c": "Notice board"})
    return " ".join(unescape(re.sub("<[^>]+>", "", markup)).split())


def test_every_event_has_a_sentence() -> None:
    assert written() == set(EVENTS) == set(SENTENCES)


def test_an_entry_that_lacks_everything_is_a_sentence_too(site: AdminSite) -> None:
    whos: Any = ({}, {"client_id": "c"}, {"subject": "alice"}, {"client_id": "c", "subject": "alice", "actor": "root"})
    odd: Any = (None, {}, [], "text", 7, {"fields": 3, "scope": 5, "change": ["x"], "reason": None})
    for event in EVENTS:
        for who in whos:
            texts = {said(site, event=event, details=details, **who) for details in odd}
            assert not [text for text in texts if "%" in text or "None" in text or not text.endswith((".", "ok"))]


def test_what_happens_reads_as_people_say_it(site: AdminSite) -> None:
    everything = {
        ("authorization_granted", "alice"): {"scope": f"{READ} odd", "asked": True},
        ("authorization_denied", "alice"): {"reason": "denied"},
        ("token_revoked", None): {"token_id": "ab", "count": 1},
        ("token_revoked", "alice"): {"token_id": "ab", "count": 1, "reason": "leaked"},
        ("token_issued", "alice"): {"grant_type": "personal", "scope": READ},
    }
    found = [said(site, event=event, client_id="c", subject=who, details=d) for (event, who), d in everything.items()]
    assert found == [
        f"alice allowed Notice board: {server_of(site.app).settings.scopes[READ]}, odd.",
        "alice did not allow Notice board anything.",
        "A token of Notice board was revoked.",
        "A token of Notice board for alice had leaked, and was ended.",
        "alice made a token for themselves.",
    ]
    refused = {"event": "client_rejected", "client_id": "c", "outcome": "invalid_client"}
    assert said(site, **refused, details={"reason": "wrong secret"}) == "Notice board was refused: its secret is wrong."
    changed = {"event": "client_changed", "client_id": "c", "actor": "root"}
    for change, words in (
        ({"change": "delete", "fields": []}, "root deleted Notice board."),
        ({"change": "rotate_secret", "fields": ["client_secret"]}, "root gave Notice board a new secret."),
        ({"change": "update", "fields": ["enabled"]}, "root enabled or disabled Notice board."),
        ({"change": "update", "fields": ["enabled"], "enabled": True}, "root enabled Notice board."),
        ({"change": "update", "fields": ["enabled"], "enabled": False}, "root disabled Notice board."),
        ({"change": "update", "fields": ["scope"]}, "root changed Notice board."),
    ):
        assert said(site, **changed, details=change) == words


def test_a_reason_that_nobody_has_put_into_words_is_shown_as_it_is(site: AdminSite) -> None:
    with site.app.test_request_context():
        assert reason_in_words("client assertion: it is signed by another key") == "its signed assertion is not right."
        assert reason_in_words("tls_client_auth is not offered") == "clients can't authenticate that way here."
        assert reason_in_words("something new") == "something new"


def test_the_page_names_clients_links_them_and_hides_the_rest(site: AdminSite) -> None:
    client = site.register(client_id="board", client_name=HOSTILE)
    site.post(client.with_secret("wrong"), "/oauth/token", grant_type="client_credentials")
    site.post(client.with_secret("wrong"), "/oauth/token", grant_type="client_credentials")
    response = site.browser.get("/oauth/admin/audit?event=refusals")
    assert "<script>" not in response.text
    assert 'href="/oauth/admin/client?client_id=board"' in response.text
    text = Page(response).text
    assert text.count("was refused: its secret is wrong.") == 1  # the same once a minute
    assert "{{7*7}}" in text
    site.gateway.clients.delete("board")
    gone = site.browser.get("/oauth/admin/audit?event=refusals").text
    assert "board</bdi> was refused" in gone
    assert 'href="/oauth/admin/client?client_id=board"' not in gone


def test_one_name_filters_several_events_also_of_an_export(site: AdminSite) -> None:
    client = site.register(grant_types=["client_credentials"])
    site.token(client, "client_credentials")
    for group, count in (("tokens", 1), ("refusals", 0), ("approvals", 0)):
        export = site.browser.get(f"/oauth/admin/audit/export?format=jsonl&event={group}")
        assert len(export.text.splitlines()) == count
