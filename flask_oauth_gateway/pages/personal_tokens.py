"""`/oauth/tokens`: a signed-in user makes tokens for their own scripts, sees them without their values, and ends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, redirect, request, url_for

from ..config.checks import ConfigurationError
from ..errors import InvalidScopeError
from ..stores.personal.tokens import TooManyTokens
from ..tokens.personal.making import MAX_NAME, MOST, CannotBeMade, Wanted
from ..users import relogin
from ..users.accounts import SignInRequest
from ..web.csrf import carried_by, is_form_token, new_form_token
from .person import last, page, person_at, sent_form, sign_in
from .rendering import DAY, how_long, plain, render_page, scope_descriptions
from .sent_once import is_sent_first, new_nonce
from .translations import translate

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer
    from .person import Person

    Answer = Response | BaseResponse

LIST, NEW = "oauth.personal_tokens", "oauth.new_personal_token"
LIST_FORM, NEW_FORM = "personal_tokens", "new_personal_token"  # the pages' form tokens are bound to these names
RECENT = 900  # seconds: whoever makes a token has signed in no longer ago
PRESETS, CUSTOM, LONGEST = (7, 30, 90), "custom", "longest"  # days


@dataclass(frozen=True, slots=True)
class Filled:
    """What a form holds as it was sent, or as it is shown first."""

    name: str = ""
    scopes: frozenset[str] = frozenset()
    resource: str = ""
    expires: str = ""
    days: str = ""


@page
def tokens(server: AuthorizationServer) -> Answer:
    """Show the user's tokens; a POST makes one, and its answer is the only page that shows it."""
    person = person_at(server)
    if person is None:
        return sign_in(server, url_for(LIST))
    return _make(server, person) if request.method == "POST" else _list(server, person)


@page
def new_token(server: AuthorizationServer) -> Answer:
    """Show the form for a new token to a user who has just signed in; send everybody else to sign in first."""
    person = person_at(server)
    if person is None:
        return sign_in(server, url_for(NEW))
    details, wanted = server.users.login_details(person.user), _sign_in()
    try:
        number = relogin.came_back(
            wanted,
            NEW_FORM,
            person.subject,
            details,
            has_mark=relogin.MARK in request.args,
            skew=server.settings.clock_skew,
            endpoint=NEW,
        )
    except relogin.NotSignedIn:
        return _list(server, person, translate("Sign in again to make a token."))
    if number is None and relogin.is_wanted(wanted, details):
        response = server.users.send_to_login(relogin.with_mark(wanted))
        relogin.remember(response, NEW_FORM, details, endpoint=NEW)
        return response
    first = _lifetimes(server)
    filled = Filled(
        expires=next((value for value, _ in first if value == "30"), first[0][0]),
        resource=next((identifier for identifier, _ in _resources(server)), ""),
    )
    return _form(server, person, number or relogin.NOT_NEEDED, filled)


@page
def revoke_tokens(server: AuthorizationServer) -> Answer:
    """End one of the user's tokens, or all of them."""
    person = person_at(server)
    if person is None:
        return sign_in(server, url_for(LIST))
    form = sent_form(server)
    if not is_form_token(last(form, "form_token"), person.subject, LIST_FORM):
        return _list(server, person, _out_of_date())
    if last(form, "all"):
        server.personal_tokens.revoke_all(person.subject)
    else:
        server.personal_tokens.revoke(last(form, "token_id"), person.subject)
    return redirect(url_for(LIST), 303)


def _make(server: AuthorizationServer, person: Person) -> Answer:
    form = sent_form(server)
    carried = carried_by(last(form, "form_token"), person.subject, NEW_FORM)
    if carried is None:
        return _list(server, person, _out_of_date())
    number, _, nonce = carried.rpartition(" ")
    if relogin.is_over(_sign_in(), server.users.login_details(person.user), number):
        return redirect(url_for(NEW), 303)
    filled = Filled(
        name=" ".join(plain(last(form, "name")).split()),
        scopes=frozenset(form.get("scope", ())),
        resource=last(form, "resource"),
        expires=last(form, "expires"),
        days=last(form, "days").strip(),
    )
    found = _read(server, filled)
    if isinstance(found, str):
        return _form(server, person, number, filled, found)
    server.rate_limiter.spend("personal_tokens", f"user:{person.subject}")
    if not is_sent_first(server, nonce):
        return _list(server, person, translate("This form was sent before. Each one makes one token."))
    try:
        token, made = server.personal_tokens.make(person.subject, person.user, found, server.addresses.of_request())
    except TooManyTokens:
        return _form(server, person, number, filled, _too_many())
    except InvalidScopeError:  # they were taken out of what tokens may have, or of what the resource gives, since
        return _form(server, person, number, filled, _not_all())
    except CannotBeMade:
        return _form(server, person, number, filled, _switched_off())
    return render_page(
        "personal_token_made.html",
        user=person.user,
        token=token,
        made=made,
        expires_at=int(made.expires_at.timestamp()),
        descriptions=scope_descriptions(server.settings),
    )


