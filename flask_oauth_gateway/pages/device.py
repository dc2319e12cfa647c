"""`POST /oauth/device_authorization`, and `GET, POST /oauth/device`: the device flow and its page (RFC 8628)."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, request, url_for
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ..authentication import authenticate
from ..authorization.consent import Question, read_decision
from ..authorization.request import SignInRequest
from ..config.checks import ConfigurationError
from ..crypto.hashing import new_secret, sha256
from ..database.tables import new_family_key
from ..errors import OAuth2Error, UnauthorizedClientError, json_response
from ..hooks import subject_of
from ..permissions.scopes import resolve_scopes
from ..signals import authorization_denied, authorization_granted
from ..users.accounts import login_details, send_to_login, signed_in_user
from ..web.addresses import neighbourhood_of
from ..web.csrf import is_form_token, new_form_token
from ..web.environ import current_state
from ..web.issuer import absolute_url
from ..web.request import read_form, read_request
from .rendering import error_page, refusal_page, render_page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import State

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFETIME = 600
INTERVAL = 5
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words, and nothing that looks like a digit (section 6.1)
USER_CODE_LENGTH = 8


def device_authorization() -> Response:
    """A device asks for a device code, and a user code for its user to type (section 3.1)."""
    state = current_state()
    form = read_request(request, state.settings)
    state.rate_limiter.spend("device", f"address:{neighbourhood_of(state)}")
    client = authenticate(state, form)
    if not client.check_grant_type(GRANT_TYPE):
        raise UnauthorizedClientError("This client is not registered for device_code.")
    scopes = resolve_scopes(form.payload.scope, client, state.settings)
    audience = state.resources.resolve(form.payload.datalist.get("resource", ()))
    page = absolute_url(state, url_for("oauth.device"))
    device_code, now = new_secret(state.settings.token_prefix), int(time.time())
    for _ in range(10):
        user_code = "".join(secrets.choice(LETTERS) for _ in range(USER_CODE_LENGTH))
        try:
            state.devices.add(
                {
                    "device_code_hash": sha256(device_code),
                    "user_code_hash": sha256(user_code),
                    "client": client.key,
                    "family": new_family_key(),
                    "scope": " ".join(scopes),
                    "audience": " ".join(audience) or None,
                    "poll_interval": INTERVAL,
                    "issued_at": now,
                    "expires_at": now + LIFETIME,
                }
            )
        except IntegrityError:  # one of 25 billion is in use
            continue
        break
    shown = f"{user_code[:4]}-{user_code[4:]}"
    return json_response(
        200,
        {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'user_code': shown})}",
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        },
    )


def device() -> Response | BaseResponse:
    """The user types the code, sees who asks for what, and answers."""
    state = current_state()
    try:
        return _device(state)
    except ConfigurationError as error:
        state.app.logger.error("%s", error)
        return error_page(503, "server_error", "The server is not configured for this.")
    except OAuth2Error as error:
        return refusal_page(error)


def _device(state: State) -> Response | BaseResponse:
    form: dict[str, list[str]] = {}
    for name, value in read_form(request, state.settings):
        form.setdefault(name, []).append(value)
    typed = form.get("user_code", [""])[-1] if request.method == "POST" else request.args.get("user_code", "")
    user = signed_in_user(state)
    other = request.method != "POST" and request.args.get("prompt") == "select_account"
    if user is None or other:
        query = f"?{urlencode({'user_code': typed[:40]})}" if typed else ""
        prompt = ("select_account",) if other else ()
        return send_to_login(state, SignInRequest(return_to=request.script_root + request.path + query, prompt=prompt))
    subject = subject_of(user)
    if request.method != "POST":
        return _ask_for_code(user, subject, typed[:40])
    decided = "decision" in form
    if not is_form_token(form.get("form_token", [""])[-1], subject, normal(typed) if decided else "device"):
        return _ask_for_code(user, subject, typed[:40], problem="stale")
    answered = _answered(state, typed, subject) if decided else None
    if answered is not None:
        return render_page("device_done.html", user=user, allowed=answered)
    row = _find(state, typed, subject)
    if row is None:
        return _ask_for_code(user, subject, typed[:40], problem="unknown")
    if not decided:
        return _ask_to_confirm(state, row, user, subject, typed)
    return _decide(state, row, user, subject, form)


def _find(state: State, typed: str, subject: str) -> Row[Any] | None:
    """The pending device code that a user code belongs to, claimed for this user. Wrong guesses are limited."""
    identities = (f"user:{subject}", f"address:{neighbourhood_of(state)}")
    state.rate_limiter.check("device_codes", *identities)
    row = state.devices.find_by_user_code(sha256(normal(typed)))
    if row is None or not row.enabled or not state.devices.claim(bytes(row.device_code_hash), subject):
        state.rate_limiter.hit("device_codes", *identities)
        return None
    return row


def _answered(state: State, typed: str, subject: str) -> bool | None:
    """What this same user answered before, where the answer comes again: a double click, a page that was reloaded."""
    row = state.devices.find_by_user_code(sha256(normal(typed)))
    return None if row is None or row.subject != subject or row.decision is None else row.decision == "allow"


def _ask_for_code(user: Any, subject: str, typed: str, problem: str | None = None) -> Response:
    return render_page(
        "device.html",
        200 if problem is None else 400,
        user=user,
        form_token=new_form_token(subject, "device"),
        user_code=typed,
        problem=problem,
        change_account=url_for("oauth.device", prompt="select_account", user_code=typed or None),
    )


def _ask_to_confirm(state: State, row: Row[Any], user: Any, subject: str, typed: str) -> Response:
    code = normal(typed)
    return render_page(
        "device_confirm.html",
        user=user,
        client=state.clients.load(row.client_id),
        question=_question(state, row, subject),
        descriptions=state.settings.scopes,
        user_code=f"{code[:4]}-{code[4:]}",
        form_token=new_form_token(subject, code),
    )


def _question(state: State, row: Row[Any], subject: str) -> Question:
    required = frozenset(state.settings.required_scopes)
    return Question(subject, tuple(row.scope.split()), (), required, needs_asking=True)


def _decide(state: State, row: Row[Any], user: Any, subject: str, form: dict[str, list[str]]) -> Response:
    decision = read_decision(state, _question(state, row, subject), form)
    scopes = () if decision is None else decision.scopes
    answer = "deny" if decision is None else "allow"
    details = login_details(state, user) or None
    if not state.devices.decide(bytes(row.device_code_hash), subject, answer, " ".join(scopes), details):
        answered = _answered(state, form["user_code"][-1], subject)  # by the other click, a moment ago
        if answered is None:
            return _ask_for_code(user, subject, "", problem="unknown")
        return render_page("device_done.html", user=user, allowed=answered)
    if decision is None:
        authorization_denied.send(state.app, client_id=row.client_id, subject=subject, reason="denied")
    else:
        authorization_granted.send(state.app, client_id=row.client_id, subject=subject, scopes=scopes, asked=True)
    return render_page("device_done.html", user=user, allowed=decision is not None)


def normal(user_code: str) -> str:
    """A user code without regard to case, spaces and hyphens (section 6.1)."""
    return "".join(letter for letter in user_code.upper() if letter in LETTERS)
