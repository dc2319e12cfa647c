"""Renders the pages: plain HTML from templates that the app may override, under a strict Content-Security-Policy."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from flask import Response, render_template, request
from markupsafe import Markup, escape
from werkzeug.urls import iri_to_uri

from ..clients.redirect_uris import is_impersonable
from ..config import OFFLINE_ACCESS, OWN_SCOPES
from ..config.openid import OPENID_SCOPES
from ..hooks import subject_of
from ..permissions.claims import MARK, claims_by_scope
from ..web.answers import note
from ..web.environ import PAGE_ERROR
from .asking.site import looks_like, this_site
from .translations import date, direction, language, translate, translate_own, translate_plural

if TYPE_CHECKING:
    from ..config import Settings
    from ..doctor.refused import Explanation
    from ..errors import OAuth2Error
    from ..stores.registered_client import Client

# Pictures and fonts of this site are allowed for its logo and the app's theme, and the one other origin of its logo.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'%(logo)s; font-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
NEW_SECONDS = 7 * 86400  # for so long a client is new here
LONGEST_NAME = 120  # characters
MINUTE, HOUR, DAY = 60, 3600, 86400

# Invisible characters that reverse or break up the text beside them, and halves of surrogate pairs, which no page can hold.
# The joiners that some writing systems need may stay.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ud800-\udfff]+"
)
# The mark of a verified client is drawn; a name draws none of its own.
_TICKS = re.compile("[\u2611\u2705\u2713\u2714\u237b\U0001f5f8\U0001f5f9\U0001f6e1]")
_WEB = re.compile(r"(https?://)([^\s/?#\\@]+)([/?#].*)?", re.IGNORECASE | re.DOTALL)
_APP = re.compile(r"()((?!https?:)[a-z][a-z0-9+.-]*)(:.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"The parameter '([^']+)' ([^%]+)")


class Address(NamedTuple):
    """A URI in ASCII, and its parts. `owner` is the host, or an app's scheme."""

    uri: str
    before: str
    owner: str
    after: str


