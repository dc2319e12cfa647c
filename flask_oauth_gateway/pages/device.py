"""`GET, POST /oauth/device`: the user types a user code, sees which client asks for what, and answers (RFC 8628 section 3.3)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, request, url_for
from sqlalchemy.engine import Row

from ..authorization.request import StillOnTrial
from ..clients.members.hardening import always_bound
from ..crypto.hashing import sha256
from ..errors import InvalidAuthorizationDetails, NotFound
from ..signals import authorization_denied, authorization_granted
from ..stores.devices import LETTERS
from ..stores.registered_client import DEVELOPER
from ..tokens.sign_in import details_of, types_of, with_details
from ..users.accounts import SignInRequest
from ..users.relogin import RETURN_SECONDS
from ..web.csrf import is_form_token, new_form_token
from .asking.asked import in_words
from .person import last, page, person_at, sent_form, sign_in
from .rendering import render_page, scope_descriptions
from .translations import translate, translate_plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization.consent import Question
    from ..authorization_server import AuthorizationServer
    from ..tokens.sign_in import Claims
    from .person import Form, Person
    from .reauthentication import Details


@page
def device(server: AuthorizationServer) -> Response | BaseResponse:
    """Show the page for the user code; then the page that asks for the user's decision; then the result."""
    form = sent_form(server)
    typed = last(form, "user_code") if request.method == "POST" else request.args.get("user_code", "")
    person = person_at(server)
    other = request.method != "POST" and request.args.get("prompt") == "select_account"
    if person is None or other:
        return sign_in(server, _here(typed), *(("select_account",) if other else ()))
    if request.method != "POST":
        return _ask_for_code(person, typed[:40])
    decided = "decision" in form
    if not is_form_token(last(form, "form_token"), person.subject, normal(typed) if decided else "device"):
        return _ask_for_code(person, typed[:40], problem="stale")
    answered = _answered(server, typed, person) if decided else None
    if answered is not None:
        return render_page("device_done.html", user=person.user, allowed=answered)
    row = _find(server, typed, person)
    if row is None:
        return _ask_for_code(person, typed[:40], problem="unknown")
    details = server.users.login_details(person.user)  # once: what is looked at is what the tokens say
    wanted = _sign_in_wanted(server, row, details, _here(typed), 0 if not decided else RETURN_SECONDS)
    if wanted is not None:
        return server.users.send_to_login(wanted)
    shown = () if server.details is None else _details(row, person, form if decided else None)
    if not decided or shown is None:
        return _ask_to_confirm(server, row, person, typed)
    return _decide(server, row, person, form, details, shown)


def _details(row: Row[Any], person: Person, form: Form | None) -> tuple[Mapping[str, Any], ...] | None:
    """The authorization details (RFC 9396) that the form allows: those that it was shown with; `None` where there was none."""
    if not details_of(row.claims) or (form is not None and last(form, "decision") != "allow"):
        return ()
    from .details import carried

    return None if form is None else carried(form, person.subject, normal(last(form, "user_code")))


def _here(typed: str) -> str:
    """This page as a path on this site, with the user code in its field."""
    query = f"?{urlencode({'user_code': typed[:40]})}" if typed else ""
    return request.script_root + request.path + query


def _sign_in_wanted(
    server: AuthorizationServer, row: Row[Any], details: Details, return_to: str, reading: int
) -> SignInRequest | None:
    """The sign-in that the client's registration asks for, where the user's is older or weaker (Registration section 2).

    As far as the app tells when that was; a strength that it doesn't tell is too weak where `OAUTH_ACR_VALUES` is set.
    `reading`: the seconds that the user may have taken to read the page.
    """
    settings = server.settings
    client = server.clients.load(row.client_id) if settings.oidc else None
    acr_values = () if client is None or not settings.acr_values else tuple(client.default_acr_values)
    if client is None or (client.default_max_age is None and not acr_values):
        return None
    strong_enough = settings.strong_enough(acr_values)
    max_age, at = client.default_max_age, details.get("auth_time")
    is_old = max_age is not None and at is not None and time.time() > at + max_age + reading
    if not is_old and (not acr_values or details.get("acr") in strong_enough):
        return None
    return SignInRequest(
        return_to=return_to,
        prompt=("login",),
        max_age=max_age,
        acr_values=acr_values,
        strong_enough=strong_enough,
        client=client,
    )


