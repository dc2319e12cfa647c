"""Whatever stands in a document, nobody sees more than a page: never an error of ours."""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_oauth_gateway.stores.registered_client import REGISTERED
from tests.support.client_documents import ON, DocumentServer, named
from tests.support.site import MakeSite

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["none", "code", "https://x/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [*REGISTERED, "client_secret", "client_id", "client_name#ja", "software_statement", "\0", "jwks"]
)


def test_whatever_stands_in_a_document(make_site: MakeSite, documents: DocumentServer) -> None:
    site, numbers = make_site(OAUTH_RATE_LIMITS=None, OAUTH_OIDC=True, **ON), count()

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(MEMBERS, JUNK, min_size=1, max_size=4))
    def check(said: dict[str, Any]) -> None:
        path = f"/{next(numbers)}"
        documents.publish(path)
        documents.server.places[path] |= said
        assert site.ask(named(documents.url(path))).status_code in (200, 302, 400)

    check()

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=200) | JUNK)
    def check_body(body: Any) -> None:
        path = f"/{next(numbers)}"
        documents.server.places[path] = body
        assert site.ask(named(documents.url(path))).status_code == 400

    check_body()
