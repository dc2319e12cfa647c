"""Settings of authorization requests: pushed ahead, signed, answered by a signed answer, with details beyond scopes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import shown
from ..checks import ConfigurationError, boolean, check_keys, dict_of_dicts, names, positive, true_false_or
from ..setting import setting

MAX_PAR_LIFETIME = 600  # seconds
DETAIL_KEYS = ("description", "required", "allowed", "multiple")


def read_par_lifetime(key: str, value: Any) -> int:
    found = positive(key, value)
    if found > MAX_PAR_LIFETIME:
        raise ConfigurationError(key, value, f"a number of seconds from 1 to {MAX_PAR_LIFETIME}, or a timedelta")
    return found


def read_authorization_details(key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A dict of type to a dict with any of `DETAIL_KEYS`; each entry that is returned has all of them."""
    found = {}
    for name, entry in dict_of_dicts(key, value).items():
        where = f"{key}[{shown(name)}]"
        if not re.fullmatch(r"[\x21-\x7e]{1,128}", name):
            allowed = f"a dict by types of 1 to 128 characters without spaces; {shown(name)} is not one"
            raise ConfigurationError(key, value, allowed)
        check_keys(where, entry, DETAIL_KEYS)
        description = entry.get("description", name)
        if not isinstance(description, str) or not description:
            raise ConfigurationError(f"{where}['description']", description, "a text")
        found[name] = {
            "description": description,
            "required": names(f"{where}['required']", entry.get("required", ())),
            "allowed": None if entry.get("allowed") is None else names(f"{where}['allowed']", entry["allowed"]),
            "multiple": boolean(f"{where}['multiple']", entry.get("multiple", True)),
        }
    return found


@dataclass(frozen=True, init=False, repr=False, eq=False)
class AuthorizationRequestSettings:
    """A group of `Settings`."""

    __slots__ = ()

    par: bool | str = setting(
        False,
        true_false_or("required"),
        "Whether clients may push an authorization request to `/oauth/par` before they send the browser with its"
        ' `request_uri` (RFC 9126); `"required"`: no client may ask in another way.',
    )
    par_lifetime: int = setting(
        60, read_par_lifetime, "Within how many seconds a browser must come with a `request_uri`, at most 600."
    )
    jar: bool | str = setting(
        False,
        true_false_or("required"),
        "Whether clients may send authorization requests as a signed object, the parameter `request` (RFC 9101);"
        ' `"required"`: no client may ask in another way.',
    )
    request_uris: bool = setting(
        False,
        boolean,
        "Whether a client's signed request may stand at a URL, one of its `request_uris`, from which it is fetched.",
    )
    request_encryption: bool = setting(
        False,
        boolean,
        "Whether signed requests may come encrypted: the key set then has a key for that.",
    )
    jarm: bool | str = setting(
        False,
        true_false_or("required"),
        'Whether clients may have the authorize endpoint\'s answer as a signed JWT (JARM); `"required"`: every answer is'
        " one.",
    )
    authorization_details: Mapping[str, Mapping[str, Any]] = setting(
        {},
        read_authorization_details,
        "What clients may ask for beyond scopes (RFC 9396): a dict of type to a dict with any of `description` (for the"
        " consent page), `required` and `allowed` (names of its fields), and `multiple` (whether a request may have several).",
    )
