"""One action on several clients or tokens: what would end is shown first; what changed meanwhile is left alone, and said."""

import itertools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.pages.admin.bulk import ACTIONS
from flask_oauth_gateway.web import csrf
from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import server_of
from tests.support.bulk import Meanwhile, confirm, outcomes, preview
from tests.support.databases import every_database
from tests.support.other_process import OtherProcess
from tests.support.site import READ, Page

NAMES = ("one", "two", "three")


def text_of(page: TestResponse) -> str:
    return " ".join(Page(page).text.split())


@every_database
def test_what_would_end_is_shown_and_then_ends_as_single_actions_would_have_it(site: AdminSite) -> None:
    given = {}
    for name in NAMES:
        site.register(client_id=name, client_name=name.title(), grant_types=["client_credentials"], scope=READ)
        given[name] = [site.gateway.tokens.issue(name, subject=who)["access_token"] for who in ("alice", "bob", "bob")]
    site.gateway.tokens.revoke(client_id="three")
    shown = preview(site, "disable", "one", "three", "nobody")
    assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store")
    text = text_of(shown)
    assert "Nothing has happened yet" in text
    assert "One one 3 2 20" in text  # tokens, users, last used
    assert "Users are signed in to it. Three three 0 0" in text
    assert "nobody \u2013 \u2013 \u2013 It is deleted already. Disable 2" in text
    assert all(site.gateway.clients.get(name).enabled for name in NAMES)
    done = confirm(site, shown)
    assert "Done: 2 of 2." in text_of(done)
    assert [site.gateway.clients.get(name).enabled for name in NAMES] == [False, True, False]
    assert not site.is_live(given["one"][0])
    assert "It is disabled already. Two" in text_of(preview(site, "disable", "one", "two"))
    again = preview(site, "enable", "one", "three")
    assert "Its tokens work again." in text_of(again)
    confirm(site, again)
    assert site.is_live(given["one"][0])
    confirm(site, preview(site, "revoke", "one"))
    assert [site.is_live(given[name][0]) for name in ("one", "two")] == [False, True]
    changes = [(row.client_id, row.details["change"], row.actor) for row in site.trail("client_changed")]
    assert changes == [(name, "update", "root") for name in ("three", "one", "three", "one")]
    assert next((row.client_id, row.actor) for row in site.trail("token_revoked")) == ("one", "root")
    last = preview(site, "delete", *NAMES)
    assert "This can't be taken back." in text_of(last)
    assert "Done: 3 of 3." in text_of(confirm(site, last))
    assert site.gateway.clients.list() == []
    assert len([row for row in site.trail("client_changed") if row.details["change"] == "delete"]) == 3
    assert "Done: 0 of 3." in text_of(confirm(site, last))  # sent once more: the answer says so


def test_nothing_is_done_by_a_form_from_elsewhere_a_stale_one_or_one_that_names_nothing(site: AdminSite) -> None:
    for name in NAMES:
        site.register(client_id=name, client_name=name)
    carried = Page(preview(site, "delete", *NAMES)).hidden("preview")
    site.people["other"] = site.people["alice"]
    tried = [
        site.submit("clients/bulk", {"action": "delete", "client": [*NAMES], "form_token": "old"}),
        site.submit("clients/bulk", {"action": "delete"}),
        site.submit("clients/bulk", {"action": "everything", "client": "one"}),
        site.submit("clients/bulk", {"preview": carried[:-2]}),
        site.submit("tokens/bulk", {"preview": carried}),
        site.submit("clients/bulk", {"action": "delete", "client": [f"c{number}" for number in range(101)]}),
        site.app.test_client().post("/oauth/admin/clients/bulk", data={"preview": carried}),  # another session
    ]
    assert {each.status_code for each in tried} == {400}
    assert len(site.gateway.clients.list()) == 3
    assert "Select one or more first." in tried[1].text
    site.person = "alice"  # who is no administrator
    assert site.browser.post("/oauth/admin/clients/bulk", data={"preview": carried}).status_code == 403
    site.person = "root"
    assert "Done: 3 of 3." in text_of(site.browser.post("/oauth/admin/clients/bulk", data={"preview": carried}))


