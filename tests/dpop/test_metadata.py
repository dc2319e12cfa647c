"""What the metadata say of DPoP (RFC 9449 section 5.1, RFC 9728 section 2), and what scripts on other origins may read."""

from typing import Any

import pytest

from tests.support.app import MakeApp

ALGORITHMS = "dpop_signing_alg_values_supported"
SERVER, RESOURCE = "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"


def published(make_app: MakeApp, path: str, **config: Any) -> dict[str, Any]:
    found: dict[str, Any] = make_app(**config).test_client().get(path).get_json()
    return found


@pytest.mark.parametrize("path", [SERVER, RESOURCE])
def test_the_metadata_name_the_algorithms_where_dpop_is_on(make_app: MakeApp, path: str) -> None:
    assert not [name for name in published(make_app, path) if "dpop" in name]
    assert published(make_app, path, OAUTH_DPOP=True, OAUTH_DPOP_ALGORITHMS=["ES256"])[ALGORITHMS] == ["ES256"]


@pytest.mark.parametrize(("value", "is_required"), [(True, False), ("required", True)])
def test_a_resource_says_whether_it_takes_bound_tokens_alone(make_app: MakeApp, value: Any, is_required: bool) -> None:
    assert published(make_app, RESOURCE, OAUTH_DPOP=value)["dpop_bound_access_tokens_required"] is is_required


def test_a_script_may_send_a_proof_and_read_the_nonce(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True, OAUTH_CORS_ORIGINS=["https://app.example"])
    client, origin = app.test_client(), {"Origin": "https://app.example"}
    assert "DPoP" in client.options("/oauth/token", headers=origin).headers["Access-Control-Allow-Headers"].split(", ")
    exposed = client.post("/oauth/token", headers=origin).headers["Access-Control-Expose-Headers"].split(", ")
    assert {"DPoP-Nonce", "WWW-Authenticate"} <= {*exposed}
