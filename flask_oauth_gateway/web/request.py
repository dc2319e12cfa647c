"""The request as Authlib's grants read it, parsed strictly and once.

Authlib's own Flask request doesn't do: it merges the query string into the form, takes the first value of a repeated
parameter, and refuses plain http behind a TLS proxy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from flask import request as current_request
from werkzeug.exceptions import RequestEntityTooLarge

from ..errors import InvalidRequestError, RequestTooLarge, clean
from .environ import FORM as READ_FORM
from .environ import NAMED

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

    from ..config import Settings
    from ..errors import OAuth2Error

FORM = "application/x-www-form-urlencoded"
MAX_PARAMETERS = 100
REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707 section 2, RFC 8693 section 2.1
FROM_ANYWHERE = ("grant_type", "scope", "state")
SECRETS = frozenset(
    {
        "client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "password", "assertion",
        "device_code", "token", "access_token", "subject_token", "actor_token",
    }
)  # fmt: skip
_CONTROL = {c: None for c in range(32) if chr(c) not in "\t\r\n"} | {127: None}


class Payload(OAuth2Payload):
    """The parameters: `data` has one value for each, `datalist` all values."""

    __slots__ = ("_data", "_datalist")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        data: dict[str, str] = {}
        datalist: dict[str, list[str]] = {}
        for name, value in pairs:
            if not value:  # a parameter without a value counts as omitted (RFC 6749 section 3.1)
                continue
            if name in data and name not in REPEATABLE:
                raise InvalidRequestError(f"The parameter '{clean(name, 40)}' is repeated.")
            data.setdefault(name, value)
            datalist.setdefault(name, []).append(value)
        self._data = data
        self._datalist = datalist

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> dict[str, list[str]]:
        return self._datalist


class OAuthRequest(OAuth2Request):
    """The request that a grant sees. `form` holds the body's parameters; `payload` these and the few others allowed."""

    def __init__(self, http: Request, form: dict[str, str], payload: Payload) -> None:
        # Authlib's __init__ is not called: it refuses http, and every request behind a TLS proxy is http.
        self.method = http.method
        self.headers = http.headers
        self.environ = http.environ
        self.payload = payload
        self._form = form
        self.client: Any = None
        self.basic: tuple[str, str] | None = None  # the user and password of a Basic header, as they stand
        self.client_is_rechecked = False  # whether what acts checks that the client is still as it was read
        self.meets_clients = False  # whether a client that isn't known may be read from its metadata document
        self.auth_method: str | None = None
        self.spent_assertion: bytes | None = None  # the key of the assertion that authenticated the client, once spent
        self.proved: Any = None  # which key the request proves, where tokens may be bound
        self.assertion: Any = None  # the assertion that is exchanged for a token, once it is checked
        self.user: Any = None
        self.subject: str | None = None
        self._scope: str | None = None

    @property
    def form(self) -> dict[str, str]:
        return self._form


def read_form(http: Request, settings: Settings) -> list[tuple[str, str]]:
    """The body's parameters, in order. Raises `InvalidRequestError` or `RequestTooLarge`."""
    if "form" in http.__dict__:  # the app has read the form before, in a before_request function
        return _read_by_the_app(http, settings)
    http.max_content_length = settings.max_body + 1  # at its limit, Werkzeug cuts a chunked body off silently
    try:
        body = http.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RequestTooLarge from None
    if len(body) > settings.max_body:
        raise RequestTooLarge
    if not body:
        _check_handed_on(http)
        return []
    _check_type(http)
    return parse_parameters(body)


def _read_by_the_app(http: Request, settings: Settings) -> list[tuple[str, str]]:
    """The parameters that Werkzeug read, checked by the same rules; bytes that were not UTF-8 are replaced already."""
    if (http.content_length or 0) > settings.max_body:
        raise RequestTooLarge
    pairs = list(http.form.items(multi=True))
    if pairs or http.content_length:
        _check_type(http)
    else:
        _check_handed_on(http)
    if len(pairs) > MAX_PARAMETERS:
        raise InvalidRequestError(f"There are more than {MAX_PARAMETERS} parameters.")
    check_values(pairs)
    return pairs


