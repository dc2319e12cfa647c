"""What operators see of documents: `flask oauth client inspect`, `flask oauth explain`, the purge."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, func, select, text

from flask_oauth_gateway.database.tables import client_document
from tests.support.app import server_of
from tests.support.client_documents import DocumentServer, named
from tests.support.clock import Clock
from tests.support.site import READ, MakeSite, Page, Site, error_page, query


def run(app: Flask, *arguments: str) -> Result:
    result: Result = app.test_cli_runner().invoke(args=["oauth", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_inspect_shows_what_would_be_made_of_a_document(site: Site, documents: DocumentServer) -> None:
    client = documents.publish(scope=f"{READ} unheard-of", plan="gold")
    found: dict[str, Any] = json.loads(run(site.app, "client", "inspect", client.client_id, "--json").stdout)
    assert found["client_id"] == client.client_id
    assert (found["host"], found["scope"], found["fresh_for"], found["notes"]) == ("127.0.0.1", READ, 3600, [])
    assert "plan" not in found
    assert "Notes" in run(site.app, "client", "inspect", client.client_id).stdout
    assert site.gateway.clients.get(client.client_id) is None


@pytest.mark.parametrize(
    ("path", "metadata", "why"),
    [
        (
            "/a",
            {"client_id": "https://other.example/a"},
            "Its client_id is 'https://other.example/a', and not its URL.",
        ),
        ("/a/../b", {}, "the URL has a path with . or .. in it"),
        ("/a", {"client_secret": "x"}, "It has a client_secret"),
    ],
)
def test_inspect_says_why_none_would_be_made(
    site: Site, documents: DocumentServer, path: str, metadata: dict[str, Any], why: str
) -> None:
    documents.publish(path, **metadata)
    result = run(site.app, "client", "inspect", documents.url(path))
    assert result.exit_code == 1
    assert f"No client would be made of {documents.url(path)}: {why}" in result.stderr


def test_inspect_says_what_stands_in_the_way(make_site: MakeSite, documents: DocumentServer) -> None:
    site = make_site()
    client = documents.publish()
    site.register_public(client_id=client.client_id)
    out = run(site.app, "client", "inspect", client.client_id).stdout
    assert "OAUTH_CLIENT_ID_METADATA is off" in out
    assert "registered by hand" in out


def test_explain_tells_what_is_wrong_with_a_document(site: Site, documents: DocumentServer) -> None:
    client = documents.publish(redirect_uris=[])
    sent = "&".join(f"{name}={value}" for name, value in query(client).items())
    result = run(site.app, "explain", "--json", f"/oauth/authorize?{sent}")
    told = json.loads(result.stdout)["explanation"]
    assert told["check"] == "client metadata document"
    assert told["got"] == "its document can't be had: It has no redirect_uris."
    assert troubles(site) == 0


def test_what_could_not_be_read_is_forgotten(site: Site, documents: DocumentServer, clock: Clock) -> None:
    documents.server.status = 404
    for number in range(5):
        error_page(site.ask(named(documents.url(f"/{number}"))), "invalid_client")
    assert troubles(site) == 5
    clock.advance(3700)
    error_page(site.ask(named(documents.url("/new"))), "invalid_client")  # which looks for older ones
    assert troubles(site) == 1
    clock.advance(3700)
    run(site.app, "token", "purge")
    assert troubles(site) == 0


def troubles(site: Site) -> int:
    row = server_of(site.app).database.first(select(func.count()).select_from(client_document))
    assert row is not None
    return int(row[0])


def test_explain_reads_a_document_while_no_transaction_is_open(
    site: Site, documents: DocumentServer, database_uri: str
) -> None:
    site.register_public()  # the tables are there
    client, bad = documents.publish(), documents.publish("/bad", redirect_uris=[])
    said, written = dict(documents.server.places), []

    def says(path: str) -> Any:
        with create_engine(database_uri).begin() as connection:  # another process of the app
            written.append(connection.execute(text("UPDATE oauth_client SET owner = 'bob'")).rowcount)
        return said[path]

    documents.server.forms.append({})
    for path in said:
        documents.server.places[path] = lambda _, path=path: says(path)
    for each, status in ((client, 0), (bad, 1)):
        found = run(site.app, "explain", f"http://localhost/oauth/authorize?{urlencode(query(each))}")
        assert found.exit_code == status, found.output
        assert site.gateway.clients.get(each.client_id) is None
    assert written == [1, 1]
    assert "Notes" in Page(site.ask(client)).text  # it is read for itself, as before
