"""`OAUTH_TRACES`: spans for OpenTelemetry."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flask_oauth_gateway import OAuthGateway, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, bearer, register, token_for
from tests.support.databases import sqlite_only

pytestmark = sqlite_only
EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def provider() -> TracerProvider:
    """Set once: OpenTelemetry takes no other one in this process."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)
    return provider


@pytest.fixture
def spans() -> Iterator[Callable[[], tuple[ReadableSpan, ...]]]:
    EXPORTER.clear()
    yield EXPORTER.get_finished_spans
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(OAUTH_TRACES=True)


def test_an_endpoint_has_a_span_that_says_how_it_ended(
    app: Flask, spans: Any, registered: Client, gateway: OAuthGateway
) -> None:
    client = app.test_client()
    token = token_for(client, registered, scope="weather:read")["access_token"]
    ask(client, registered, scope="nonsense")
    good, bad = spans()
    assert good.name == bad.name == "oauth token"
    assert dict(good.attributes) == {
        "oauth.status": 200,
        "oauth.client_id": registered.client_id,
        "oauth.grant_type": "client_credentials",
        "oauth.token_id": gateway.tokens.get(token=token).token_id,
    }
    assert (bad.attributes["oauth.status"], bad.attributes["oauth.error"]) == (400, "invalid_scope")
    assert bad.status.is_unset
    said = str([(dict(each.attributes), each.events, each.name) for each in (good, bad)])
    assert token not in said
    assert registered.client_secret not in said


def test_a_check_of_a_token_is_a_part_of_whatever_is_going_on(app: Flask, spans: Any, registered: Client) -> None:
    client = app.test_client()
    token = token_for(client, registered)["access_token"]
    with trace.get_tracer("test").start_as_current_span("the app's own"):
        assert client.get("/weather", headers=bearer(token)).status_code == 200
    assert client.get("/weather", headers=bearer("nonsense")).status_code == 401
    _, accepted, own, refused = spans()
    assert (accepted.name, accepted.parent.span_id) == ("oauth check", own.context.span_id)
    assert accepted.attributes["oauth.client_id"] == registered.client_id
    assert refused.attributes["oauth.error"] == "invalid_token"


def test_what_went_wrong_on_the_server_is_an_error(app: Flask, spans: Any, gateway: OAuthGateway) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    gateway.token_attributes(lambda *_: {"scope": "taken"})
    assert ask(app.test_client(), register(app)).status_code == 500
    (span,) = spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.events == ()  # an exception's text may hold anything


def test_the_view_itself_is_no_part_of_the_check(app: Flask, spans: Any, registered: Client) -> None:
    @app.get("/inside")
    @require_token
    def inside() -> dict[str, bool]:
        return {"traced": trace.get_current_span().get_span_context().is_valid}

    token = token_for(app.test_client(), registered)["access_token"]
    assert app.test_client().get("/inside", headers=bearer(token)).get_json() == {"traced": False}


def test_off_there_are_none(make_app: Callable[..., Flask], spans: Any) -> None:
    app = make_app()
    token_for(app.test_client(), register(app))
    assert spans() == ()
