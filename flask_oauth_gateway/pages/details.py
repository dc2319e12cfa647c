"""Authorization details (RFC 9396) on pages: in words, and granted as they were shown.

A hook may return something else each time that it is called. So the form of the page carries what was shown, signed for this
user and this page, and no hook is asked when it comes back.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from ..permissions.details import compact
from ..tokens.sign_in import AUTHORIZATION_DETAILS
from ..web.csrf import carried_by, new_form_token
from .person import last
from .rendering import plain
from .translations import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..authorization.parameters import Visit
    from ..authorization.request import Authorization
    from ..authorization_server import AuthorizationServer
    from ..config import Settings
    from ..stores.registered_client import Client
    from .person import Form, Person

Details = tuple["Mapping[str, Any]", ...]
FIELD = "details_token"


class Shown(NamedTuple):
    """A detail as a page shows it. `templates`: the app's for its type, else ours."""

    type: str
    description: str
    detail: Mapping[str, Any]
    fields: tuple[tuple[str, Any], ...]
    templates: tuple[str, str]


def as_shown(
    server: AuthorizationServer, visit: Visit, authorization: Authorization, person: Person, shown: bool
) -> tuple[Authorization, bool]:
    """The request with its details as the page shows them, and whether the form that was sent was shown with them.

    `shown`: whether the form is the page's own. Raises `InvalidAuthorizationDetails` where a hook refuses.
    """
    form = visit.form if shown else None
    if form is not None and last(form, "decision") != "allow":  # whoever refuses, refuses whatever it was
        return authorization, True
    found = None if form is None else carried(form, person.subject, visit.fingerprint)
    if found is None:
        details = decided(server, authorization.authorization_details, authorization.client, person.user)
        return replace(authorization, authorization_details=details), False
    return replace(authorization, authorization_details=found), True


def decided(server: AuthorizationServer, details: Iterable[Mapping[str, Any]], client: Client, user: Any) -> Details:
    """The details as the app's hooks return them. Raises `InvalidAuthorizationDetails`."""
    return () if server.details is None else server.details.decided(tuple(map(dict, details)), client, user)


def for_page(settings: Settings, details: Details, subject: str, page: str) -> dict[str, Any]:
    """What the template of a page with a form gets: the details in words, and the field that carries them.

    `page`: what the page's form is bound to, beside the user.
    """
    token = new_form_token(subject, page, AUTHORIZATION_DETAILS, carries=compact(details))
    return {**words_for(settings), "details": details, FIELD: token}


def words_for(settings: Settings) -> dict[str, Any]:
    """What a template gets that shows details: `in_words`, and what shows their fields."""
    return {"in_words": lambda details: in_words(details, settings), "label_of": label_of, "plain": plain}


def carried(form: Form, subject: str, page: str) -> Details | None:
    """The details that a form was shown with; `None` where that wasn't so, or not to this user on this page."""
    found = carried_by(last(form, FIELD), subject, page, AUTHORIZATION_DETAILS)
    return None if found is None else tuple(json.loads(found))


def in_words(details: Iterable[Mapping[str, Any]], settings: Settings) -> tuple[Shown, ...]:
    """The details with what a page says of each."""
    found = []
    for each in details:
        name = each["type"]
        about = settings.authorization_details.get(name, {"description": name})
        fields = tuple((label_of(field), value) for field, value in each.items() if field != "type")
        # Every character but letters, digits, "_", "." and "-" is encoded, so that a type is always one name in one folder.
        templates = (f"oauth/details/{quote(name, safe='')}.html", "oauth/_detail.html")
        found.append(Shown(name, about["description"], each, fields, templates))
    return tuple(found)


def label_of(name: str) -> str:
    """The name of a field in words: `instructedAmount` and `instructed_amount` are "Instructed amount"."""
    known = {
        "locations": translate("Where"),
        "actions": translate("What"),
        "datatypes": translate("Kinds of data"),
        "identifier": translate("Identifier"),
        "privileges": translate("Privileges"),
    }
    if name in known:
        return known[name]
    words = plain(re.sub(r"[_\s-]+|(?<=[a-z0-9])(?=[A-Z])", " ", name)).split()
    text = " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)
    return text[:1].upper() + text[1:] if text else name
