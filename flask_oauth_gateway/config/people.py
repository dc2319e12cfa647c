"""Settings of the pages for people: what the site is called, and what its users may make for themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .checks import ConfigurationError, boolean, optional_text, positive
from .registration import read_ceiling
from .setting import setting


def read_logo(key: str, value: Any) -> str | None:
    """A path on this site, or an https URL."""
    text = optional_text(key, value)
    if text is None:
        return None
    wrong = ConfigurationError(key, value, "a path on this site that begins with a slash, or an https URL")
    if not re.fullmatch(r"[\x21-\x7e]+", text) or re.search(r"[\\;,'\"]", text):
        raise wrong
    try:
        parts = urlsplit(text)
        is_path = not parts.scheme and not parts.netloc and text.startswith("/") and not text.startswith("//")
        # It goes into a policy as it stands, where a star would be any host.
        is_url = parts.scheme == "https" and bool(re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", parts.netloc))
        _ = parts.port
    except ValueError:
        raise wrong from None
    if not is_path and not is_url:
        raise wrong
    return text


@dataclass(frozen=True, init=False, repr=False, eq=False)
class PeopleSettings:
    """A group of `Settings`."""

    __slots__ = ()

    site_name: str | None = setting(
        None,
        optional_text,
        "What this site is called, as its users know it: whose account the pages speak of. Where it is left out, they name"
        " the host.",
    )
    site_logo: str | None = setting(
        None,
        read_logo,
        "The site's picture on the pages: a path on this site, or an https URL whose origin the pages' policy then allows.",
    )
    developer: bool = setting(
        False,
        boolean,
        "Whether users register apps of their own at `/oauth/developer/`, and by the management API with their own token"
        " that has the scope `oauth:apps`.",
    )
    developer_scopes: tuple[str, ...] | None = setting(
        None,
        read_ceiling,
        "The scopes that such an app may have. `None`: all of `OAUTH_SCOPES` but `oauth:admin` and `oauth:apps`.",
    )
    developer_approval: bool = setting(
        False,
        boolean,
        "Whether such an app waits for an administrator. Meanwhile its owner alone may try it.",
    )
    developer_max: int = setting(20, positive, "How many apps a user may have.")
    personal_tokens: bool = setting(
        False,
        boolean,
        "Whether users make tokens for themselves at `/oauth/tokens`, for their scripts.",
    )
    personal_token_max_lifetime: int = setting(
        365 * 86400, positive, "The longest that such a token may live. None is without an end."
    )
