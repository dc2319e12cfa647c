"""`/oauth/admin/`: the administrator's pages. A user may enter where the hook `is_admin` returns `True`; without it, nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from ...clients.registry import ClientNotFound
from ...errors import NotFound
from ...stores.applications import ApplicationNotFound
from ...web.csrf import carried_by, is_form_token, new_form_token
from ...web.environ import ACTOR
from ...web.request import parse_parameters, values_by_name
from .. import person
from ..rendering import error_page, plain, render_page
from ..sent_once import is_sent_first, new_nonce
from ..translations import translate
from .labels import with_labels

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ...authorization_server import AuthorizationServer

PAGE = 50
FORM = "admin"  # the pages' form tokens are bound to this name
SECTIONS = ("overview", "clients", "applications", "grants", "tokens", "sessions", "keys", "issuers", "audit")


@dataclass(frozen=True, slots=True)
class Visit:
    """An administrator's request: the user, and the parameters of its URL and form, each name with all its values."""

    server: AuthorizationServer
    user: Any
    subject: str
    query: dict[str, list[str]]
    form: dict[str, list[str]] | None

    def asked(self, name: str) -> str | None:
        """A parameter of the URL, without null characters, which PostgreSQL can't take; `None` where it is empty or missing."""
        return self.query.get(name, [""])[-1].replace("\0", "").strip() or None

    def sent(self, name: str) -> str:
        """A value of the form; empty where it is missing."""
        return (self.form or {}).get(name, [""])[-1].strip()

    @property
    def is_stale(self) -> bool:
        """Whether the form was not shown to this administrator, in this session, within the last hour."""
        return not is_form_token(self.sent("form_token"), self.subject, FORM)

    def is_sent_first(self) -> bool:
        """Whether this form makes something: not where it is stale, or was sent before."""
        nonce = carried_by(self.sent("form_token"), self.subject, FORM)
        return nonce is not None and is_sent_first(self.server, nonce)

    def render(
        self, template: str, section: str, status: int = 200, *, problem: str | None = None, **context: Any
    ) -> Response:
        """A page from `templates/oauth/admin/`; `problem` is what is wrong with the form that was sent."""
        return render_page(
            f"admin/{template}",
            status,
            user=self.user,
            section=section,
            sections=[each for each in SECTIONS if each != "sessions" or self.server.settings.has_admin_sessions],
            form_token=new_form_token(self.subject, FORM, carries=new_nonce()),
            done=self.asked("done"),
            problem=None if problem is None else with_labels(problem),
            home=f"{request.script_root}/",
            home_label=_back_to(self.server.settings.site_name),
            can_sign_out=self.server.users.can_sign_out(),
            when=when,
            plain=plain,
            **context,
        )


def page(view: Callable[[Visit], Response | BaseResponse]) -> Callable[..., Response | BaseResponse]:
    """Decorates a view that only administrators reach. Others are sent to sign in, or see that it is not for them."""

    @person.page
    @wraps(view)
    def guarded(server: AuthorizationServer) -> Response | BaseResponse:
        try:
            server.rate_limiter.spend("admin", f"address:{server.addresses.neighbourhood()}")
            who = person.person_at(server)
            if who is None:
                return person.sign_in(server, _return_to())
            if server.hooks.is_admin is None or server.hooks.is_admin(who.user) is not True:
                return error_page(403, "access_denied", "This page is for administrators.")
            request.environ[ACTOR] = who.subject[:255]
            query = values_by_name(parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1")))
            form = person.sent_form(server) if request.method == "POST" else None
            return view(Visit(server, who.user, who.subject, query, form))
        except (ClientNotFound, ApplicationNotFound):  # somebody deleted it just now
            return error_page(404, "not_found", "There is nothing at this address.")
        except HTTPException as error:
            return error_page(error.code or 400, "invalid_request", error.description or "")

    return guarded


def go(endpoint: str, **query: Any) -> BaseResponse:
    """Redirect to another of these pages, after a form was handled."""
    response = redirect(url_for(f"oauth.{endpoint}", **query), 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def not_there() -> NoReturn:
    """Raises `NotFound`, which is shown as a page."""
    raise NotFound("There is nothing at this address.")


def when(seconds: int | None) -> str:
    """A time in UTC, such as 2026-11-21 07:30."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def stale_text() -> str:
    return translate("This page was out of date. Please send it again.")


def sent_before_text() -> str:
    return translate("This form was sent before. Each one makes one client.")


def _back_to(site_name: str | None) -> str:
    return translate("Back to the app") if site_name is None else translate("Back to %(name)s", name=site_name)


def _return_to() -> str:
    if request.method != "GET":
        return url_for("oauth.admin_overview")
    query = request.query_string.decode("latin-1")
    path = f"{request.script_root}{request.path}"
    return f"{path}?{query}" if query else path
