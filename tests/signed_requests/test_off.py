"""Where signed requests are off, nothing of them is loaded by any request."""

import json

from tests.support.processes import finished, fresh_python

SCRIPT = """
import json, sys, tempfile
from tests.support.app import build_app, close_app, register

app = build_app(instance_path=tempfile.mkdtemp(), OAUTH_GRANT_TYPES=["authorization_code"], OAUTH_PAR=True, OAUTH_JAR=%s)
client = register(app, grant_types=["authorization_code"], redirect_uris=["https://app.example/cb"])
browser = app.test_client()
asked = f"/oauth/authorize?client_id={client.client_id}&request=a.b.c"
for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server", asked):
    browser.get(path)
close_app(app)
print(json.dumps([name.rpartition(".")[2] for name in sys.modules if "gateway.authorization." in name]))
"""
OURS = {"signed_requests", "request_object", "request_uris", "encryption_keys", "one_time"}


def loaded(*, jar: bool) -> set[str]:
    return set(json.loads(finished(fresh_python("-c", SCRIPT % jar))))


def test_nothing_of_it_is_loaded() -> None:
    found = loaded(jar=False)
    assert {"parameters", "pushed"} <= found
    assert found.isdisjoint(OURS)
    assert loaded(jar=True) & OURS == {"signed_requests", "request_object", "one_time"}
