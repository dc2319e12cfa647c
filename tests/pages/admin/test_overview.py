"""An administrator's first look: what needs attention and where it is mended, and what happened in the last day."""

import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import update

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.pages.admin.overview import attention, page
from flask_oauth_gateway.stores.figures import trail
from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import server_of
from tests.support.databases import every_database
from tests.support.signing import Signer
from tests.support.site import Page

DAY, HOUR = 86400, 3600


def concerns(site: AdminSite) -> dict[str, str]:
    """What needs attention, and where each links."""
    found = re.search(r'<ul class="concerns">(.*?)</ul>', site.browser.get("/oauth/admin/").text, re.DOTALL)
    rows = re.findall(r"<bdi>([^<]*)</bdi></span> <a href=\"([^\"]+)\"", found[1] if found else "")
    return dict(rows)


def change(site: AdminSite, table: Any, condition: Any, **values: Any) -> None:
    with server_of(site.app).database.transaction() as connection:
        connection.execute(update(table).where(condition).values(**values))


@every_database
def test_the_charts_count_by_the_hour_say_it_as_a_table_and_lead_into_the_trail(site: AdminSite) -> None:
    audit, now = server_of(site.app).audit, int(time.time())
    for at, event, client_id in (
        (now, "token_issued", "c"),
        (now - 2 * HOUR, "token_refreshed", "c"),
        (now - 2 * HOUR, "token_rejected", None),
        (now - 3 * HOUR, "authorization_granted", "c"),
        (now - 30 * HOUR, "token_issued", "old"),
    ):
        audit.add({"at": at, "event": event, "outcome": "ok", "client_id": client_id})
    for _ in range(2):  # the second time, most hours are remembered
        text = site.browser.get("/oauth/admin/").text
        assert re.findall(r'<p class="total">(\d+)', text) == ["2", "1", "1"]
        assert text.count('role="img" aria-labelledby') == 3
        assert len(re.findall(r'<tr><th scope="row">', text)) == 24
    audit.add({"at": now, "event": "token_issued", "outcome": "ok", "client_id": "c"})
    text = site.browser.get("/oauth/admin/").text
    assert re.findall(r'<p class="total">(\d+)', text)[0] == "3"
    for link, number in re.findall(r'<td class="number"><a href="([^"]+)">(\d+)', text):
        entries = site.browser.get(link.replace("&amp;", "&")).text
        assert len(re.findall(r'<p class="sentence">', entries)) == int(number)
    heading = re.search(r'<h2><a href="([^"]+event=refusals[^"]+)"', text)
    assert heading is not None
    assert "An access token was refused" in site.browser.get(heading[1].replace("&amp;", "&")).text
    assert "old" not in re.findall(r'<ol class="active">(.*?)</ol>', text, re.DOTALL)[0]
    assert len(page._settled[server_of(site.app)]) <= 24


@every_database
def test_secrets_that_end_refused_clients_old_rows_and_waiting_applications_need_attention(site: AdminSite) -> None:
    assert concerns(site) == {}
    now = int(time.time())
    for name, ends in (("ended", now - DAY), ("soon", now + 9 * DAY), ("later", now + 90 * DAY), ("both", now + DAY)):
        site.register(client_id=name, client_name=f"The {name}", secret_expires_in=100 * DAY)
        key = site.gateway.clients.get(name).key
        change(site, tables.client_secret, tables.client_secret.c.client == key, expires_at=ends)
    site.gateway.clients.rotate_secret("both", overlap=DAY)
    site.gateway.applications.create("Partner <b>", application_id="waits", status="pending")
    wrong = site.register(client_id="wrong", client_name=HOSTILE).with_secret("wrong")
    for client in (wrong, wrong):
        site.post(client, "/oauth/token", grant_type="client_credentials")
    site.gateway.tokens.issue("wrong", subject="alice")
    change(site, tables.access_token, tables.access_token.c.subject == "alice", expires_at=now - 5 * DAY)
    found = concerns(site)
    texts = " ".join(found)
    assert "The ended can&#39;t authenticate: its last secret ended on" in texts
    assert "The last secret of The soon ends on" in texts
    assert "The later" not in texts
    assert "The both" not in texts  # it has another, without an end
    assert "its secret is wrong." in texts
    assert "<script>" not in texts
    assert "5 days ago are still stored" in texts
    assert (
        found["The application Partner &lt;b&gt; waits for approval."]
        == "/oauth/admin/application?application_id=waits"
    )
    for link in found.values():
        assert site.browser.get(link.replace("&amp;", "&")).status_code == 200
    site.gateway.tokens.purge()
    site.gateway.applications.approve("waits")
    site.gateway.clients.rotate_secret("soon")
    site.gateway.clients.delete("ended")
    assert [text for text in concerns(site) if "secret is wrong" not in text] == []


