"""Entries of the audit trail in sentences: one table, from an event's name to what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import url_for
from markupsafe import Markup, escape

from ...permissions.claims import MARK
from ...web.environ import CODE
from ..rendering import explain, plain, scope_descriptions
from ..translations import translate, translate_own

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ...config import Settings

    Details = Mapping[str, Any]
    Choice = Callable[[Row[Any], Details], str]

LONGEST = 80  # characters of a name in a sentence
MOST_SCOPES = 5
NONE = "\N{EN DASH}"


def _(text: str) -> str:
    """Marks a text that is translated when it is shown."""
    return text


def _by(name: str, texts: Mapping[str, str], otherwise: str) -> Choice:
    """The text by a member of the details."""
    return lambda _row, details: texts.get(str(details.get(name)), otherwise)


def _issued(row: Row[Any], details: Details) -> str:
    if row.subject is None:
        return _("%(client)s got a token for itself.")
    if details.get("grant_type") == "personal":
        return _("%(user)s made a token for themselves.")
    return _("%(client)s got a token for %(user)s.")


def _revoked(row: Row[Any], details: Details) -> str:
    if details.get("reason") == "leaked":
        if row.client_id and row.subject:
            return _("A token of %(client)s for %(user)s had leaked, and was ended.")
        return (
            _("A token of %(client)s had leaked, and was ended.") if row.client_id else _("A leaked token was ended.")
        )
    if details.get("token_id"):
        return _("A token of %(client)s was revoked.") if row.client_id else _("A token was revoked.")
    if row.client_id and row.subject:
        return _("What %(client)s had for %(user)s was revoked.")
    if row.client_id:
        return _("All tokens of %(client)s were revoked.")
    return _("All tokens of %(user)s were revoked.") if row.subject else _("Tokens were revoked.")


def _token_rejected(row: Row[Any], details: Details) -> str:
    if row.client_id:
        return _("An access token of %(client)s was refused: %(reason)s")
    return _("An access token was refused: %(reason)s")


def _client_rejected(row: Row[Any], details: Details) -> str:
    if row.client_id:
        return _("%(client)s was refused: %(reason)s")
    return _("Somebody who named no client was refused: %(reason)s")


def _assertion_rejected(row: Row[Any], details: Details) -> str:
    if row.client_id:
        return _("An assertion that %(client)s brought was refused: %(reason)s")
    return _("An assertion was refused: %(reason)s")


def _granted(row: Row[Any], details: Details) -> str:
    has_scopes = bool(details.get("scope"))
    if details.get("asked") is False:
        if has_scopes:
            return _("%(user)s was not asked again, and %(client)s may: %(scopes)s.")
        return _("%(user)s was not asked again, and went on to %(client)s.")
    return _("%(user)s allowed %(client)s: %(scopes)s.") if has_scopes else _("%(user)s allowed %(client)s.")


def _client_changed(row: Row[Any], details: Details) -> str:
    change, fields = details.get("change"), details.get("fields")
    if change == "delete":
        return _("%(who)s deleted %(client)s.")
    if change == "rotate_secret":
        return _("%(who)s gave %(client)s a new secret.")
    if fields != ["enabled"]:
        return _("%(who)s changed %(client)s.")
    if details.get("enabled") is True:
        return _("%(who)s enabled %(client)s.")
    if details.get("enabled") is False:
        return _("%(who)s disabled %(client)s.")
    return _("%(who)s enabled or disabled %(client)s.")  # an entry from before it said which


_A_KEY = {"rotate": _("%(who)s made the key %(key)s."), "retire": _("%(who)s retired the key %(key)s.")}
_AN_APPLICATION = {
    "approve": _("%(who)s approved the application %(application)s."),
    "revoke": _("%(who)s took back the approval of the application %(application)s."),
    "delete": _("%(who)s deleted the application %(application)s."),
}
_AN_INITIAL_TOKEN = {
    "create": _("%(who)s made an initial access token, which ends in %(hint)s."),
    "revoke": _("%(who)s revoked an initial access token."),
}

#: What each event says: a text, or what chooses one by the entry and its details.
SENTENCES: Mapping[str, str | Choice] = {
    "token_issued": _issued,
    "token_refreshed": _("%(client)s renewed its token for %(user)s."),
    "token_revoked": _revoked,
    "token_rejected": _token_rejected,
    "refresh_token_reused": _(
        "A refresh token that %(client)s has for %(user)s came a second time. It may be stolen, so its approval has ended."
    ),
    "client_rejected": _client_rejected,
    "request_refused": _("A request of %(client)s was refused: %(reason)s"),
    "assertion_rejected": _assertion_rejected,
    "certificate_ignored": _("A client's certificate did not count: it came from none of our proxies."),
    "authorization_granted": _granted,
    "authorization_denied": _by(
        "reason",
        {"withdrawn": _("%(user)s took back what %(client)s was allowed.")},
        _("%(user)s did not allow %(client)s anything."),
    ),
    "client_created": _("%(who)s registered %(client)s."),
    "client_registered": _by(
        "by", {"document": _("%(client)s came with its metadata document.")}, _("%(client)s registered itself.")
    ),
    "client_changed": _client_changed,
    "application_created": _("%(who)s registered the application %(application)s."),
    "application_changed": _by("change", _AN_APPLICATION, _("%(who)s changed the application %(application)s.")),
    "registration_token_changed": _by("change", _AN_INITIAL_TOKEN, _("%(who)s changed an initial access token.")),
    "session_ended": _("The session of %(user)s at %(client)s has ended."),
    "logout_delivered": _("%(client)s was told that %(user)s has signed out."),
    "logout_failed": _("%(client)s could not be told that %(user)s has signed out: %(reason)s"),
    "key_changed": _by("change", _A_KEY, _("%(who)s changed the key %(key)s.")),
    "audit_exported": _("%(who)s exported the audit trail."),
    "audit_trimmed": _("The entries of the audit trail up to number %(number)s were deleted, as they were old."),
    "audit_broken": _(
        "The end of the audit trail is not as it was left: somebody changed it, or SECRET_KEY is another."
    ),
}

#: Reasons of refusals as the code words them, or how they begin, and what people read.
REASONS = {
    "wrong secret": _("its secret is wrong."),
    "no such client": _("there is no client of that name."),
    "the client is disabled": _("it is disabled, or its application is not approved."),
    "no credentials": _("it did not say who it is."),
    "the client did not authenticate": _("it did not prove who it is."),
    "no certificate": _("it came without its certificate."),
    "a client_secret without a client_id": _("it sent a secret without its client_id."),
    "an Authorization header": _("its Authorization header can't be read."),
    "certificate: ": _("its certificate is not the registered one."),
    "client assertion: it was used before": _("its signed assertion was used before."),
    "client assertion: ": _("its signed assertion is not right."),
    "its document can't be had": _("its metadata document can't be had."),
    "more different ones": _("there were more refusals than are written one by one."),
    "The access token was revoked": _("it was revoked."),
    "The access token expired": _("it has expired."),
    "The client of this access token": _("its client was disabled or deleted."),
    "The access token is not known here": _("there is no such token."),
}


def sentence(row: Row[Any], settings: Settings, names: Mapping[str, str]) -> Markup:
    """An entry as a sentence, with links. `names`: of the clients that there are, by their `client_id`."""
    details = row.details if isinstance(row.details, dict) else {}
    found = SENTENCES.get(row.event)
    if found is None:  # the app's own, or of a version to come
        return Markup("<code>%s</code>") % plain(row.event)
    text = found if isinstance(found, str) else found(row, details)
    application = str(details.get("application_id") or NONE)
    values = {
        "client": client_link(row.client_id, names),
        "user": _user(row.subject),
        "who": _who(row, names),
        "scopes": _scopes(str(details.get("scope") or ""), settings) if "%(scopes)s" in text else "",
        "reason": _name(reason_in_words(str(details.get("reason") or row.outcome)), longest=300),
        "key": _name(str(details.get("kid") or NONE)),
        "application": _link("admin_application", application, application_id=application),
        "hint": _name(f"…{details.get('hint') or ''}"),
        "number": _name(str(details.get("up_to") or NONE)),
    }
    return Markup(escape(translate(text))) % values  # noqa: S704 (it is escaped, and so are the values)


def reason_in_words(reason: str) -> str:
    """Why something was refused, in words for people where there are some."""
    for beginning, words in REASONS.items():
        if reason.startswith(beginning):
            return translate(words)
    if reason.endswith(" is not offered"):
        return translate("clients can't authenticate that way here.")
    return explain(reason)


def client_link(client_id: str | None, names: Mapping[str, str]) -> Markup:
    """A client by its name, as a link where it still is there."""
    if client_id is None:
        return _name(translate("a client"))
    if client_id not in names:
        return _name(client_id)
    return _link("admin_client", names[client_id], client_id=client_id)


def _user(subject: str | None) -> Markup:
    if subject is None:
        return _name(translate("nobody"))
    return _link("admin_audit", subject, subject=subject)


def _who(row: Row[Any], names: Mapping[str, str]) -> Markup:
    if row.actor == CODE:
        return _name(translate("command line or code"))
    if row.actor is not None:
        return _name(row.actor)
    return client_link(row.client_id, names) if row.client_id else _name(translate("The server"))


def _scopes(scope: str, settings: Settings) -> Markup:
    words = scope_descriptions(settings)
    asked = scope.split()
    shown = [_name(translate_own(words.get(name) or name.removeprefix(MARK))) for name in asked[:MOST_SCOPES]]
    return Markup(", ").join([*shown, "…"] if len(asked) > MOST_SCOPES else shown)


def _name(text: str, longest: int = LONGEST) -> Markup:
    shown = plain(text)
    return Markup("<bdi>%s</bdi>") % (shown if len(shown) <= longest else f"{shown[: longest - 1]}…")


def _link(endpoint: str, text: str, **query: Any) -> Markup:
    return Markup('<a href="%s">%s</a>') % (url_for(f"oauth.{endpoint}", **query), _name(text))
