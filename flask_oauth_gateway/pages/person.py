"""What all pages share: who is signed in, the form that was sent, and the page for an error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import redirect, request

from ..authorization.answer import MAX_LOCATION
from ..config.checks import ConfigurationError
from ..errors import OAuth2Error
from ..hooks import UnusableSubject, subject_of
from ..users.accounts import SignInRequest
from ..web.request import read_form, values_by_name
from .leaving import leave
from .rendering import error_page, refusal_page

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer
    from ..doctor.refused import Explanation

    Answer = Response | BaseResponse

Form = dict[str, list[str]]  # a form's names, each with all its values


class Person(NamedTuple):
    """The user who is signed in to the app."""

    user: Any
    subject: str


def page(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Decorates a view for people: its errors are shown on a page, never in JSON, and its forms lead anywhere."""

    @wraps(view)
    def answered(server: AuthorizationServer, **path: str) -> Answer:
        try:
            answer = view(server, **path)
            if request.method == "POST" and not _stays(server, answer):
                return leave(answer)
            return answer
        except (ConfigurationError, UnusableSubject) as error:
            server.app.logger.error("%s", error)
            explanation = _lacking(error) if server.app.debug else None
            return error_page(503, "server_error", "The server is not configured for this.", explanation=explanation)
        except OAuth2Error as error:
            return refusal_page(error)

    return answered


def _stays(server: AuthorizationServer, answer: Answer) -> bool:
    """Whether an answer leads to no other page than one of the gateway's."""
    return answer.location is None or answer.location.startswith(f"{request.script_root}{server.settings.url_prefix}/")


def _lacking(error: ConfigurationError | UnusableSubject) -> Explanation:
    """What is wrong, for the developer."""
    from ..doctor.refused import Explanation

    if isinstance(error, ConfigurationError):
        return Explanation(error.key, error.allowed, error.shown, "flask oauth doctor")
    return Explanation("subject", "a user whose id can be a subject", str(error), "docs/users.md")


def person_at(server: AuthorizationServer) -> Person | None:
    """The user who is signed in, or `None`."""
    user = server.users.signed_in()
    return None if user is None else Person(user, subject_of(user))


def sign_in(server: AuthorizationServer, return_to: str, *prompt: str) -> Answer:
    """Send the user to the app's login, and back to a path of this site.

    Raises `ConfigurationError` where the app has neither a `login` hook nor a sign-in page.
    """
    return server.users.send_to_login(SignInRequest(return_to=return_to, prompt=prompt))


def go_to_client(location: str) -> Response | BaseResponse:
    """Redirect the browser to a client's address, which no cache keeps and no referrer tells of."""
    response = redirect(location, 303 if request.method == "POST" else 302)
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"})
    # A header that is long is cut off or refused on the way. What stands in a page the browser alone reads; a frame shows none.
    is_long = len(location) > MAX_LOCATION and request.headers.get("Sec-Fetch-Dest", "document") == "document"
    return leave(response) if is_long or _comes_from_a_page_here() else response


def _comes_from_a_page_here() -> bool:
    """Whether a page of this site sent the browser here, and may hold its policy against where it goes: mostly a sign-in."""
    sent = request.headers
    return sent.get("Sec-Fetch-Site") == "same-origin" and sent.get("Sec-Fetch-Dest") == "document"


def sent_form(server: AuthorizationServer) -> Form:
    """The form that was sent. Raises `InvalidRequestError` or `RequestTooLarge`."""
    return values_by_name(read_form(request, server.settings))


def last(form: Form, name: str) -> str:
    """The last value of a name; empty where it wasn't sent."""
    return form.get(name, [""])[-1]
