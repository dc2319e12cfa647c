"""Texts that errors may show: without what RFC 6749 forbids in them, and without what may be a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def clean(text: object, limit: int = 200) -> str:
    """A text fit for `error_description`: cut at `limit` characters, with `?` for what RFC 6749 section 5.2 forbids."""
    characters = str(text)
    if len(characters) > limit:
        characters = characters[:limit] + "..."
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in characters)


#: PEM private keys, also cut off; what stands before the `@` of a URL, save `<user>`; what is named as a secret, in a query,
#: an object or its repr; and lines of base64 as long as those of a key.
_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)", re.DOTALL
        ),
        "(a private key)",
    ),
    (re.compile(r"(?<=://)(?!<)\S{0,400}@"), "...@"),
    (re.compile(r"(?i)((?:client_secret|secret|password|passwd|assertion|token)=)[^&\s'\"]+"), r"\1..."),
    (
        re.compile(
            r"""(\\?['"](?:client_secret|secret|password|d|k|p|q|dp|dq|qi|oth)\\?['"]\s*:\s*)b?(\\?['"]).*?\2"""
        ),
        r"\1'...'",
    ),
    (re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{48,}"), lambda found: _long_text(found.group())),
)


def _long_text(text: str) -> str:
    """What stands for a long text without spaces: nothing of it, unless it looks like the path of a file."""
    is_path = text.startswith("/") and (text.count("/") > 4 or not re.search("[A-Z].*[0-9]|[0-9].*[A-Z]", text))
    return text if is_path else "(a long text without spaces)"


def holds_private_key(text: str) -> bool:
    """Whether a text holds a PEM private key, or an object with a secret member such as those of a private JWK."""
    return any(_SECRETS[which][0].search(text) for which in (0, 3))


def without_secrets(text: object) -> str:
    """A text, as of an error of another library, without what may be a secret in it."""
    found = str(text)
    for secret, instead in _SECRETS:
        found = secret.sub(instead, found)
    return found


def shown(value: object, limit: int = 200) -> str:
    """What an error repeats of a value that it refuses: at most `limit` characters, and nothing that may be a secret."""
    text = without_secrets(repr(value))
    return text if len(text) <= limit else text[:limit] + "..."
