"""The document of the management API is true: whatever a generator of requests sends, the answer is one that it names."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.support.app import build_app, close_app, register, token_for


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    app = build_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None, OAUTH_DATABASE_URI="sqlite://")
    yield app
    close_app(app)


@pytest.fixture(scope="module")
def token(app: Flask) -> str:
    return str(token_for(app.test_client(), register(app, scope="oauth:admin"))["access_token"])


@pytest.fixture
def described(app: Flask, request: pytest.FixtureRequest) -> Any:
    # Schemathesis calls its subtests after it; pytest 9.2 has it no longer.
    request.node._nodeid = request.node.nodeid
    refused = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
    # Its own list lacks 413, with which a body over OAUTH_MAX_BODY is refused.
    config = {"checks": {"negative_data_rejection": {"expected-statuses": refused}}}
    return schemathesis.openapi.from_wsgi(
        "/oauth/admin/api/openapi.json", app, config=SchemathesisConfig.from_dict(config)
    )


schema = schemathesis.pytest.from_fixture("described")


def test_the_document_is_valid_openapi(app: Flask) -> None:
    document: Any = app.test_client().get("/oauth/admin/api/openapi.json").get_json()
    validate(document)
    assert len(document["paths"]) >= 10


@schema.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_gets_an_answer_that_is_not_documented(case: Any, token: str) -> None:
    # No schema says which scopes there are, or what a page before gave as `next`: what fits it may still be refused.
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=[positive_data_acceptance])
