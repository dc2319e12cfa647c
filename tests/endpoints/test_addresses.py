"""Where the endpoints stand: what an address or a method that isn't one of theirs hears."""

import pytest
from flask.testing import FlaskClient

from tests.support.app import refusal


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"])
@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml"])
def test_another_method_is_405_with_those_that_are_taken(client: FlaskClient, method: str, accept: str) -> None:
    response = client.open("/oauth/introspect", method=method, headers={"Accept": accept})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    if "text/html" in accept:
        assert response.mimetype == "text/html"
    elif method != "HEAD":
        assert refusal(response, 405, "method_not_allowed") == "This address takes POST."


@pytest.mark.parametrize(
    "path", ["/oauth", "/oauth/", "/oauth/tokens", "/oauth/token/", "/oauth/a/b/c", "/oauth/%00%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "LINK"])
def test_an_address_where_nothing_is_answers_in_json_save_to_a_browser(
    client: FlaskClient, method: str, path: str
) -> None:
    refusal(client.open(path, method=method), 404, "not_found")
    page = client.open(path, method=method, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_addresses_beside_the_prefix_are_left_to_the_app(client: FlaskClient) -> None:
    for path in ("/nowhere", "/oauthx/token"):
        response = client.get(path)
        assert (response.status_code, response.mimetype) == (404, "text/html")
