"""A device authorization response as a QR code, which a phone's camera opens (RFC 8628 section 3.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from flask import has_app_context
from markupsafe import Markup

QUIET = 4  # modules of white around it, without which cameras don't find it (ISO/IEC 18004 section 9.1)
PIXELS = 5  # for a module, where no style sheet says how large it is to be
LONGEST = 1024  # characters: more makes squares that a phone at arm's length can't read

_SVG = Markup(
    '<svg class="oauth-qr" role="img" xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}"'
    ' viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><title>{title}</title>'
    '<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
)


def device_qr(response: Mapping[str, Any]) -> Markup:
    """The QR code of a device authorization response, as an SVG for a page.

    `response` is the JSON object that a device was answered, of this or any other server: the code leads to its
    `verification_uri_complete`, or to its `verification_uri` where it has no such member. Show the user code beside it: the
    user compares it with what their phone shows (RFC 8628 section 3.3.1).

    The SVG is black on white with a quiet zone in dark mode too, has a title for screen readers, and no style of its own: size
    it by its class, `oauth-qr`. No gateway is needed: a client may call `OAuthGateway.device_qr`. Raises `ValueError` where
    the response has no such address, and `RuntimeError` where the package segno is missing.
    """
    try:
        import segno
    except ModuleNotFoundError as error:
        raise RuntimeError("QR codes need the package segno: pip install 'flask-oauth-gateway[qr]'.") from error
    address = _address(response)
    page = response.get("verification_uri")
    shown = page if _is_address(page) else address
    if has_app_context():
        from .translations import translate

        title = translate("QR code: leads to %(address)s", address=shown)
    else:
        title = f"QR code: leads to {shown}"
    rows = segno.make_qr(address, "m").matrix
    side = len(rows) + 2 * QUIET
    return _SVG.format(side=side, pixels=side * PIXELS, title=title, path="".join(_bars(rows)))


def _address(response: Mapping[str, Any]) -> str:
    for name in ("verification_uri_complete", "verification_uri"):
        address = response.get(name)
        if address is None or address == "":
            continue
        if not _is_address(address):
            raise ValueError(f"The {name} is no URL that begins with https:// or http://: {address!r:.200}")
        return str(address)
    raise ValueError("The response has neither verification_uri_complete nor verification_uri: is it an error?")


def _is_address(address: Any) -> bool:
    """Whether it is a URL that a camera may open: not `javascript:…`, whatever another server has answered."""
    if not isinstance(address, str) or len(address) > LONGEST:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and address.isprintable()


def _bars(rows: Iterable[Iterable[int]]) -> Iterator[str]:
    """The dark modules of each row, those beside each other as one bar."""
    for y, row in enumerate(rows, QUIET):
        x = QUIET
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                yield f"M{x} {y}h{length}v1h-{length}z"
            x += length