def test_a_preview_is_nothing_to_another_administrator_after_an_hour_or_under_another_key(
    site: AdminSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.gateway.is_admin(lambda user: user.id in ("root", "alice"))
    site.register(client_id="one")
    shown = preview(site, "delete", "one")
    site.person = "alice"  # in the same browser
    assert confirm(site, shown).status_code == 400
    site.person = "root"
    old = site.app.secret_key
    site.app.config |= {"SECRET_KEY": "the next one", "SECRET_KEY_FALLBACKS": [old]}
    assert confirm(site, shown).status_code == 400
    site.app.secret_key = old
    with monkeypatch.context() as patched:
        patched.setattr(csrf, "MAX_AGE", -1)
        assert confirm(site, shown).status_code == 400
    assert site.gateway.clients.get("one").enabled
    assert confirm(site, preview(site, "delete", "one")).status_code == 200


#: What somebody else does meanwhile, in another process, and whether the client is then no longer as it was shown.
MEANWHILE: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "nothing": (),
    "deleted": (("delete", {}),),
    "made anew": (("delete", {}), ("create", {})),
    "switched": (("switch", {"enabled": False}),),
    "there and back": (("switch", {"enabled": False}), ("switch", {"enabled": True})),
    "used": (("issue", {"subject": "alice"}),),
    "another's": (("issue_for_itself", {}),),
}


def expected(action: str, was_used: bool, meanwhile: str) -> bool:
    """The model: it is done to a client that is as it was shown; one that nobody used isn't ended once somebody does."""
    if meanwhile == "nothing":
        return True
    return meanwhile == "used" and (was_used or action == "enable")


def test_what_another_process_does_meanwhile_is_said_and_never_acted_on(
    make_app: Callable[..., Any], tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'oauth.db'}"
    config = {"OAUTH_DATABASE_URI": uri, "SECRET_KEY": "the same in both processes, and long"}
    site = AdminSite(make_app(OAUTH_ADMIN=True, OAUTH_GRANT_TYPES=["client_credentials"], **config))
    with OtherProcess(config, tmp_path / "other", Meanwhile) as other:
        for number, (action, was_used, (name, steps)) in enumerate(
            itertools.product(ACTIONS["clients"], (False, True), MEANWHILE.items())
        ):
            if action == "enable" and name in ("used", "switched", "there and back", "another's"):
                continue  # it is disabled then
            changed, same = f"changed{number}", f"same{number}"
            for client_id in (changed, same):
                other.ask("create", client_id=client_id)
                if was_used:
                    other.ask("issue", client_id=client_id, subject="bob")
                if action == "enable":
                    other.ask("switch", client_id=client_id, enabled=False)
            shown = preview(site, action, changed, same)
            for what, arguments in steps:
                other.ask(what, client_id=changed, **arguments)
            before = site.gateway.clients.get(changed)
            page = confirm(site, shown)
            case = (action, was_used, name)
            assert outcomes(page) == {changed: expected(action, was_used, name), same: True}, case
            after = site.gateway.clients.get(changed)
            if expected(action, was_used, name):
                assert (after is None) is (action == "delete"), case
            else:
                assert (before and before.version) == (after and after.version), case
                assert "meanwhile" in page.text or "now somebody does" in page.text, case
            if action == "delete":
                assert site.gateway.clients.get(same) is None


