"""`flask oauth explain` of pushed requests: what is wrong is said, and nothing is used up."""

from urllib.parse import urlencode

import pytest

from tests.support.app import basic
from tests.support.pushing import come, push
from tests.support.site import MakeSite, Page, Site, answer, location, query


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(OAUTH_PAR=True, OAUTH_LOGIN_URL="/login")


def explained(site: Site, *line: str) -> tuple[int, str]:
    result = site.app.test_cli_runner().invoke(args=["oauth", "explain", *line])
    return result.exit_code, result.output


def test_a_request_at_the_endpoint(site: Site) -> None:
    client = site.register()
    header = basic(client.client_id, client.client_secret)["Authorization"]
    for parameters, wanted in (({}, (0, "")), ({"scope": "nope"}, (1, "invalid_scope"))):
        form = urlencode(query(client, **parameters))
        code, said = explained(site, "curl", "-H", f"Authorization: {header}", "-d", form, "http://localhost/oauth/par")
        assert code == wanted[0], said
        assert wanted[1] in said
        assert str(client.client_secret) not in said


def test_a_browser_s_visit(site: Site) -> None:
    client = site.register()
    request_uri = push(site, client)
    url = "http://localhost/oauth/authorize?" + urlencode({"client_id": client.client_id, "request_uri": request_uri})
    for _ in range(2):
        code, said = explained(site, url)
        assert code == 0, said
    assert answer(location(site.send(Page(come(site, client, request_uri)))))["code"]
    code, said = explained(site, url)
    assert code == 1
    assert "the request_uri was used" in said
