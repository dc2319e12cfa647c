"""What a client would learn of the user by OpenID Connect: each claim in words, with the value that would be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...config.openid import OPENID
from ...permissions.claims import MARK, claim_of
from ...web.logs import logger
from ..rendering import plain
from ..translations import date, translate

if TYPE_CHECKING:
    from ...authorization.consent import Question
    from ...authorization_server import AuthorizationServer
    from ...stores.registered_client import Client
    from ..person import Person

MOST = 40  # claims
LONGEST = 200  # characters of a value
MOST_PARTS = 20  # of a list or an object
DEEPEST = 3
MORE = "\N{HORIZONTAL ELLIPSIS}"

Sent = tuple[str, str]  # a claim's name in words, and its value


def claims_sent(
    server: AuthorizationServer, client: Client, person: Person, question: Question, by_name: frozenset[str]
) -> dict[str, list[Sent]]:
    """What leaves the server with each scope on the page, as the ID token and userinfo would say it.

    Nothing without `openid`. Where the app's `user_claims` hook fails, the page names no values, and can still be answered.
    Beyond `MOST` claims only their names are told.
    """
    asked = question.names
    if not server.settings.oidc or OPENID not in asked:
        return {}
    scopes = tuple(name for name in asked if not name.startswith(MARK))
    try:
        told = server.openid.user_claims.of(person.user, scopes, by_name, by_scope=True)
        given = json.loads(json.dumps(told))  # as it is sent: an enumeration's member, say, is a plain text there
    except Exception as error:  # noqa: BLE001 - whatever the app's own code raises
        logger.error("The user_claims hook failed for the consent page: %s", type(error).__name__)
        given = {}
    is_pairwise = server.openid.subjects.is_pairwise(client)
    label = (
        translate("A name for you that no other application knows")
        if is_pairwise
        else translate("Your account's identifier")
    )
    found: dict[str, list[Sent]] = {OPENID: [(label, server.openid.subjects.of(client, person.subject))]}
    labels = names_of_claims()
    for name, value in [*given.items()][:MOST]:
        text = in_words(claim_of(name), value)
        if text:
            place = _place(server, claim_of(name), question, scopes)
            label = labels.get(claim_of(name), plain(claim_of(name)[:LONGEST]))
            found.setdefault(place, []).append((label, text))
    if len(given) > MOST:
        found[OPENID].append((MORE, _cut(", ".join([*given][MOST:]))))
    return found


def _place(server: AuthorizationServer, claim: str, question: Question, scopes: tuple[str, ...]) -> str:
    """The scope on the page with which a claim leaves the server: its own, or one that includes that and stands for it."""
    if MARK + claim in question.names:
        return MARK + claim
    by_scope = server.openid.user_claims.by_scope
    own = [scope for scope in scopes if claim in by_scope.get(scope, ())]
    shown = (*question.new, *question.known)
    including = (one for scope in own for one in shown if one in question.included.get(scope, ()))
    return next((scope for scope in own if scope in shown), None) or next(including, OPENID)


def in_words(claim: str, value: Any, depth: int = 0) -> str:
    """A claim's value as text. What is long is cut, what is nested is flat; a standard address is its lines."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    if claim == "updated_at" and isinstance(value, int | float):
        try:
            return date(int(value))
        except (ValueError, OverflowError, OSError):
            return str(value)
    if isinstance(value, Mapping) and depth < DEEPEST:
        formatted = value.get("formatted") if claim == "address" else None
        whole = formatted if isinstance(formatted, str) else ""
        parts = [(str(name), in_words("", part, depth + 1)) for name, part in islice(value.items(), MOST_PARTS)]
        if claim == "address":
            others = (part for name, part in parts if name != "formatted" and part not in whole)
            return _listed([*filter(str.strip, whole.split("\n")), *others], value)
        return _listed([f"{name}: {part}" for name, part in parts if part], value)
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return _listed([in_words("", part, depth + 1) for part in value[:MOST_PARTS]], value)
    return _cut(str(value)[: LONGEST + 1])


def _listed(parts: list[str], of: Sized) -> str:
    return _cut(", ".join([*filter(None, parts), *([MORE] if len(of) > MOST_PARTS else [])]))


def _cut(text: str) -> str:
    text = plain(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}{MORE}"


def names_of_claims() -> dict[str, str]:
    """OpenID Connect's claims (Core section 5.1), in the user's language."""
    return {
        "name": translate("Your name"),
        "given_name": translate("Your given name"),
        "family_name": translate("Your family name"),
        "middle_name": translate("Your middle name"),
        "nickname": translate("Your nickname"),
        "preferred_username": translate("Your user name"),
        "profile": translate("Your profile page"),
        "picture": translate("Your picture"),
        "website": translate("Your website"),
        "email": translate("Your email address"),
        "email_verified": translate("Your email address is confirmed"),
        "gender": translate("Your gender"),
        "birthdate": translate("Your date of birth"),
        "zoneinfo": translate("Your time zone"),
        "locale": translate("Your language"),
        "phone_number": translate("Your phone number"),
        "phone_number_verified": translate("Your phone number is confirmed"),
        "address": translate("Your address"),
        "updated_at": translate("Your profile was last changed"),
    }