def _check_handed_on(http: Request) -> None:
    """Check that no body was lost: a server that doesn't read bodies in chunks, as uWSGI, hands on nothing of them."""
    environ = http.environ
    if "HTTP_TRANSFER_ENCODING" in environ and not http.content_length and not environ.get("wsgi.input_terminated"):
        raise InvalidRequestError(
            "The body came in chunks (Transfer-Encoding), and the app's server does not hand these on:"
            " send a Content-Length."
        )


def _check_type(http: Request) -> None:
    if http.environ.get("CONTENT_TYPE") != FORM and http.mimetype != FORM:
        raise InvalidRequestError(f"The body must be {FORM}.")


def parse_parameters(raw: bytes) -> list[tuple[str, str]]:
    """The parameters of a form body or a query string (RFC 6749 appendix B). Raises `InvalidRequestError`."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise InvalidRequestError("The parameters are not valid UTF-8.") from None
    except ValueError:
        raise InvalidRequestError(f"There are more than {MAX_PARAMETERS} parameters.") from None
    check_values(pairs)
    return pairs


def check_values(pairs: list[tuple[str, str]]) -> None:
    """Check that no parameter holds a control character. Raises `InvalidRequestError`."""
    for name, value in pairs:
        if not value.isprintable() and value.translate(_CONTROL) != value:
            raise InvalidRequestError(f"The parameter '{clean(name, 40)}' holds a control character.")


def read_request(settings: Settings) -> OAuthRequest:
    """Read the current request, of an endpoint that takes a form. Raises `InvalidRequestError` or `RequestTooLarge`."""
    # Each access through Flask's proxy would look for the request anew.
    http = cast("Request", cast("Any", current_request)._get_current_object())  # noqa: SLF001 (its documented name)
    pairs = read_form(http, settings)
    query = http.environ.get("QUERY_STRING", "")
    if query:
        refuse_secrets(query)
    payload = Payload(pairs)
    http.environ[NAMED] = payload.data.get("client_id")
    if settings.compatibility is not None:
        http.environ[READ_FORM] = payload.data
    return OAuthRequest(http, payload.data, payload)


def read_token_request(settings: Settings) -> OAuthRequest:
    """Read the token endpoint's request, in which parameters may come from elsewhere (`OAUTH_TOKEN_PARAMETERS_FROM`)."""
    request = read_request(settings)
    sources = settings.token_parameters_from
    if sources == ("body",):
        return request
    body = [(name, value) for name, values in request.payload.datalist.items() for value in values]
    pairs = body if "body" in sources else [(name, value) for name, value in body if name not in FROM_ANYWHERE]
    if "query" in sources:
        query = parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1"))
        pairs += [(name, value) for name, value in query if name in FROM_ANYWHERE]
    if "header" in sources:
        found = ((name, request.environ.get(f"HTTP_{name.upper()}")) for name in FROM_ANYWHERE)
        pairs += [(name, value) for name, value in found if value]
    request.payload = Payload(pairs)
    return request


def read_object(most: int, wrong: Callable[[str], OAuth2Error]) -> dict[str, Any]:
    """The JSON object of the current request, of at most `most` bytes. Raises `RequestTooLarge`, or what `wrong` makes."""
    current_request.max_content_length = most + 1
    try:
        raw = current_request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RequestTooLarge from None
    if len(raw) > most:
        raise RequestTooLarge
    if current_request.mimetype != "application/json":
        raise wrong("The body must be application/json.")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise wrong("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise wrong("The body must be a JSON object.")
    return found


def values_by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Parameters by name, each with all its values in order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def refuse_secrets(query: str) -> None:
    """Refuse a URL that carries a secret: URLs end up in logs and histories (RFC 6749 section 2.3.1)."""
    for name, value in parse_parameters(query.encode("latin-1")):
        if value and name in SECRETS:
            raise InvalidRequestError(f"'{name}' belongs in the body of the request, never in its URL.")


def is_browser() -> bool:
    """Whether the current request comes from a browser that goes to a page, as its `Accept` says."""
    return "text/html" in current_request.headers.get("Accept", "")
