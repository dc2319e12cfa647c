"""Sends the browser on from a form of ours to where a client, or the app's sign-in, may send it further.

Chromium holds the policy of the page whose form was sent (`form-action`) against every redirect that follows, and nobody
knows where those of a client's callback lead. So a browser gets a page in between, and that page begins a journey of
its own: the forms themselves may lead to this site alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

from ..web.request import is_browser
from .rendering import render_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse


def leave(answer: Response | BaseResponse) -> Response | BaseResponse:
    """A redirect as a page that goes there by itself, without script, or by its link.

    Programs get the redirect. So do browsers that sent a form and go to an app: the form's page names the app's scheme,
    an app sends nobody further, and phones open apps more readily where a person pressed a button.
    """
    to = answer.location or ""
    if not is_browser() or (request.method == "POST" and app_scheme(to) is not None):
        return answer
    page = render_page("leaving.html", to=to)
    for cookie in answer.headers.getlist("Set-Cookie"):
        page.headers.add("Set-Cookie", cookie)
    return page


def app_scheme(uri: str) -> str | None:
    """The scheme of an app's own URI as a policy's source; `None` for a URI of the web, or a path."""
    scheme = urlsplit(uri).scheme
    return None if scheme in ("", "http", "https") else f"{scheme}:"


def post_to_client(redirect_uri: str, answer: Mapping[str, str]) -> Response:
    """The page that posts an answer to the client's redirect URI (OAuth 2.0 Form Post Response Mode).

    Its form leads to another site, so a policy for forms would be held against that site's redirects. What the policy
    is for is seen to here: the page must hold no other form, field or button than the answer's. Where an app's own
    template has others, they lead to this site and the client's alone.
    """
    page = render_page("form_post.html", sends_to=_source(redirect_uri), action=redirect_uri, answer=answer)
    if _holds_only(page.get_data(as_text=True), len(answer)):
        page.headers["Content-Security-Policy"] = page.headers["Content-Security-Policy"].partition("; form-action")[0]
    return page


def _holds_only(html: str, fields: int) -> bool:
    """Whether a page has one form, with one button and so many fields. Values hold no `<`: they are escaped."""
    return [len(re.findall(f"<{tag}", html, re.IGNORECASE)) for tag in ("form", "input", "button")] == [1, fields, 1]


def _source(uri: str) -> str:
    """A redirect URI as a policy's source. A policy has no way to write an IPv6 address."""
    parts = urlsplit(uri)
    if parts.scheme != "http" or ":" in (parts.hostname or ""):
        return f"{parts.scheme}:"
    return f"http://{parts.hostname}:*"
