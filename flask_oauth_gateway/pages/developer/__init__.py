"""`/oauth/developer/`: a user registers apps, and looks after them (`OAUTH_DEVELOPER`). Nobody sees another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from ...clients.registry import ClientNotFound
from ...errors import NotFound
from ...web.csrf import carried_by, is_form_token, new_form_token
from ...web.environ import ACTOR
from ...web.request import parse_parameters, values_by_name
from .. import person
from ..rendering import error_page, plain, render_page
from ..sent_once import is_sent_first, new_nonce
from ..translations import translate

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ...authorization_server import AuthorizationServer
    from ...clients.developers.apps import UserApps
    from ...stores.registered_client import Client

    Answer = Response | BaseResponse

FORM = "developer"  # the pages' form tokens are bound to this name


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a signed-in user, and the parameters of its URL and form, each name with all its values."""

    server: AuthorizationServer
    user: Any
    subject: str
    query: dict[str, list[str]]
    form: dict[str, list[str]] | None

    @property
    def apps(self) -> UserApps:
        return self.server.user_apps

    def asked(self, name: str) -> str:
        """A parameter of the URL, without null characters, which PostgreSQL can't take."""
        return self.query.get(name, [""])[-1].replace("\0", "").strip()

    def sent(self, name: str) -> str:
        """A value of the form; empty where it is missing."""
        return (self.form or {}).get(name, [""])[-1].strip()

    def existing(self) -> Client:
        """The user's app that the URL names. Raises `NotFound`."""
        try:
            return self.apps.get(self.subject, self.asked("client_id"))
        except ClientNotFound:
            raise NotFound("There is nothing at this address.") from None

    @property
    def is_stale(self) -> bool:
        """Whether the form was not shown to this user, in this session, within the last hour."""
        return not is_form_token(self.sent("form_token"), self.subject, FORM)

    def is_sent_first(self) -> bool:
        """Whether this form makes something: not where it is stale, or was sent before."""
        nonce = carried_by(self.sent("form_token"), self.subject, FORM)
        return nonce is not None and is_sent_first(self.server, nonce)

    def render(self, template: str, *, problem: str | None = None, **context: Any) -> Response:
        """A page from `templates/oauth/developer/`; `problem` is what is wrong with the form that was sent."""
        return render_page(
            f"developer/{template}",
            200 if problem is None else 400,
            user=self.user,
            form_token=new_form_token(self.subject, FORM, carries=new_nonce()),
            done=self.asked("done"),
            problem=problem,
            plain=plain,
            **context,
        )


def page(view: Callable[[Visit], Answer]) -> Callable[..., Answer]:
    """Decorates a view for users who are signed in; others are sent to sign in."""

    @person.page
    @wraps(view)
    def guarded(server: AuthorizationServer) -> Answer:
        who = person.person_at(server)
        if who is None:
            return person.sign_in(server, _return_to())
        request.environ[ACTOR] = who.subject[:255]
        query = values_by_name(parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1")))
        form = person.sent_form(server) if request.method == "POST" else None
        try:
            return view(Visit(server, who.user, who.subject, query, form))
        except ClientNotFound:  # it was deleted, or given to somebody else, just now
            return error_page(404, "not_found", "There is nothing at this address.")
        except HTTPException as error:
            return error_page(error.code or 400, "invalid_request", error.description or "")

    return guarded


def go(endpoint: str, **query: Any) -> BaseResponse:
    """Redirect to another of these pages, after a form was handled."""
    response = redirect(url_for(f"oauth.developer_{endpoint}", **query), 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def stale_text() -> str:
    return translate("This page was out of date. Please send it again.")


def _return_to() -> str:
    if request.method != "GET":
        return url_for("oauth.developer_apps")
    query = request.query_string.decode("latin-1")
    path = f"{request.script_root}{request.path}"
    return f"{path}?{query}" if query else path
