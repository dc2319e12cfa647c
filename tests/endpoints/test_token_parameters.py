"""How the token endpoint reads its parameters: from where, in which form, and how much of it."""

import io
from typing import Any

import pytest
from flask import request
from flask.testing import FlaskClient

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, basic, refusal, register

FORM = "application/x-www-form-urlencoded"


def post(client: FlaskClient, registered: Client, body: Any = b"", content_type: str = FORM, **options: Any) -> Any:
    headers = basic(registered.client_id, registered.client_secret) | options.pop("headers", {})
    return client.post(
        options.pop("path", "/oauth/token"), data=body, content_type=content_type, headers=headers, **options
    )


def streamed(stream: Any) -> dict[str, Any]:
    """Options that send a body without a Content-Length, as `Transfer-Encoding: chunked` does."""
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return {"environ_overrides": environ}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", "grant_type"),
        (b"grant_type=client_credentials&scope=weather:read&scope=weather:write", "scope"),
        (b"grant_type=client_credentials&made_up=1&made_up=2", "made_up"),
        (b"grant_type=client_credentials&%22%C3%A4=1&%22%C3%A4=1", "??"),
    ],
)
def test_a_repeated_parameter_is_refused_by_name(
    client: FlaskClient, registered: Client, body: bytes, name: str
) -> None:
    sentence = refusal(post(client, registered, body), 400, "invalid_request")
    assert sentence == f"The parameter '{name}' is repeated."


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_a_parameter_that_the_rfcs_let_repeat_may_be_repeated(
    client: FlaskClient, registered: Client, name: str
) -> None:
    body = f"grant_type=client_credentials&{name}=https://a.example&{name}=https://b.example"
    response = post(client, registered, body)
    assert response.status_code == 200 or response.get_json()["error"] == "invalid_target"


def test_an_empty_repetition_is_as_if_left_out(client: FlaskClient, registered: Client) -> None:
    assert post(client, registered, b"grant_type=&grant_type=client_credentials&unknown=x").status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type": "client_credentials"}'),
        ("text/plain", b"grant_type=client_credentials"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nx\r\n--x--',
        ),
        ("", b"grant_type=client_credentials"),
        ("application/x-www-form-urlencoded-not", b"grant_type=client_credentials"),
    ],
)
def test_a_body_that_is_no_form_is_refused_with_the_type_that_is_wanted(
    client: FlaskClient, registered: Client, content_type: str, body: bytes
) -> None:
    sentence = refusal(post(client, registered, body, content_type), 400, "invalid_request")
    assert sentence == "The body must be application/x-www-form-urlencoded."


def test_a_form_may_name_its_charset(client: FlaskClient, registered: Client) -> None:
    response = post(client, registered, b"grant_type=client_credentials", f"{FORM}; charset=UTF-8")
    assert response.status_code == 200


@pytest.mark.parametrize("content_type", [FORM, "application/json", ""])
def test_an_empty_body_lacks_its_grant_type_whatever_it_says_it_is(
    client: FlaskClient, registered: Client, content_type: str
) -> None:
    assert "'grant_type' is missing" in refusal(post(client, registered, b"", content_type), 400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"grant_type=\xff\xfe", "not valid UTF-8"),
        (b"grant_type=%ff%fe", "not valid UTF-8"),
        (b"grant_type=client_credentials&scope=a%00b", "'scope' holds a control character"),
        (b"grant_type=client_credentials&x=%1b[2J", "'x' holds a control character"),
        (b"&".join(b"p%d=1" % number for number in range(101)), "more than 100 parameters"),
    ],
)
def test_what_no_client_means_to_send_is_refused_with_the_reason(
    client: FlaskClient, registered: Client, body: bytes, why: str
) -> None:
    assert why in refusal(post(client, registered, body), 400, "invalid_request")


# Size


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_read(make_app: MakeApp, says_its_length: bool) -> None:
    app = make_app(OAUTH_MAX_BODY=1000)
    client, registered = app.test_client(), register(app)
    start = b"grant_type=client_credentials&filler="

    def send(size: int) -> Any:
        body = start + b"x" * (size - len(start))
        return post(client, registered, body, **({} if says_its_length else streamed(io.BytesIO(body))))

    assert send(1000).status_code == 200
    assert refusal(send(1001), 413, "invalid_request") == "The body of the request is too large."


def test_no_more_is_read_of_an_endless_body_than_the_limit_allows(client: FlaskClient, registered: Client) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.given += len(buffer)
            assert self.given < 1_000_000, "all of it is being read"
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    refusal(post(client, registered, **streamed(Endless())), 413, "invalid_request")


def test_the_limit_is_128_kib_where_nothing_else_is_set(client: FlaskClient, registered: Client) -> None:
    start = b"grant_type=client_credentials&filler="
    assert post(client, registered, start + b"x" * (131072 - len(start))).status_code == 200
    refusal(post(client, registered, start + b"x" * (131073 - len(start))), 413, "invalid_request")


