"""`POST /oauth/tokens/leaked`: whoever found a token where it isn't safe ends it, as a secret scanner does.

Nobody has to prove who they are: who holds a token could use it, which is worse. The answer is the same for every text, whether
it is a token or not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ...errors import InvalidRequestError, RequestTooLarge, TemporarilyUnavailable
from ...web.answers import json_response
from ...web.request import read_form, refuse_secrets, values_by_name

if TYPE_CHECKING:
    from ...authorization_server import AuthorizationServer
    from ...config import Settings

MOST = 100  # tokens in a report
WANTED = "The body is a form with 'token', or a JSON list of objects that each have a 'token', with a 'url' where it was found."


def leaked(server: AuthorizationServer) -> Response:
    """End each token of a report, as far as it is one of this server's: all of them, also where the app's receivers fail."""
    server.rate_limiter.spend("leaked", f"address:{server.addresses.neighbourhood()}")
    refuse_secrets(request.environ.get("QUERY_STRING", ""))
    reports = _from_json(server.settings) if request.mimetype == "application/json" else _from_form(server.settings)
    if not reports:
        raise InvalidRequestError(WANTED)
    if len(reports) > MOST:
        raise InvalidRequestError(f"A report has at most {MOST} tokens.")
    failure: Exception | None = None
    for token, place in reports:
        try:
            server.leaks.end(token, place)
        except TemporarilyUnavailable:  # the next would wait as long
            raise
        except Exception as error:  # noqa: BLE001  whatever a receiver of the app's raises, as when no mail can be sent
            failure = failure or error
    if failure is not None:
        raise failure
    return json_response(200, {"received": len(reports)})


def _from_form(settings: Settings) -> list[tuple[str, str]]:
    """The tokens of a form, of which each may be there several times: `token`, and `url` or `source`, where all were found."""
    form = values_by_name(read_form(request, settings))
    place = next((value for name in ("url", "source") for value in form.get(name, ()) if value), "")
    return [(token.strip(), place) for token in form.get("token", ()) if token.strip()]


def _from_json(settings: Settings) -> list[tuple[str, str]]:
    """The tokens of GitHub's partner format, a list of `{"token", "type", "url", "source"}`; of one such object, or of texts."""
    request.max_content_length = settings.max_body + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RequestTooLarge from None
    if len(raw) > settings.max_body:
        raise RequestTooLarge
    try:
        found: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidRequestError("The body is not JSON.") from None
    return [_one(each) for each in (found if isinstance(found, list) else [found])]


def _one(report: Any) -> tuple[str, str]:
    """A token, without the line's end that a file has behind it, and where it was found."""
    about = report if isinstance(report, dict) else {"token": report}
    token = about.get("token")
    if not isinstance(token, str) or not token.strip():
        raise InvalidRequestError(WANTED)
    place = next((value for name in ("url", "source") if isinstance(value := about.get(name), str) and value), "")
    return _storable(token.strip()), place


def _storable(token: str) -> str:
    """A text that can be hashed: no token of ours has lone surrogates, which JSON may."""
    return token.encode(errors="replace").decode()
