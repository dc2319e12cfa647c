"""`POST /oauth/admin/clients/bulk`, `…/tokens/bulk`: one action on several clients or tokens, after a look at what would end.

The first form says which and what, and its answer shows what would end. That page's own form carries, signed, exactly what was
shown. Each client or token is then looked at again, and done or left alone by itself: the answer says which, and why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest

from ...clients.members import ClientMetadataError
from ...clients.registry import ClientNotFound
from ...errors import OAuth2Error
from ...stores.figures.clients import MOST_COUNTED, usage_of
from ...web.csrf import carried_by, new_form_token
from ..rendering import plain, title_of
from ..translations import translate
from . import PAGE, Visit, page, stale_text, when
from .sentences import reason_in_words

if TYPE_CHECKING:
    from flask import Response

    from ...stores.figures.clients import Usage
    from ...stores.registered_client import Client
    from ...tokens.access_token import AccessToken

MOST = PAGE
ACTIONS = {"clients": ("disable", "enable", "revoke", "delete"), "tokens": ("revoke",)}
LONGEST = 60  # characters of a name that the form carries


@dataclass(frozen=True, slots=True)
class Picked:
    """A client or token on the page.

    `client_id`: of a client that there is; `note`: what to know of it, or what became of it; `carried`: what was shown of it.
    """

    name: str
    client_id: str | None
    cells: tuple[str, ...] = ()
    note: str = ""
    is_done: bool = False
    carried: list[Any] | None = None  # `None`: nothing can be done with it


@page
def clients_bulk(visit: Visit) -> Response:
    """Show what one action on several clients would break, and do it."""
    return _bulk(visit, "clients", "client", _look_at_clients, _act_on_client)


@page
def tokens_bulk(visit: Visit) -> Response:
    """Show several tokens that are to be revoked, and revoke them."""
    return _bulk(visit, "tokens", "token_id", _look_at_tokens, _act_on_token)


def _bulk(
    visit: Visit,
    kind: str,
    field: str,
    look: Callable[[Visit, str, list[str]], Iterator[Picked]],
    act: Callable[[Visit, str, list[Any]], Picked],
) -> Response:
    sent = visit.sent("preview")
    if sent:
        carried = carried_by(sent, visit.subject, f"bulk {kind}")
        if carried is None:
            return _show(visit, kind, "", [], stale_text())
        action, shown = json.loads(carried)
        return _show(visit, kind, action, [act(visit, action, each) for each in shown], is_over=True)
    if visit.is_stale:
        return _show(visit, kind, "", [], stale_text())
    action, problem = visit.sent("action"), None
    if action not in ACTIONS[kind]:
        raise BadRequest(f"action is one of {', '.join(ACTIONS[kind])}.")
    picked = list(dict.fromkeys(each for each in (visit.form or {}).get(field, ()) if each))
    if not picked:
        problem = translate("Select one or more first.")
    elif len(picked) > MOST:
        problem = translate("Select %(number)s at most.", number=MOST)
    return _show(visit, kind, action, list(look(visit, action, picked[:MOST])), problem)


def _show(
    visit: Visit, kind: str, action: str, picked: list[Picked], problem: str | None = None, *, is_over: bool = False
) -> Response:
    left = [each.carried for each in picked if each.carried is not None]
    preview = None
    if left and not is_over:
        carries = json.dumps([action, left], separators=(",", ":"))
        preview = new_form_token(visit.subject, f"bulk {kind}", carries=carries)
    return visit.render(
        "bulk.html",
        kind,
        200 if problem is None else 400,
        problem=problem,
        kind=kind,
        action=action,
        picked=picked,
        number=len(left),
        preview=preview,
        is_over=is_over,
        finished=sum(each.is_done for each in picked),
    )


def _counted(number: int) -> str:
    return f"{number}+" if number >= MOST_COUNTED else str(number)


def _cells(usage: Usage) -> tuple[str, ...]:
    return _counted(usage.tokens), _counted(usage.users), when(usage.last_used) or translate("not known")


def _look_at_clients(visit: Visit, action: str, picked: list[str]) -> Iterator[Picked]:
    for client_id in picked:
        found = visit.server.client_registry.get(client_id)
        if found is None:
            yield Picked(client_id, None, note=translate("It is deleted already."))
            continue
        usage = usage_of(visit.server.database, found)
        name = title_of(found)
        shown = [found.key, found.version, usage.tokens, usage.users, name[:LONGEST]]
        note = _already(action, found)
        if note:
            yield Picked(name, client_id, _cells(usage), note)
        else:
            yield Picked(name, client_id, _cells(usage), _what_it_means(action, found, usage), carried=shown)


def _already(action: str, client: Client) -> str:
    if action == "disable" and not client.switched_on:
        return translate("It is disabled already.")
    return translate("It is enabled already.") if action == "enable" and client.switched_on else ""


def _what_it_means(action: str, client: Client, usage: Usage) -> str:
    if action == "enable":
        if client.application_status not in (None, "approved"):
            return translate("It will not work before its application is approved.")
        return translate("Its tokens work again.") if usage.tokens else ""
    if usage.users:
        return translate("Users are signed in to it.")
    return translate("It has live tokens.") if usage.tokens else ""


def _act_on_client(visit: Visit, action: str, shown: list[Any]) -> Picked:
    """Do it to one client, if that still is as it was shown."""
    key, version, tokens, users, name = shown
    server = visit.server
    found = server.clients.load_by_key(key)
    if found is None:
        return Picked(name, None, note=translate("It was deleted meanwhile."))
    client_id: str | None = found.client_id
    if found.version != version:
        return Picked(
            name, client_id, note=translate("It was changed meanwhile, so nothing was done: look at it again.")
        )
    usage = usage_of(server.database, found)
    if action != "enable" and not (tokens or users) and (usage.tokens or usage.users):
        text = translate("Nobody used it when you looked, and now somebody does: look at it again.")
        return Picked(name, client_id, _cells(usage), text)
    try:
        if action == "delete":
            server.client_registry.delete(found.client_id, version=version, key=key)
            client_id = None
        elif action == "revoke":
            server.revoking.matching(client=found, by="an administrator", actor=visit.subject)
        else:
            server.client_registry.update(found.client_id, version=version, key=key, enabled=action == "enable")
    except ClientNotFound:
        return Picked(name, None, note=translate("It was deleted meanwhile."))
    except ClientMetadataError:
        return Picked(
            name, client_id, note=translate("It was changed meanwhile, so nothing was done: look at it again.")
        )
    except OAuth2Error as error:  # the database is away: the others are tried all the same
        return Picked(name, client_id, note=translate(error.description))
    more = usage.tokens - tokens
    return Picked(
        name,
        client_id,
        _cells(usage),
        translate("It had %(number)s more tokens than when you looked.", number=more) if more > 0 else "",
        is_done=True,
    )


def _look_at_tokens(visit: Visit, action: str, picked: list[str]) -> Iterator[Picked]:
    for token_id in picked:
        found = visit.server.token_registry.get(token_id=token_id)
        if found is None or found.refusal is not None:
            why = translate("there is no such token.") if found is None else reason_in_words(found.refusal or "")
            yield Picked(token_id[:32], None, note=why)
        else:
            yield Picked(token_id, None, _of_token(found), carried=[token_id])


def _of_token(found: AccessToken) -> tuple[str, ...]:
    return plain(found.subject or "–"), plain(found.client_id or "–"), when(found.exp)  # noqa: RUF001 (as elsewhere)


def _act_on_token(visit: Visit, action: str, shown: list[Any]) -> Picked:
    (token_id,) = shown
    found = visit.server.token_registry.get(token_id=token_id)
    cells = () if found is None else _of_token(found)
    try:
        is_done = visit.server.token_registry.revoke(token_id=token_id) == 1
    except OAuth2Error as error:
        return Picked(token_id, None, cells, translate(error.description))
    return Picked(token_id, None, cells, "" if is_done else translate("It had ended already."), is_done=is_done)
