"""Grants, tokens, keys, issuers, the audit trail and the overview, as an administrator sees them."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable

from tests.support.admin import AdminSite
from tests.support.app import server_of
from tests.support.databases import every_database
from tests.support.idp import NAME, certificate_of, metadata_of, rsa_key
from tests.support.signing import dsa_key


@every_database
def test_a_token_a_grant_and_all_of_a_user_are_revoked(site: AdminSite) -> None:
    site.person = "alice"
    client = site.register()
    given = [site.tokens(client)["access_token"] for _ in range(3)]
    site.person = "root"
    page = site.open("tokens", subject="alice")
    ids = [value for name, value in page.fields if name == "token_id"]
    assert len(ids) == 3
    one = site.gateway.tokens.get(token=given[0]).token_id
    assert site.submit("tokens", {"token_id": one}, subject="alice").headers["Location"].endswith("done=revoked")
    assert [site.is_live(token) for token in given] == [False, True, True]
    approvals = [value for name, value in site.open("grants", client_id=client.client_id).fields if name == "approval"]
    assert len(approvals) == 3
    for field, approval in (
        ("approval", approvals[0]),
        ("grant", approvals[1]),  # as pages called it before
        ("approval", "00" * 16),
        ("approval", "junk"),
    ):
        assert site.submit("grants", {field: approval}).status_code == 303
    assert sum(site.is_live(token) for token in given) <= 1
    assert site.submit("revoke", {}).status_code == 400  # nothing is named: not everything
    assert site.submit("revoke", {}, client_id="no such client").status_code == 404  # no success either
    assert site.submit("revoke", {}, subject="alice").status_code == 303
    assert not any(site.is_live(token) for token in given)
    assert "Nothing was found" in site.open("grants", subject="alice").text
    entries = site.trail("token_revoked")
    assert {row.actor for row in entries} == {"root"}
    assert {row.details["by"] for row in entries} == {"an administrator"}
    with site.app.test_client() as other:  # no page names a whole token
        assert not any(token in other.get("/oauth/admin/audit").text for token in given)


def test_a_key_is_made_and_retired(site: AdminSite) -> None:
    assert "There is none yet" in site.open("keys").text
    for _ in range(2):
        assert site.submit("keys", {"action": "rotate"}).status_code == 303
    text = site.browser.get("/oauth/admin/keys").text
    (kid, *_) = re.findall(r'name="kid" value="(\w+)"', text)
    assert '"d"' not in text
    site.submit("keys", {"action": "retire", "kid": kid})
    assert re.findall(r'name="kid" value="(\w+)"', site.browser.get("/oauth/admin/keys").text) != [kid]
    assert {(row.details["change"], row.actor) for row in site.trail("key_changed")} == {
        ("rotate", "root"),
        ("retire", "root"),
    }


def test_the_issuers_of_the_configuration(make_site: Callable[..., AdminSite]) -> None:
    assert "Nobody is trusted" in make_site().open("issuers").text
    entry = {"jwks_uri": "https://idp.example/keys", "client_id": "partner"}
    site = make_site(OAUTH_GRANT_TYPES=["jwt_bearer"], OAUTH_JWT_ISSUERS={"https://idp.example": entry})
    text = site.open("issuers").text  # and nothing was fetched: there is no such server
    assert "https://idp.example" in text
    assert "partner" in text


def test_what_is_wrong_with_an_issuer_s_metadata(make_site: Callable[..., AdminSite]) -> None:
    given = metadata_of(
        [certificate_of(dsa_key())], [certificate_of(rsa_key())], about='validUntil="2014-04-17T18:02:33Z"'
    )
    site = make_site(OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS={NAME: {"metadata": given}})
    text = site.open("issuers").text
    assert "its metadata was to be had anew by 2014-04-17 (validUntil)" in text
    assert "skipped the certificate of" in text


@every_database
def test_the_audit_trail_is_filtered_and_taken_away_as_a_file(site: AdminSite) -> None:
    client = site.register(client_id="c", grant_types=["client_credentials"])
    site.gateway.tokens.issue("c", subject='=HYPERLINK("http://evil")')
    site.token(client, "client_credentials")
    audit = server_of(site.app).audit
    audit.add(
        {
            "at": 60,
            "event": "token_issued",
            "outcome": "ok",
            "client_id": "+cmd|x",
            "subject": " @a",
            "details": {"a": "\n"},
        }
    )
    assert "token_issued" in site.open("audit", client_id="c").text
    assert "=HYPERLINK" not in site.open("audit", event="client_created").text.replace("Export", "")
    for query, count in (
        ({"until": "1970-01-01T00:02"}, 1),
        ({"since": "1970-01-01T00:02", "event": "token_issued"}, 2),
    ):
        response = site.browser.get("/oauth/admin/audit/export", query_string={"format": "jsonl", **query})
        assert len(response.text.splitlines()) == count
        json.loads(response.text.splitlines()[0])
    response = site.browser.get("/oauth/admin/audit/export?format=csv&event=token_issued")
    assert response.is_streamed
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    head, *rows = csv.reader(io.StringIO(response.text))
    assert len(rows) == 3
    assert not [cell for row in rows for cell in row if cell.strip().startswith(("=", "+", "-", "@"))]
    assert "'+cmd|x" in [dict(zip(head, row, strict=True))["client_id"] for row in rows]
    assert {row.actor for row in site.trail("audit_exported")} == {"root"}


def test_no_page_and_no_export_shows_a_token_a_secret_or_its_hash(site: AdminSite) -> None:
    site.person = "alice"
    client = site.register()
    given = site.tokens(client)
    site.post(client, "/oauth/token", grant_type="password")  # a refusal, for the audit trail
    site.person = "root"
    secrets = [client.client_secret, given["access_token"], given["refresh_token"]]
    hidden = [*secrets, *(hashlib.sha256(secret.encode()).hexdigest() for secret in secrets)]
    paths = ["", "clients", f"client?client_id={client.client_id}", "grants", "tokens", "keys", "issuers", "audit"]
    exports = ["audit/export?format=csv", "audit/export?format=jsonl"]
    for path in paths + exports:
        response = site.browser.get(f"/oauth/admin/{path}")
        assert response.status_code == 200, path
        assert path not in ("clients", "tokens") or client.client_id in response.text
        assert not [secret for secret in hidden if secret in response.text], path


def test_a_key_to_which_clients_encrypt_is_retired(make_site: Callable[..., AdminSite]) -> None:
    site = make_site(OAUTH_JAR=True, OAUTH_REQUEST_ENCRYPTION=True)
    published = [key["kid"] for key in site.browser.get("/oauth/jwks").get_json()["keys"] if key["use"] == "enc"]
    text = site.open("keys").text
    assert all(kid in text for kid in published)
    assert site.submit("keys", {"action": "retire", "kid": published[0]}).status_code == 303
    left = [key["kid"] for key in site.browser.get("/oauth/jwks").get_json()["keys"] if key["use"] == "enc"]
    assert published[0] not in left
    assert {*published[1:]} < {*left}  # and the next one is made


def test_who_disabled_a_client_is_said_on_the_page_and_on_the_command_line(site: AdminSite) -> None:
    site.register(client_id="c", client_name="Notice board")
    for enabled in ("no", "yes"):
        assert site.submit("client/switch", {"enabled": enabled}, client_id="c").status_code == 303
    page = re.sub("<[^>]+>", "", site.open("audit", event="client_changed").text)
    assert "root disabled Notice board" in page
    assert "root enabled Notice board" in page
    told = site.app.test_cli_runner().invoke(args=["oauth", "audit", "list", "--event", "client_changed"])
    assert [line.count("root (127.0.0.1)") for line in told.output.splitlines()] == [0, 1, 1]
    assert '"enabled": false}' in told.output
