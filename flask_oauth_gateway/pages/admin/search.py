"""`GET, POST /oauth/admin/search`: one field for everything: clients, users, tokens, scopes, applications, issuers, keys.

What is looked for may be a token, so it comes in a form, never in an address, and a token is never shown again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from ...crypto.hashing import token_key
from ...descriptions.issuers import describe_issuers
from ...hooks import is_subject
from ...stores.figures.clients import names_of, with_scope
from ...tokens.reading import is_jwt
from ..rendering import plain, title_of
from ..translations import translate, translate_own
from . import Visit, page, stale_text, when
from .sentences import reason_in_words

if TYPE_CHECKING:
    from flask import Response

    from ...tokens.access_token import AccessToken

MOST = 10  # of a kind
LONGEST = 16 * 1024
SHORTEST_SECRET = 20
_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: its name, where it is shown, and what is said beside it, each with its label."""

    name: str
    url: str
    facts: tuple[tuple[str, str], ...] = ()
    state: str | None = None  # why it doesn't work
    links: tuple[tuple[str, str], ...] = ()


@page
def search(visit: Visit) -> Response:
    """Show the field, and what was found."""
    text = re.sub(r"\A(?i:bearer)\s+", "", visit.sent("q").replace("\0", ""))[:LONGEST]
    problem = stale_text() if visit.form is not None and visit.is_stale else None
    found: dict[str, list[Hit]] = {}
    if text and problem is None:
        found = {name: hits for name, look in KINDS.items() if (hits := list(look(visit, text)))}
    return visit.render(
        "search.html",
        "search",
        200 if problem is None else 400,
        problem=problem,
        found=found,
        is_asked=bool(text) and problem is None,
        text="" if "tokens" in found or (not found and may_be_secret(text)) else text,
    )


def may_be_secret(text: str) -> bool:
    """Whether a text may be a token or a secret: one long word."""
    return len(text) >= SHORTEST_SECRET and not re.search(r"\s", text)


def _clients(visit: Visit, text: str) -> Iterator[Hit]:
    for each in visit.server.client_registry.find(text, limit=MOST).clients:
        state = None if each.enabled else translate("Disabled")
        facts = ((translate("Owner"), each.owner),) if each.owner else ()
        url = url_for("oauth.admin_client", client_id=each.client_id)
        yield Hit(title_of(each), url, (("client_id", each.client_id), *facts), state)


def _applications(visit: Visit, text: str) -> Iterator[Hit]:
    for each in visit.server.application_registry.find(text, limit=MOST).applications:
        url = url_for("oauth.admin_application", application_id=each.application_id)
        facts = ((translate("Owner"), each.owner),) if each.owner else ()
        yield Hit(each.name, url, (("application_id", each.application_id), *facts))


def _users(visit: Visit, text: str) -> Iterator[Hit]:
    server = visit.server
    if not is_subject(text):
        return
    is_known = (
        server.approvals.page(client=None, subject=text, after=None, limit=1)
        or server.token_registry.find(subject=text, live=False, limit=1).tokens
        or server.audit.newest(1, {"subject": text})
    )
    if is_known:
        pages = [("grants", translate("Approvals")), ("tokens", translate("Tokens"))]
        if server.settings.has_admin_sessions:
            pages.append(("sessions", translate("Sessions")))
        links = [(label, url_for(f"oauth.admin_{name}", subject=text)) for name, label in pages]
        yield Hit(text, url_for("oauth.admin_audit", subject=text), links=tuple(links))


def _tokens(visit: Visit, text: str) -> Iterator[Hit]:
    """An access token by its id or by itself, an approval by its id or by its refresh token."""
    server = visit.server
    is_id = _ID.fullmatch(text) is not None
    found = server.token_registry.get(token_id=text) if is_id else server.token_registry.get(token=text)
    if found is not None:
        yield _token(found)
        return
    row = None
    if is_id:
        row = server.approvals.find(bytes.fromhex(text))
    elif not is_jwt(text):
        row = server.approvals.find_refresh_token(token_key(text))
    if row is not None:
        facts = [
            (translate("User"), row.subject),
            (translate("Client"), row.client_id),
            (translate("Scopes"), row.scope),
        ]
        is_over = row.revoked_at is not None
        yield Hit(
            translate("Approval") if is_id else translate("Refresh token"),
            url_for("oauth.admin_grants", client_id=row.client_id, subject=row.subject),
            tuple((label, value) for label, value in facts if value),
            translate("it was revoked.") if is_over else None,
        )


def _token(found: AccessToken) -> Hit:
    facts = [
        (translate("User"), found.subject),
        (translate("Client"), found.client_id),
        (translate("Scopes"), " ".join(sorted(found.scopes))),
        (translate("Since"), when(found.iat)),
        (translate("Expires"), when(found.exp)),
    ]
    return Hit(
        found.token_id,
        url_for("oauth.admin_tokens", client_id=found.client_id, subject=found.subject),
        tuple((label, str(value)) for label, value in facts if value),
        None if found.refusal is None else reason_in_words(found.refusal),
    )


def _scopes(visit: Visit, text: str) -> Iterator[Hit]:
    wanted, every = text.casefold(), visit.server.settings.scopes
    named = [name for name, words in every.items() if wanted in name.casefold() or wanted in words.casefold()]
    for name in sorted(named, key=lambda each: each != text)[:MOST]:
        links: list[tuple[str, str]] = []
        if name == text:
            may = names_of(visit.server.database, with_scope(visit.server.database, name, MOST))
            links = [(plain(title), url_for("oauth.admin_client", client_id=its)) for its, title in sorted(may.items())]
        yield Hit(
            name, "", ((translate("Meaning"), translate_own(every[name])),) if every[name] else (), links=tuple(links)
        )


def _issuers(visit: Visit, text: str) -> Iterator[Hit]:
    for each in describe_issuers(visit.server, configured_only=True):
        if text.casefold() in str(each["issuer"]).casefold():
            yield Hit(str(each["issuer"]), url_for("oauth.admin_issuers"), ((translate("Kind"), str(each["kind"])),))


def _keys(visit: Visit, text: str) -> Iterator[Hit]:
    for each in visit.server.key_ring.all():
        if each.kid.startswith(text):
            yield Hit(each.kid, url_for("oauth.admin_keys"), ((translate("Algorithm"), each.algorithm),))


#: What is looked through, in the order in which it is shown. The template has the headings.
KINDS: dict[str, Callable[[Visit, str], Iterator[Hit]]] = {
    "tokens": _tokens,
    "clients": _clients,
    "applications": _applications,
    "users": _users,
    "scopes": _scopes,
    "issuers": _issuers,
    "keys": _keys,
}
