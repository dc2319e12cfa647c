"""Whatever a generator of requests sends to the endpoints for programs, the answer is one that their document names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from docs._reference.endpoints.document import EVERYTHING, PEOPLE
from tests.support.app import build_app, close_app

DOCUMENT: dict[str, Any] = json.loads(Path(__file__).parents[2].joinpath("docs", "endpoints.json").read_text("utf-8"))
#: What a browser is sent to answers with pages too, and other tests send junk there.
PAGES = ("/oauth/authorize", "/oauth/logout")
PROGRAMS = {
    path: methods
    for path, methods in DOCUMENT["paths"].items()
    if path not in PAGES and all(each["tags"] != [PEOPLE] for each in methods.values())
}
#: Nobody gets as far as its body without the client's own token; what may be in it is sent to `POST /oauth/register`.
BEHIND_A_TOKEN = "PUT /oauth/register/{client_id}"
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    on = {"OAUTH_FORWARD_AUTH": True, "OAUTH_METRICS": "notes:read", "OAUTH_PERSONAL_TOKENS": True}
    app = build_app(**{**EVERYTHING, **on, "OAUTH_RATE_LIMITS": None, "OAUTH_DATABASE_URI": "sqlite://"})
    yield app
    close_app(app)


@pytest.fixture
def described(app: Flask, request: pytest.FixtureRequest) -> Any:
    # Schemathesis calls its subtests after it; pytest 9.2 has it no longer.
    request.node._nodeid = request.node.nodeid
    config = {
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
        "operations": [{"include-name": BEHIND_A_TOKEN, "phases": {"coverage": {"enabled": False}}}],
    }
    document = {**DOCUMENT, "paths": PROGRAMS, "servers": [{"url": "/"}]}
    found = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(config))
    found.app = app
    return found


schema = schemathesis.pytest.from_fixture("described")


def test_most_endpoints_are_asked() -> None:
    assert len(PROGRAMS) >= 18


@schema.parametrize()
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_gets_an_answer_that_is_not_documented(case: Any) -> None:
    # No schema says which codes and clients there are: what fits it is refused all the same.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