def test_a_reason_turns_nothing_around_and_is_no_longer_than_the_page(site: AdminSite) -> None:
    site.register(client_id="c", client_name="Board")
    reason = {"reason": "\u202e<b>" + "x" * 9000}
    entry = {"event": "client_rejected", "outcome": "\u202eodd", "client_id": "c", "details": reason}
    server_of(site.app).audit.add({"at": int(time.time()), **entry})
    (text,) = concerns(site)
    assert text.startswith("1 refusal of Board: &lt;b&gt;x")
    assert len(text) < 400
    assert "\u202e" not in site.browser.get("/oauth/admin/").text + site.browser.get("/oauth/admin/audit").text


@every_database
def test_secrets_of_clients_that_prove_who_they_are_otherwise_hide_none_that_ends(site: AdminSite) -> None:
    for number in range(6):
        site.register(client_id=f"key{number}", client_name=f"Key {number}", secret_expires_in=9 * DAY)
        site.gateway.clients.update(f"key{number}", token_endpoint_auth_method="none", grant_types=["refresh_token"])
    for name in ("soon", "sooner"):
        site.register(client_id=name, client_name=f"The {name}", secret_expires_in=8 * DAY)
    site.gateway.clients.rotate_secret("sooner", overlap=DAY, expires_in=2 * DAY)
    assert [text.split(" ends on")[0] for text in concerns(site)] == [
        "The last secret of The soon",
        "The last secret of The sooner",
    ]


def test_certificates_keys_and_what_the_doctor_finds(make_site: Callable[..., AdminSite]) -> None:
    signer = Signer()
    issuers = {
        f"https://{name}.example": {"key": signer.certificate(**of)}
        for name, of in (("good", {"until": 90}), ("ends", {"until": 20}), ("over", {"since": -9, "until": -2}))
    }
    site = make_site(OAUTH_GRANT_TYPES=["jwt_bearer", "client_credentials"], OAUTH_JWT_ISSUERS=issuers)
    server = server_of(site.app)
    server.key_ring.rotate(publish_ahead=0)
    old = int(time.time()) - 400 * DAY
    change(site, tables.key, tables.key.c.generation > 0, created_at=old, active_from=old)
    texts = " ".join(concerns(site))
    assert "Every certificate of the issuer https://over.example has ended." in texts
    assert "A certificate of the issuer https://ends.example ends on" in texts
    assert "https://good.example" not in texts
    assert "older than OAUTH_KEY_ROTATION_DAYS" in texts
    site.register(client_id="weak", grant_types=["password"])
    attention._examined.clear()
    shown = Page(site.browser.get("/oauth/admin/")).text
    assert "client 'weak' : it may use password (RFC 9700 section 2.4)." in shown
    site.gateway.clients.delete("weak")
    again = Page(site.browser.get("/oauth/admin/")).text
    assert "it may use password" in again  # it is looked at once a minute
    attention._examined.clear()
    assert "it may use password" not in Page(site.browser.get("/oauth/admin/")).text


def test_many_refusals_are_not_all_read(site: AdminSite, monkeypatch: Any) -> None:
    monkeypatch.setattr(trail, "MOST_REFUSALS", 3)
    monkeypatch.setattr(attention, "MOST_REFUSALS", 3)
    audit, now = server_of(site.app).audit, int(time.time())
    for number in range(5):
        details = {"reason": "no such client", **({"repeated": 10} if number == 4 else {})}
        audit.add(
            {"at": now, "event": "client_rejected", "outcome": "x", "client_id": f"c{number}", "details": details}
        )
    texts = " ".join(concerns(site))
    assert "There were many refusals in the last day; these are the newest." in texts
    assert "13 refusals of clients that are not registered here." in texts