def render_page(
    template: str,
    status: int = 200,
    *,
    sends_to: str | None = None,
    asks_here: bool = False,
    user: Any = None,
    **context: Any,
) -> Response:
    """A page from `templates/oauth/`, or from the app's own template of the same name.

    `asks_here`: the page's script may ask this site something.
    `sends_to`: besides this site, the page's forms may lead to this source, as a policy writes it (CSP3 section 2.3.1).
    """
    site = this_site()
    page = render_template(
        f"oauth/{template}",
        _=translate,
        _own=translate_own,
        address=address,
        contacts_of=contacts_of,
        date=date,
        direction=direction,
        with_names=with_names,
        how_long=how_long,
        is_impersonable=is_impersonable,
        is_new_here=is_new_here,
        language=language,
        logo_of=logo_of,
        looks_like=looks_like,
        site=site,
        title_of=title_of,
        user=user,
        user_name=None if user is None else name_of(user),
        **({"plain": plain} | context),
    )
    asking = "; connect-src 'self'" if asks_here else ""
    policy = POLICY % {"logo": f" {site.logo_origin}" if site.logo_origin else ""}
    response = Response(page, status, mimetype="text/html")
    response.headers.update(
        {
            "Content-Security-Policy": f"{policy}{asking}; form-action 'self'{f' {sends_to}' if sends_to else ''}",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return response


def error_page(
    status: int, error: str, description: str, explanation: Explanation | None = None, *, detail: str = ""
) -> Response:
    """The page that shows an error to the user; in debug mode, with an explanation for the developer.

    `detail`: what the author of the program learns that sent the user here.
    """
    request.environ[PAGE_ERROR] = description
    text = explain(description)
    return render_page("error.html", status, error=error, description=text, explanation=explanation, detail=detail)


def refusal_page(error: OAuth2Error) -> Response:
    """An error as a page, with the headers of its JSON answer."""
    note(error)
    response = error_page(error.status_code, error.error, error.description)
    response.headers.extend(error.extra_headers() if hasattr(error, "extra_headers") else [])
    return response


def explain(description: str | None) -> str:
    """An error's description in the user's language. Descriptions that differ only in a parameter's name share one text."""
    text = description or ""
    found = _PARAMETER.fullmatch(text)
    if found is None:
        return translate(text)
    return translate(f"The parameter '%(name)s' {found[2]}", name=found[1])


def scope_descriptions(settings: Settings) -> dict[str, str]:
    """What each scope lets a client do, in words."""
    words = {OFFLINE_ACCESS: translate("Keep its access while you are away"), **settings.scopes}
    words |= {name: translate(text) for name, text in OWN_SCOPES.items() if words.get(name) == text}
    if settings.oidc:
        words |= {name: translate(text) for name, text in OPENID_SCOPES.items() if words[name] == text}
        claims = (claim for names in claims_by_scope(settings).values() for claim in names)
        words |= {MARK + claim: translate("See this about you: %(name)s", name=claim) for claim in claims}
    return words


def name_of(user: Any) -> str:
    """A name to show for a user: the first of `name`, `username`, `email` that the user has, else the subject."""
    for attribute in ("name", "username", "email"):
        value = getattr(user, attribute, None)
        if isinstance(value, str) and (name := plain(value)):
            return name
    return subject_of(user)


def title_of(client: Client) -> str:
    """A name to show for a client: its `client_name`, else its `client_id`. A long one pushes no warning out of sight."""
    name = plain(_TICKS.sub(" ", client.client_name)) or client.client_id
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def contacts_of(client: Client) -> list[str]:
    """Whom to ask about a client, three at most; of a stranger's only what can be an address: no sentence, and no mark."""
    found = (plain(_TICKS.sub(" ", contact)) for contact in client.contacts)
    return [each for each in found if each and not (client.is_stranger and re.search(r"\s", each))][:3]


def with_names(text: str, **names: str) -> Markup:
    """A sentence with names in it, each apart from the words around it, whatever it holds and whichever way it is written."""
    shown = {name: Markup("<strong><bdi>{}</bdi></strong>").format(value) for name, value in names.items()}
    return Markup(escape(text)) % shown  # noqa: S704 - what is marked as safe was just escaped


def is_new_here(client: Client) -> bool:
    """Whether a client has been known here for less than a week."""
    return time.time() - client.created_at < NEW_SECONDS


def logo_of(client: Client) -> str | None:
    """The path of a client's logo: of a verified client, and on this site alone, so that no other site learns who looks.

    A stranger's would come from where its author likes, and change as its author likes.
    """
    if not client.verified or not client.logo_uri:
        return None
    parts = urlsplit(client.logo_uri)
    return client.logo_uri if parts.netloc == request.host and parts.scheme in ("http", "https") else None


def plain(text: str) -> str:
    """A text from elsewhere, without the characters that would make it look like another text."""
    return _UNSEEN.sub(" ", text).strip()


def address(uri: str) -> Address:
    """A URI in parts, as a browser will read it. `owner` is empty where the URI has no host or scheme to trust."""
    if not uri.isascii():
        try:
            uri = iri_to_uri(uri)
        except ValueError:
            uri = quote(uri, safe="%!#$&'()*+,/:;=?@[]")
    found = _WEB.fullmatch(uri) or _APP.fullmatch(uri)
    return Address(uri, *found.groups("")) if found else Address(uri, "", "", uri)


def how_long(duration: str | int) -> str:
    """An entry of `OAUTH_CONSENT_DURATIONS` in words, in the largest unit that fits."""
    if duration == "once":
        return translate("This time only")
    if duration == "always":
        return translate("Until I take it back")
    seconds = int(duration)
    if seconds % DAY == 0:
        return translate_plural("%(num)s day", "%(num)s days", seconds // DAY)
    if seconds % HOUR == 0:
        return translate_plural("%(num)s hour", "%(num)s hours", seconds // HOUR)
    return translate_plural("%(num)s minute", "%(num)s minutes", max(1, round(seconds / MINUTE)))
