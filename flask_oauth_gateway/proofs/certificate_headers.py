"""The formats in which proxies hand on a client's certificate: each function reads a header, and returns DER.

What can't be read in exactly one way is no certificate: two of them, a quote without its end, a hash alone. Each function
takes time in proportion to the text, which the caller has limited.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
MAX_CHAIN = 10

#: A byte sequence (RFC 8941 section 3.3.5), as RFC 9440 section 2.1 has it: without parameters.
_BYTES = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
#: A pair of Envoy's header and what ends it. In quotes a quote is written `\"`; a backslash before anything else is itself.
_PAIR = re.compile(r'[ \t]*+([A-Za-z]+)=(?:"((?:[^"\\]|\\"|\\(?!"))*+)"|([^",;]*+))[ \t]*+([,;]|\Z)')


class Presented(NamedTuple):
    """A client's certificate and those that came with it, which may lead to its CA; each in DER."""

    leaf: bytes
    chain: tuple[bytes, ...] = ()


Format = Callable[[str], Presented | None]


def read_pem(text: str) -> Presented | None:
    """PEM, with or without its first and last lines, with any white space or none, percent-encoded or not (Traefik)."""
    leaf = _der_of_pem(_unquoted(text))
    return None if leaf is None else Presented(leaf)


def read_der(text: str) -> Presented | None:
    """DER in base64 (HAProxy, Caddy, Cloudflare)."""
    leaf = _decoded(text.strip())
    return None if leaf is None else Presented(leaf)


def read_structured(text: str) -> Presented | None:
    """`Client-Cert` of RFC 9440: a byte sequence, one."""
    leaf = _byte_sequence(text)
    return None if leaf is None else Presented(leaf)


def read_structured_chain(text: str) -> tuple[bytes, ...]:
    """`Client-Cert-Chain` of RFC 9440: a list of byte sequences; nothing, where one can't be read."""
    found = [_byte_sequence(each) for each in text.split(",", MAX_CHAIN)]
    return tuple(each for each in found if each is not None) if None not in found else ()


def read_xfcc(text: str) -> Presented | None:
    """`x-forwarded-client-cert` of Envoy: the last element, which Envoy itself has added to those that the caller sent."""
    element: dict[str, str] = {}
    at, ended_by = 0, ";"
    while ended_by:
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        name, quoted, bare, ended_by = pair[1].lower(), pair[2], pair[3], pair[4]
        if name in element and name in ("cert", "chain", "hash"):
            return None
        element[name] = bare if quoted is None else quoted.replace('\\"', '"')
        at = pair.end()
        if ended_by == ",":
            element = {}
    leaf = _der_of_pem(_unquoted(element.get("cert", "")))
    return None if leaf is None else Presented(leaf, _pems(_unquoted(element.get("chain", ""))))


FORMATS: dict[str, Format] = {
    "pem-escaped": read_pem,
    "pem": read_pem,
    "der-base64": read_der,
    "structured": read_structured,
    "xfcc": read_xfcc,
}


def _unquoted(text: str) -> str:
    """A text without percent-encoding; `+` stays itself. Empty, where it is not ASCII."""
    try:
        return unquote_to_bytes(text).decode("ascii") if "%" in text else text
    except UnicodeDecodeError:
        return ""


def _pems(text: str) -> tuple[bytes, ...]:
    """The certificates of a PEM text; none, where one can't be read."""
    *pems, rest = text.split(END, MAX_CHAIN)
    found = [_der_of_pem(each + END) for each in pems]
    return tuple(each for each in found if each is not None) if None not in found and not rest.strip() else ()


def _der_of_pem(text: str) -> bytes | None:
    body = text.strip()
    if body.startswith(BEGIN):
        if not body.endswith(END):
            return None
        body = body[len(BEGIN) : -len(END)]
    return _decoded("".join(body.split()))


def _byte_sequence(text: str) -> bytes | None:
    found = _BYTES.fullmatch(text.strip(" \t"))
    return None if found is None else _decoded(found[1])


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None