@pytest.mark.parametrize("reads", ["form", "data"])
def test_an_app_that_reads_the_body_first_changes_no_rule(make_app: MakeApp, reads: str) -> None:
    app = make_app(OAUTH_MAX_BODY=1000)

    @app.before_request
    def read_first() -> None:
        assert request.form is not None if reads == "form" else request.get_data() is not None

    client, registered = app.test_client(), register(app)
    assert post(client, registered, b"grant_type=client_credentials").status_code == 200
    refusal(post(client, registered, b"grant_type=client_credentials&x=" + b"x" * 1000), 413, "invalid_request")
    for body in (b"grant_type=a&grant_type=b", b"grant_type=client_credentials&x=%00"):
        refusal(post(client, registered, body), 400, "invalid_request")
    multipart = b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n'
    refusal(post(client, registered, multipart, "multipart/form-data; boundary=x"), 400, "invalid_request")
    refusal(post(client, registered, b'{"grant_type": "x"}', "application/json"), 400, "invalid_request")


# The URL and the headers


def test_both_forms_of_the_gateways_documentation_work(make_app: MakeApp) -> None:
    app = make_app(OAUTH_TOKEN_PARAMETERS_FROM=["body", "query"])
    client, registered = app.test_client(), register(app)
    assert ask(client, registered).status_code == 200
    headers = basic(registered.client_id, registered.client_secret)
    response = client.post("/oauth/token?grant_type=client_credentials&scope=weather:read", headers=headers)
    assert response.get_json()["scope"] == "weather:read"


def test_the_query_string_is_no_source_unless_it_is_set_as_one(client: FlaskClient, registered: Client) -> None:
    response = post(client, registered, path="/oauth/token?grant_type=client_credentials")
    assert "missing from the body" in refusal(response, 400, "invalid_request")


def test_grant_type_and_scope_may_come_as_headers_where_that_is_set(make_app: MakeApp) -> None:
    app = make_app(OAUTH_TOKEN_PARAMETERS_FROM=["header"])
    client, registered = app.test_client(), register(app)
    headers = {"grant_type": "client_credentials", "scope": "weather:write"}
    assert post(client, registered, headers=headers).get_json()["scope"] == "weather:write"
    response = ask(client, registered)  # the body is no source here
    assert "missing from the header" in refusal(response, 400, "invalid_request")


def test_one_parameter_from_two_places_is_a_repeated_one(make_app: MakeApp) -> None:
    app = make_app(OAUTH_TOKEN_PARAMETERS_FROM=["body", "query", "header"])
    client, registered = app.test_client(), register(app)
    body = b"grant_type=client_credentials"
    for options in (
        {"path": "/oauth/token?grant_type=client_credentials"},
        {"headers": {"grant_type": "client_credentials"}},
    ):
        assert "repeated" in refusal(post(client, registered, body, **options), 400, "invalid_request")
    assert post(client, registered, body, headers={"scope": "weather:read"}).get_json()["scope"] == "weather:read"


@pytest.mark.parametrize("sources", [["body"], ["body", "query", "header"]])
def test_credentials_in_the_url_are_refused_even_if_they_are_right(make_app: MakeApp, sources: list[str]) -> None:
    app = make_app(OAUTH_TOKEN_PARAMETERS_FROM=sources)
    client, registered = app.test_client(), register(app)
    url = f"/oauth/token?client_id={registered.client_id}&client_secret={registered.client_secret}"
    for path in (url, url.replace("client_secret", "client%5Fsecret")):
        sentence = refusal(client.post(path, data={"grant_type": "client_credentials"}), 400, "invalid_request")
        assert sentence == "'client_secret' belongs in the body of the request, never in its URL."
    for name in ("code", "token", "assertion", "client_assertion", "password", "refresh_token", "access_token"):
        refusal(post(client, registered, path=f"/oauth/token?{name}=x"), 400, "invalid_request")


def test_no_credentials_are_read_from_the_url_or_from_headers(make_app: MakeApp) -> None:
    app = make_app(OAUTH_TOKEN_PARAMETERS_FROM=["body", "query", "header"])
    client, registered = app.test_client(), register(app)
    secret = {"client_secret": registered.client_secret, "client_id": registered.client_id}
    refusal(client.post("/oauth/token?grant_type=client_credentials", headers=secret), 401, "invalid_client")


@pytest.mark.parametrize("read_before", [False, True])
def test_a_body_in_chunks_that_the_app_s_server_keeps_for_itself_is_named(
    make_app: MakeApp, *, read_before: bool
) -> None:
    """As under uWSGI: PEP 3333 has no way to hand on a body without a Content-Length."""
    app = make_app()
    if read_before:

        @app.before_request
        def read() -> None:
            _ = request.form

    unread = {"environ_overrides": {"wsgi.input": io.BytesIO(), "HTTP_TRANSFER_ENCODING": "chunked"}}
    sentence = refusal(post(app.test_client(), register(app), **unread), 400, "invalid_request")
    assert sentence.endswith("the app's server does not hand these on: send a Content-Length.")
