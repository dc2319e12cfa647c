"""The readers of configuration values. A reader takes a key and its value, and returns the value converted.

Each reader raises `ConfigurationError` for a value that can't be used.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from click import ClickException

from ..errors import shown, without_secrets

Reader = Callable[[str, Any], Any]

SCOPE_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A.4
SHORT_GRANT_TYPES = {
    "jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "saml2_bearer": "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}
#: The limits by name, with their defaults, which never get in the way of a well-behaved client.
RATE_LIMITS: Mapping[str, str | None] = {
    "token": None,  # these clients have proved who they are, and a large site's backend may need thousands a second
    "token_failures": "20/minute;100/hour;300/day",
    "password": "5/minute;50/hour",
    "device": "30/minute",
    "pushed": "120/minute;2000/hour",  # requests that are stored for clients that prove nothing
    "device_codes": "10/minute;60/hour",
    "register": "20/hour",
    "client_documents": "30/minute",  # clients of an address that nobody knew yet; those that are known don't count
    "revoke": "300/minute;6000/hour",  # what every process has to remember; stored tokens don't count
    "personal_tokens": "30/hour;100/day",  # that a user makes: each is a row until its end, also of one that was ended before
    "leaked": "30/minute;300/hour",  # reports, each of up to a hundred tokens
    "introspect": None,  # a resource server may ask at each of its own requests
    "admin": "600/minute",
}
_LOCALHOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*localhost")
MAX_KEY = 300  # of the name of a setting, in which an issuer's may be
MAX_LIFETIME = 10 * 366 * 86400  # ten years: a larger number is surely in another unit


class ConfigurationError(ClickException, ValueError):
    """A configuration value that can't be used. The message names the key, its value and the values that it may have.

    It repeats no secret of the value, and no more than 200 characters. A command line that can't load the app for it says
    that one sentence, and shows no traceback.
    """

    def __init__(
        self, key: str, value: object, allowed: str, says: str = "{key} is {shown}; it may be {allowed}."
    ) -> None:
        self.key = without_secrets(key)[:MAX_KEY]
        self.shown = shown(value)
        self.allowed = without_secrets(allowed)
        super().__init__(says.format(key=self.key, shown=self.shown, allowed=self.allowed))


class UnknownKey(ConfigurationError):
    """A key of an entry that has no meaning. The message names the nearest that has one, and all of them."""

    def __init__(self, key: str, given: object, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(str(given), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        says = f"{{key}} has the unknown key {{shown}}.{hint} It may be {{allowed}}."
        super().__init__(key, given, f"a dict with {', '.join(known)}", says)


def check_keys(key: str, entry: Mapping[Any, Any], known: Sequence[str]) -> None:
    """Check that each key of an entry is known. Raises `UnknownKey`."""
    for given in entry:
        if given not in known:
            raise UnknownKey(key, given, known)


def full_grant_type(name: str) -> str:
    """The grant type for which a short name (`device_code`, …) stands; any other name is returned unchanged."""
    return SHORT_GRANT_TYPES.get(name, name)


def boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(key, value, "True or False")
    return value


def optional_boolean(key: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ConfigurationError(key, value, "True, False or None")
    return value


def optional_text(key: str, value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise ConfigurationError(key, value, "a text, or None")
    return value


def secret_text(key: str, value: Any) -> str | None:
    """A text that no error message repeats, or `None`."""
    if value is not None and not (isinstance(value, str) and value):
        raise ConfigurationError(key, type(value), "a text, or None")
    return value


def seconds(key: str, value: Any) -> int:
    """Seconds, zero or more, as a number or a `timedelta`."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= MAX_LIFETIME:
        raise ConfigurationError(key, value, "seconds as a number or a timedelta, from 0 to ten years")
    return int(number)


def days(key: str, value: Any) -> int:
    """Days, zero or more, as a number or a `timedelta`."""
    number = value.days if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_LIFETIME // 86400:
        raise ConfigurationError(key, value, "days as a whole number or a timedelta, from 0 to ten years")
    return number


def positive(key: str, value: Any) -> int:
    """A whole number above zero, or a `timedelta` of a second or more."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 1 <= number <= MAX_LIFETIME:
        raise ConfigurationError(key, value, f"a number of 1 or more, up to {MAX_LIFETIME}")
    return int(number)


def optional_positive(key: str, value: Any) -> int | None:
    return None if value is None else positive(key, value)


def names(key: str, value: Any) -> tuple[str, ...]:
    """Names: any iterable of texts, or one text with spaces."""
    items: list[Any] = value.split() if isinstance(value, str) else [*value] if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, str) and item for item in items):
        raise ConfigurationError(key, value, "a list of names")
    return tuple(dict.fromkeys(items))


def one_or_more_of(*choices: str) -> Reader:
    """A reader of a list in which each entry is one of `choices`."""

    def read(key: str, value: Any) -> tuple[str, ...]:
        wrong = ConfigurationError(key, value, f"one or more of {', '.join(map(repr, choices))}")
        try:
            listed = names(key, value)
        except ConfigurationError:
            raise wrong from None
        if not listed or any(item not in choices for item in listed):
            raise wrong
        return listed

    return read


def one_of(*choices: str | None) -> Reader:
    """A reader of one of `choices`."""

    def read(key: str, value: Any) -> Any:
        if value not in choices:
            raise ConfigurationError(key, value, " or ".join(map(repr, choices)))
        return value

    return read


def true_false_or(*others: str) -> Reader:
    """A reader of `True`, `False` or one of a few words."""

    def read(key: str, value: Any) -> bool | str:
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or value not in others:
            words = [*map(repr, others)]
            raise ConfigurationError(
                key, value, f"True, False{''.join(f', {each}' for each in words[:-1])} or {words[-1]}"
            )
        return value

    return read


def dict_of_dicts(key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A dict of name to dict. The parts that use the inner dicts check them, also at start-up."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise ConfigurationError(key, value, "a dict of name to dict")
    return dict(value)


def list_of_dicts(key: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of dicts. The parts that use the dicts check them, also at start-up."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
        raise ConfigurationError(key, value, "a list of dicts")
    return tuple(dict(item) for item in value)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, a name below it (RFC 6761 section 6.3), 127.0.0.0/8 or ::1."""
    if _LOCALHOST.fullmatch(host):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_call_loopback(issuer: str | None, *, relaxed: bool) -> bool:
    """Whether what clients register may be called on this machine: in debug and testing (`relaxed`), or where the issuer is here.

    `issuer` is `OAUTH_ISSUER` as it is set: what a request's Host says opens nothing.
    """
    return relaxed or (issuer is not None and is_loopback(urlsplit(issuer).hostname or ""))


def is_secure(url: str) -> bool:
    """Whether a URL is https, or http on loopback."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