def _find(server: AuthorizationServer, typed: str, person: Person) -> Row[Any] | None:
    """The pending device code for a user code, claimed for this user. Wrong guesses are limited."""
    who = (f"user:{person.subject}", f"address:{server.addresses.neighbourhood()}")
    with server.rate_limiter.guess("device_codes", dict.fromkeys(who, 1)) as guess:
        row = server.devices.find_by_user_code(sha256(normal(typed)))
        if row is not None and row.origin == DEVELOPER:
            _check_trial(server, row, person)
        if row is None or not row.enabled or not server.devices.claim(bytes(row.device_code_hash), person.subject):
            return None
        guess.is_given_back = True
    return row


def _check_trial(server: AuthorizationServer, row: Row[Any], person: Person) -> None:
    """Raises `NotFound` where the app waits for an administrator and isn't this user's, who then leaves the code to its owner."""
    client = server.clients.load(row.client_id)
    if client is not None and not client.may_act_for(person.subject):
        raise NotFound(StillOnTrial.SENTENCE, status_code=403, error="access_denied")


def _answered(server: AuthorizationServer, typed: str, person: Person) -> bool | None:
    """This user's earlier answer, where the form is sent again, by a double click or a reload; `None` without one."""
    row = server.devices.find_by_user_code(sha256(normal(typed)))
    if row is None or row.subject != person.subject or row.decision is None:
        return None
    return bool(row.decision == "allow")


def _ask_for_code(person: Person, typed: str, problem: str | None = None) -> Response:
    return render_page(
        "device.html",
        200 if problem is None else 400,
        user=person.user,
        form_token=new_form_token(person.subject, "device"),
        user_code=typed,
        problem=problem,
        change_account=url_for("oauth.device", prompt="select_account", user_code=typed or None),
    )


def _ask_to_confirm(server: AuthorizationServer, row: Row[Any], person: Person, typed: str) -> Response:
    code, details = normal(typed), dict[str, Any]()
    client = server.clients.load(row.client_id)
    if client is None:  # it was deleted just now
        return _ask_for_code(person, typed, problem="unknown")
    if server.details is not None and details_of(row.claims):
        from .details import decided, for_page

        try:
            shown = decided(server, details_of(row.claims), client, person.user)
        except InvalidAuthorizationDetails:
            return _decide(server, row, person, {}, {}, ())
        details = for_page(server.settings, shown, person.subject, code)
    question = _question(server, row, person)
    return render_page(
        "device_confirm.html",
        user=person.user,
        client=client,
        bound=always_bound(client, server.settings),
        question=question,
        **in_words(server, client, person, question),
        **details,
        resources=server.resources.names_of((row.audience or "").split()),
        descriptions=scope_descriptions(server.settings),
        user_code=f"{code[:4]}-{code[4:]}",
        time_left=_time_left(row.expires_at),
        form_token=new_form_token(person.subject, code),
    )


def _time_left(expires_at: int) -> str:
    """For how long the code is still good, rounded down, so that nobody who reads it comes too late."""
    minutes = max(0, int(expires_at - time.time()) // 60)
    if not minutes:
        return translate("The code is good for less than a minute.")
    return translate_plural(
        "The code is good for %(num)s more minute.", "The code is good for %(num)s more minutes.", minutes
    )


def _question(server: AuthorizationServer, row: Row[Any], person: Person) -> Question:
    return server.consent.question(person.subject, tuple(row.scope.split()))


def _decide(
    server: AuthorizationServer,
    row: Row[Any],
    person: Person,
    form: Form,
    details: Details,
    shown: tuple[Mapping[str, Any], ...],
) -> Response:
    """Store what the form says: without a decision, that nothing is allowed."""
    decision = server.consent.read_decision(_question(server, row, person), form)
    scopes = () if decision is None else decision.scopes
    answer = "deny" if decision is None else "allow"
    claims: Claims = with_details(details, shown) if shown else details or None
    if not server.devices.decide(bytes(row.device_code_hash), person.subject, answer, " ".join(scopes), claims):
        answered = _answered(server, last(form, "user_code"), person)  # a double click may have answered a moment ago
        if answered is None:
            return _ask_for_code(person, "", problem="unknown")
        return render_page("device_done.html", user=person.user, allowed=answered)
    client_id, subject = row.client_id, person.subject
    if decision is None:
        authorization_denied.send(server.app, client_id=client_id, subject=subject, reason="denied")
    else:
        types = types_of(shown)
        authorization_granted.send(
            server.app, client_id=client_id, subject=subject, scopes=scopes, asked=True, detail_types=types
        )
    return render_page("device_done.html", user=person.user, allowed=decision is not None)


def normal(user_code: str) -> str:
    """A user code in capitals, without spaces and hyphens (section 6.1)."""
    return "".join(letter for letter in user_code.upper() if letter in LETTERS)
