"""The demo's own sign-in, with only Flask's session: the gateway leaves the sign-in to the app."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, session, url_for

from .users import USERS, User, check_password

blueprint = Blueprint("login", __name__)

#: How strongly users sign in, the weakest first: by a password alone, or with a code.
PASSWORD, CODE = STRENGTHS = ("password", "code")
#: What stands for the code that an app on the user's phone would show. The form says it.
CODES = "246810"

#: A path on this site. "//evil" and "/\evil" name another host, and browsers drop tabs and line breaks before they
#: read it: "/<tab>/evil" is "//evil" to them. So a path has one slash at the start, and no backslash, space or control character.
LOCAL_PATH = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]*")


def local_path(target: str | None) -> str:
    """Return where to go after signing in: the path that was asked for, or home if that isn't a path on this site."""
    return target if target and LOCAL_PATH.fullmatch(target) else url_for("home")


def signed_in_user() -> User | None:
    """Return the user whose session this is, or `None`."""
    return USERS.get(session.get("user", ""))


def login_details(user: User) -> dict[str, Any]:
    """Return when and how a user signed in, for clients that ask for a recent or a strong sign-in."""
    strength = session.get("strength", PASSWORD)
    return {
        "auth_time": session.get("signed_in_at"),
        "acr": strength,
        "amr": ["pwd", "otp"] if strength == CODE else ["pwd"],
    }


def send_to_login(wanted: Any) -> Any:
    """Send a user to the form, which asks for a code too where nothing less will do for the client (`acr_values`)."""
    strength = CODE if wanted.strong_enough and PASSWORD not in wanted.strong_enough else None
    return redirect(url_for("login.login", next=wanted.return_to, strength=strength))


def sign_out() -> None:
    """End this browser's session."""
    session.clear()


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    """Show the form, and handle it. The password is checked before the answer says anything about the user name."""
    destination, strength = local_path(request.values.get("next")), request.values.get("strength")
    strength = CODE if strength == CODE else PASSWORD
    if request.method == "GET":
        return render_template("login.html", next=destination, strength=strength)
    check_csrf_token()
    user = check_password(request.form.get("username", ""), request.form.get("password", ""))
    if user is None or (
        strength == CODE and not hmac.compare_digest(request.form.get("code", "").encode(), CODES.encode())
    ):
        username = request.form.get("username", "")
        page = render_template("login.html", next=destination, strength=strength, wrong=True, username=username)
        return page, 401
    session.clear()  # keep nothing of an earlier user's session, not even the CSRF token
    session.update(user=user.get_id(), signed_in_at=int(time.time()), strength=strength)
    return redirect(destination, 303)


@blueprint.route("/logout", methods=["GET", "POST"])
def logout() -> Any:
    """Show a button, and handle it: with a mere link, any page on the web could sign people out."""
    if request.method == "GET":
        return render_template("logout.html")
    check_csrf_token()
    user = signed_in_user()
    if user is not None:  # the programs that they signed in to from this browser are told
        current_app.extensions["oauth_gateway"].sessions.end_of_browser(user.get_id())
    sign_out()
    return redirect(url_for("home"), 303)


def csrf_token() -> str:
    """Return the token that a form of this session must send back."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(16)
    return str(session["csrf_token"])


def check_csrf_token() -> None:
    """Abort with 400 if a form isn't from a page of this session."""
    sent = request.form.get("csrf_token", "")
    if not hmac.compare_digest(csrf_token().encode(), sent.encode()):
        abort(400, "This form is too old, or not from this site. Go back, reload the page and try again.")


@blueprint.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {"csrf_token": csrf_token, "user": signed_in_user()}


@blueprint.after_request
def guard(response: Response) -> Response:
    """Forbid scripts, frames around the page, and cached copies of it."""
    # No form-action: after the sign-in, redirects may lead through the authorization endpoint to a client's own site.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    return response