def _read(server: AuthorizationServer, filled: Filled) -> Wanted | str:
    """What a form asks for, or in words what is wrong with it."""
    settings, offered = server.settings, server.personal_tokens.scopes()
    if not 1 <= len(filled.name) <= MAX_NAME:
        return translate("Give the token a name of 1 to %(num)s characters, such as what will use it.", num=MAX_NAME)
    scopes = tuple(name for name in offered if name in filled.scopes)
    if offered and not scopes:
        return translate("Choose what the token may do: one thing at least.")
    if len(scopes) < len(filled.scopes):
        return _not_all()
    resources = _resources(server)
    if resources and filled.resource not in dict(resources):
        return translate("Choose for which resource the token is.")
    if resources:
        kept = _within(server, scopes, filled.resource)
        if set(kept) < set(scopes):
            lacking = ", ".join(name for name in scopes if name not in kept)
            return translate("For this resource no token may have: %(names)s.", names=lacking)
    seconds: int | None = settings.personal_token_max_lifetime
    if filled.expires == CUSTOM:
        number = filled.days if filled.days.isascii() and filled.days.isdecimal() and len(filled.days) < 6 else "0"
        most = settings.personal_token_max_lifetime // DAY
        if not 1 <= int(number) <= most:
            return translate("A token lives from 1 to %(num)s days.", num=most)
        seconds = int(number) * DAY
    elif filled.expires not in dict(_lifetimes(server)):
        return translate("Choose how long the token lives.")
    elif filled.expires != LONGEST:
        seconds = int(filled.expires) * DAY
    return Wanted(filled.name, scopes, seconds or 0, filled.resource if resources else "")


def _within(server: AuthorizationServer, scopes: tuple[str, ...], resource: str) -> tuple[str, ...]:
    try:
        return server.resources.within(scopes, (resource,))
    except InvalidScopeError:
        return ()


def _sign_in() -> SignInRequest:
    return SignInRequest(return_to=url_for(NEW), max_age=RECENT)


def _lifetimes(server: AuthorizationServer) -> list[tuple[str, str]]:
    """The lifetimes to choose from, as the form sends them and in words."""
    most = server.settings.personal_token_max_lifetime
    found = [(str(days), how_long(days * DAY)) for days in PRESETS if days * DAY <= most]
    return found or [(LONGEST, how_long(most))]


def _resources(server: AuthorizationServer) -> list[tuple[str, str]]:
    """The resources to choose from, where there are several: each one's identifier and its name."""
    known = server.personal_tokens.resources()
    return [(name, each.name or name) for name, each in known.items()] if len(known) > 1 else []


def _form(
    server: AuthorizationServer, person: Person, number: str, filled: Filled, problem: str | None = None
) -> Response:
    most = server.settings.personal_token_max_lifetime // DAY
    return render_page(
        "personal_token_new.html",
        200 if problem is None else 400,
        user=person.user,
        filled=filled,
        problem=problem,
        scopes=server.personal_tokens.scopes(),
        resources=_resources(server),
        lifetimes=_lifetimes(server),
        most_days=most,
        max_name=MAX_NAME,
        descriptions=scope_descriptions(server.settings),
        form_token=new_form_token(person.subject, NEW_FORM, carries=f"{number} {new_nonce()}"),
    )


def _list(server: AuthorizationServer, person: Person, problem: str | None = None) -> Response:
    found = server.personal_tokens.of(person.subject)
    names: dict[str, str] = {}
    try:
        names = dict(_resources(server))
    except ConfigurationError:  # tokens can't be made; those that were made before are shown all the same
        problem = problem or _switched_off()
    return render_page(
        "personal_tokens.html",
        200 if problem is None else 400,
        user=person.user,
        tokens=found,
        resources=names,
        problem=problem,
        descriptions=scope_descriptions(server.settings),
        form_token=new_form_token(person.subject, LIST_FORM),
    )


def _out_of_date() -> str:
    return translate("This page was out of date. Please send it again.")


def _not_all() -> str:
    return translate("A token may not have all that was chosen. Please look at the choices again.")


def _too_many() -> str:
    return translate(
        "You have %(num)s tokens, which is as many as one may have. End one that you no longer use.", num=MOST
    )


def _switched_off() -> str:
    return translate("No tokens can be made here at the moment.")
