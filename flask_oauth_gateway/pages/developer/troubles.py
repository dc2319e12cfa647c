"""What went wrong with an app within the last day, in plain words: from the audit trail's entries about it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..admin import when
from ..rendering import plain
from ..translations import translate

if TYPE_CHECKING:
    from ...authorization_server import AuthorizationServer
    from ...stores.registered_client import Client

DAY = 86400
MOST_READ, MOST_SHOWN = 500, 20
EVENTS = ("client_rejected", "request_refused", "token_rejected", "assertion_rejected", "refresh_token_reused")


class Trouble(NamedTuple):
    """Something that went wrong: in words, what helps, as the server said it, how often, and when last (UTC)."""

    words: str
    help: str
    said: str
    got: str
    times: int
    at: str


def troubles_of(server: AuthorizationServer, client: Client) -> list[Trouble]:
    """The last day's troubles, the latest first. Who sent the requests, and from where, is nobody's business here."""
    since = int(time.time()) - DAY
    found: dict[tuple[str, str, str], list[Any]] = {}
    for row in server.audit.page({"client_id": client.client_id}, since=since, limit=MOST_READ):
        if row.event not in EVENTS or row.at < client.created_at:
            continue
        details = row.details or {}
        key = (row.event, str(details.get("reason", row.outcome)), str(details.get("got", "")))
        seen = found.setdefault(key, [0, row.at])
        seen[0] += 1 + int(details.get("repeated", 0))
    troubles = []
    for (event, reason, got), (times, last) in list(found.items())[:MOST_SHOWN]:
        words, help_ = _words_for(event, reason)
        troubles.append(Trouble(words, help_, plain(reason), plain(got), times, when(last)))
    return troubles


def _words_for(event: str, reason: str) -> tuple[str, str]:
    for kind, pattern, words, help_ in _WORDS:
        if kind in (event, "*") and re.search(pattern, reason):
            return translate(words), translate(help_)
    return translate("A request of your app was refused."), ""


def _(text: str) -> str:
    return text


#: The event, a pattern for what the server noted, what that means, and what helps.
_WORDS: tuple[tuple[str, str, str, str], ...] = (
    ("client_rejected", "wrong secret", _("Your app sent a wrong secret."),
     _("Copy the secret anew, without spaces around it. One that has expired or was replaced is wrong too.")),
    ("client_rejected", "no credentials|did not authenticate|client_id", _("Your app didn't say who it is."),
     _("It must send its client_id and its secret, by HTTP Basic or in the body of the request.")),
    ("client_rejected", "is not offered|no client of that name",
     _("Your app authenticated in a way that it isn't registered for."),
     _("Use the way that stands on this page as client authentication.")),
    ("client_rejected", "disabled", _("Your app is switched off."), _("Ask an administrator why.")),
    ("client_rejected", "client assertion", _("The assertion with which your app says who it is was not accepted."),
     _("Look at its signature, audience and times; each is good for one use.")),
    ("refresh_token_reused", "", _("A refresh token was used twice, so its access was ended."),
     _("Keep the new refresh token of every answer, and never use the old one again.")),
    ("*", "waits for an administrator", _("Somebody else than you used your app before it is approved."),
     _("Until then it works for you alone.")),
    ("*", "address to send you back|redirect", _("The redirect URI isn't one of those that are registered."),
     _("It must be the same, letter by letter, with its slash at the end or without.")),
    ("*", "code_verifier|code_challenge|PKCE", _("PKCE was missing or didn't fit."),
     _("Send a code_challenge with method S256, and for the code the code_verifier that it was made of.")),
    ("*", "scope", _("Your app asked for a scope that it may not have."), _("Tick the scope here, or don't ask for it.")),
    ("*", "code is unknown|authorization code|The code", _("The authorization code was no longer good."),
     _("Exchange it at once and only once: it lives for a minute.")),
    ("*", "refresh token", _("The refresh token was no longer good."), _("Send the user through the sign-in again.")),
    ("*", "not registered for", _("Your app used a flow that it isn't registered for."),
     _("Each kind of app has its own; register another app for another kind.")),
    ("*", "grant type", _("This flow isn't on here."), _("Look at the server's metadata for what there is.")),
    ("token_rejected", "expired", _("Your app came with an access token that has expired."),
     _("Get a new one by the refresh token before it expires.")),
    ("token_rejected", "", _("Your app came with an access token that wasn't accepted."),
     _("It has expired or was revoked, or lacks a scope that is needed there.")),
    ("assertion_rejected", "", _("An assertion was not accepted."), ""),
    ("*", "is missing|is repeated|must be", _("A request of your app wasn't complete, or said something twice."), ""),
)  # fmt: skip
