"""A client that says at a URL who it is pushes its request."""

from tests.support.client_documents import ON, DocumentServer
from tests.support.pushing import come, push, pushing
from tests.support.site import READ, MakeSite, Page, answer, granted, location


def test_it_is_read_when_it_pushes_and_its_document_counts_when_the_browser_comes(
    make_site: MakeSite, documents: DocumentServer
) -> None:
    site = make_site(**ON, OAUTH_PAR="required")
    client = documents.publish(token_endpoint_auth_method="none", client_secret=None)
    assert pushing(site, client, redirect_uri="https://evil.example/cb").status_code == 400
    request_uri = push(site, client, scope=READ)
    assert documents.fetched() == 1
    page = Page(come(site, client, request_uri))
    assert documents.fetched() == 1, "it is fresh"
    found = answer(location(site.send(page)))
    assert granted(site.redeem(client, found["code"]))["scope"] == READ


def test_a_url_without_a_document_pushes_nothing(make_site: MakeSite, documents: DocumentServer) -> None:
    site = make_site(**ON, OAUTH_PAR=True)
    client = documents.publish()
    documents.server.places.clear()
    response = pushing(site, client)
    assert response.status_code == 401
    assert response.get_json()["error"] == "invalid_client"