@every_database
def test_of_two_administrators_at_the_same_time_one_does_it(site: AdminSite) -> None:
    site.people["rita"] = site.people["root"]
    names = [f"c{number}" for number in range(6)]
    for action, change in (("disable", "update"), ("delete", "delete")):
        for name in names:
            if site.gateway.clients.get(name) is None:
                site.register(client_id=name, client_name=name)
        shown = [Page(preview(site, action, *names)).hidden("preview") for _ in range(2)]
        browsers = [site.app.test_client() for _ in shown]
        for browser in browsers:
            with browser.session_transaction() as session, site.browser.session_transaction() as mine:
                session.update(mine)
        before = len([row for row in site.trail("client_changed") if row.details["change"] == change])

        def send(sent: tuple[Any, str]) -> TestResponse:
            answer: TestResponse = sent[0].post("/oauth/admin/clients/bulk", data={"preview": sent[1]})
            return answer

        with ThreadPoolExecutor(2) as pool:
            answers = [outcomes(page) for page in pool.map(send, zip(browsers, shown, strict=True))]
        assert [sum(each[name] for each in answers) for name in names] == [1] * 6
        after = len([row for row in site.trail("client_changed") if row.details["change"] == change])
        assert after - before == 6
        for name in names if action == "disable" else ():
            site.gateway.clients.update(name, enabled=True)


@every_database
def test_a_version_is_checked_by_the_statement_that_deletes(site: AdminSite) -> None:
    client = site.register(client_id="c")
    store = server_of(site.app).clients
    assert store.remove(client, client.version + 1) is False
    left = site.gateway.clients.get("c")
    assert len(left.secrets) == 1  # nothing of it is gone
    assert store.remove(client, client.version) is True
    assert site.gateway.clients.get("c") is None


@every_database
def test_tokens_are_revoked_together(site: AdminSite) -> None:
    site.register(client_id="c")
    given = [site.gateway.tokens.issue("c", subject=who)["access_token"] for who in ("alice", "bob", "carol")]
    ids = [site.gateway.tokens.get(token=token).token_id for token in given]
    listed = site.browser.get("/oauth/admin/tokens?client_id=c&select=all").text
    assert len(re.findall(r'name="token_id" value="\w+" form="bulk"[^>]* checked', listed)) == 3
    shown = preview(site, "revoke", ids[0], ids[1], "f" * 32, kind="tokens")
    assert "there is no such token. Revoke 2" in text_of(shown)
    assert all(site.is_live(token) for token in given)
    site.gateway.tokens.revoke(token_id=ids[1])
    done = confirm(site, shown, "tokens")
    assert outcomes(done) == {ids[0]: True, ids[1]: False}
    assert "It had ended already." in done.text
    assert [site.is_live(token) for token in given] == [False, False, True]
    assert not [token for token in given if token in shown.text + done.text]


def test_a_client_s_name_does_no_harm_and_all_of_a_page_are_selected_by_a_link(site: AdminSite) -> None:
    for number in range(3):
        site.register(client_id=f"c{number}", client_name=HOSTILE)
    assert "<script>" not in preview(site, "delete", "c0", "c1").text
    text = site.browser.get("/oauth/admin/clients").text
    assert "<script>" not in text
    assert " checked" not in text
    link = re.search(r'href="([^"]+)">Select all on this page', text)
    assert link is not None
    assert site.browser.get(link[1].replace("&amp;", "&")).text.count('form="bulk"') == 3
    assert site.browser.get(link[1].replace("&amp;", "&")).text.count(" checked") == 3


def test_where_the_database_fails_for_one_the_others_are_done(site: AdminSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        site.register(client_id=name, client_name=name)
    shown = preview(site, "delete", *NAMES)
    registry = server_of(site.app).client_registry
    delete = type(registry).delete

    def sometimes(self: Any, client_id: str, **options: Any) -> None:
        if client_id == "two":
            raise TemporarilyUnavailable
        delete(self, client_id, **options)

    monkeypatch.setattr(type(registry), "delete", sometimes)
    assert outcomes(confirm(site, shown)) == {"one": True, "two": False, "three": True}
    assert [client.client_id for client in site.gateway.clients.list()] == ["two"]
