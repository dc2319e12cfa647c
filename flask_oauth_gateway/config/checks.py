"""What a configuration value may be: readers, each of which takes a key and its value, and returns it converted.

Each raises `ConfigurationError` for a value that can't be.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

Reader = Callable[[str, Any], Any]

SCOPE_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A.4
SHORT_GRANT_TYPES = {
    "jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "saml2_bearer": "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}
PLAN_KEYS = ("scopes", "paths", "quota", "attributes")
#: What is limited, and how where `OAUTH_RATE_LIMITS` says nothing: never in the way of a well-behaved client.
RATE_LIMITS: Mapping[str, str | None] = {
    "token": None,  # whoever gets here has proved who it is: the backend of a large site may need thousands a second
    "token_failures": "20/minute;100/hour;300/day",
    "password": "5/minute;50/hour",
    "device": "30/minute",
    "device_codes": "10/minute;60/hour",
    "register": "20/hour",
    "introspect": None,  # as token: a resource server may ask at each request of its own
    "admin": "600/minute",
}
MAX_LIFETIME = 10 * 366 * 86400  # ten years: more is a unit mixed up


class ConfigurationError(ValueError):
    """A configuration value that can't be: names the key, what it holds and what it may hold."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key} is {value!r}; it may be {allowed}.")
        self.key = key


def full_grant_type(name: str) -> str:
    """The grant type that a short name (`device_code`, …) stands for; any other name as it is."""
    return SHORT_GRANT_TYPES.get(name, name)


def boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(key, value, "True or False")
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


def database_uri(key: str, value: Any) -> str | None:
    """An SQLAlchemy URL, or `None`; it may hold a password, so that no error message repeats it."""
    text = secret_text(key, value)
    if text is not None:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(text)
        except (ArgumentError, ValueError):
            hidden = "what SQLAlchemy can't read"
            raise ConfigurationError(
                key, hidden, "a URL such as 'postgresql+psycopg://user:password@host/name'"
            ) from None
    return text


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
        raise ConfigurationError(key, value, "a number of 1 or more")
    return int(number)


def optional_positive(key: str, value: Any) -> int | None:
    return None if value is None else positive(key, value)


def lifetime_by_grant(key: str, value: Any) -> int | Mapping[str, int]:
    """Seconds, or a dict of grant type to seconds."""
    if isinstance(value, Mapping):
        return {full_grant_type(name): positive(f"{key}[{name!r}]", item) for name, item in value.items()}
    return positive(key, value)


def names(key: str, value: Any) -> tuple[str, ...]:
    """Names: any iterable of texts, or one text with spaces."""
    items: list[Any] = value.split() if isinstance(value, str) else [*value] if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, str) and item for item in items):
        raise ConfigurationError(key, value, "a list of names")
    return tuple(dict.fromkeys(items))


def grant_types(key: str, value: Any) -> tuple[str, ...]:
    """Names of grants, the short ones in full."""
    return tuple(dict.fromkeys(map(full_grant_type, names(key, value))))


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


def boolean_or_scope(key: str, value: Any) -> bool | str:
    if isinstance(value, str) and SCOPE_NAME.fullmatch(value):
        return value
    if not isinstance(value, bool):
        raise ConfigurationError(key, value, "True, False or the name of a scope")
    return value


def true_false_or(other: str) -> Reader:
    """A reader of `True`, `False` or one other word."""

    def read(key: str, value: Any) -> bool | str:
        if not (isinstance(value, bool) or value == other):
            raise ConfigurationError(key, value, f"True, False or {other!r}")
        return value if isinstance(value, bool) else other

    return read


def durations(key: str, value: Any) -> tuple[str | int, ...]:
    """Any of `"once"`, `"always"` and seconds."""
    items: list[Any] = [*value] if isinstance(value, (list, tuple)) else [None]
    if None in items or any(isinstance(item, str) and item not in ("once", "always") for item in items):
        raise ConfigurationError(key, value, "a list of 'once', 'always', and seconds or timedeltas")
    return tuple(item if isinstance(item, str) else positive(key, item) for item in items)


def rate_limits(key: str, value: Any) -> Mapping[str, str | None] | None:
    """A dict of name to limits in the notation of the limits library, or to `None`; or `None`."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, f"a dict with {', '.join(RATE_LIMITS)}, or None")
    for name, limit in value.items():
        if name not in RATE_LIMITS:
            raise ConfigurationError(key, value, f"a dict with {', '.join(RATE_LIMITS)}; {name!r} is not one")
        if limit is not None:
            _check_limits(f"{key}[{name!r}]", limit)
    return dict(value)


def plans(key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A dict of name to a dict with any of `PLAN_KEYS`; each plan is given all of them."""
    found = {}
    for name, plan in dict_of_dicts(key, value).items():
        where = f"{key}[{name!r}]"
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", name):
            raise ConfigurationError(
                key, value, f"a dict by names of 1 to 64 characters without spaces; {name!r} is not one"
            )
        unknown = [each for each in plan if each not in PLAN_KEYS]
        if unknown:
            raise ConfigurationError(where, plan, f"a dict with {', '.join(PLAN_KEYS)}; {unknown[0]!r} is not one")
        scopes, paths, quota, attributes = (plan.get(each) for each in PLAN_KEYS)
        if quota is not None:
            _check_limits(f"{where}['quota']", quota)
        if attributes is not None and not (
            isinstance(attributes, Mapping) and all(isinstance(n, str) for n in attributes)
        ):
            raise ConfigurationError(f"{where}['attributes']", attributes, "a dict of name to value")
        found[name] = {
            "scopes": None if scopes is None else names(f"{where}['scopes']", scopes),
            "paths": None if paths is None else names(f"{where}['paths']", paths),
            "quota": quota,
            "attributes": dict(attributes or {}),
        }
    return found


def _check_limits(key: str, value: Any) -> None:
    from limits import parse_many

    try:
        parse_many(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(key, value, "a limit such as '10/minute;100/hour', or None") from error


def redis_url(key: str, value: Any) -> str | None:
    """A Redis URL, or `None`; it may hold a password, so that no error message repeats it."""
    text = secret_text(key, value)
    if text is not None:
        try:
            from redis import ConnectionPool
        except ImportError:
            raise ConfigurationError(
                key, "a URL", "used where redis is installed: pip install 'flask-oauth-gateway[redis]'"
            ) from None
        try:
            ConnectionPool.from_url(text)
        except ValueError:
            raise ConfigurationError(
                key, "what redis can't read", "a URL such as 'rediss://:password@host:6379/0'"
            ) from None
    return text


def trusted_proxies(key: str, value: Any) -> int | tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """How many proxies there are, or the networks that they are in."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 20:
        return value
    wrong = ConfigurationError(key, value, "a number of proxies, or a list of addresses and networks ('10.0.0.0/8')")
    if isinstance(value, int):
        raise wrong
    try:
        return tuple(map(ipaddress.ip_network, names(key, value)))
    except ValueError:
        raise wrong from None


def origins(key: str, value: Any) -> tuple[str, ...] | None:
    """Origins (`https://app.example.com`), `"*"` for every one, or `None`."""
    if value is None:
        return None
    listed = names(key, value)
    if any(item != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", item) for item in listed):
        raise ConfigurationError(key, value, "a list of origins such as 'https://app.example.com', '*', or None")
    return listed


def scopes(key: str, value: Any) -> Mapping[str, str]:
    """A dict of scope name to description."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, "a dict of scope name to description")
    for name, description in value.items():
        if not isinstance(name, str) or not SCOPE_NAME.fullmatch(name) or not isinstance(description, str):
            raise ConfigurationError(
                key, value, f"a dict of scope name (no space, quote or backslash) to description; {name!r} is not that"
            )
    return dict(value)


def resources(key: str, value: Any) -> Mapping[str, str]:
    """A dict of path prefix to absolute URI (RFC 8707 section 2); a slash at the end of a prefix says nothing."""
    allowed = "a dict of path such as '/api' to an absolute URI without fragment, such as 'https://api.example.com'"
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, allowed)
    found = {}
    for path, identifier in value.items():
        if not isinstance(path, str) or not re.fullmatch(r"/|(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?", path):
            raise ConfigurationError(key, value, f"{allowed}; {path!r} is no such path")
        if not isinstance(identifier, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!$-~]+", identifier):
            raise ConfigurationError(key, value, f"{allowed}; {identifier!r} is no such URI")
        if "#" in identifier or "\\" in identifier or len(identifier) > 2048:
            raise ConfigurationError(key, value, f"{allowed}; {identifier!r} is no such URI")
        if (path.rstrip("/") or "/") in found:
            raise ConfigurationError(key, value, f"{allowed}; {path!r} is there twice")
        found[path.rstrip("/") or "/"] = identifier
    return found


def dict_of_dicts(key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A dict of name to dict; what is in those is checked where it is used, at start-up too."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise ConfigurationError(key, value, "a dict of name to dict")
    return dict(value)


def peers(key: str, value: Any) -> tuple[str, ...]:
    """IP addresses, networks, and `unix`."""
    listed = names(key, value)
    for item in listed:
        try:
            if item != "unix":
                ipaddress.ip_network(item)
        except ValueError:
            raise ConfigurationError(
                key, value, f"a list of addresses, networks such as '10.0.0.0/8', and 'unix'; {item!r} is not one"
            ) from None
    return listed


def list_of_dicts(key: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of dicts; what is in those is checked where it is used, at start-up too."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
        raise ConfigurationError(key, value, "a list of dicts")
    return tuple(dict(item) for item in value)


def url_prefix(key: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ConfigurationError(key, value, 'a path such as "/oauth", without a slash at its end')
    return value


def token_prefix(key: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", value):
        raise ConfigurationError(key, value, "up to 32 letters, digits, '_' and '-'")
    return value


def issuer(key: str, value: Any) -> str | None:
    """A URL without query and fragment (RFC 8414 section 2), without a slash at its end."""
    if value is None:
        return None
    allowed = "a URL such as 'https://auth.example.com', without query, fragment or a slash at its end; or None"
    if not isinstance(value, str):
        raise ConfigurationError(key, value, allowed)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(key, value, allowed) from error
    is_plain = re.fullmatch(r"[\x21-\x7e]+", value) and "@" not in parts.netloc and not {"?", "#"}.intersection(value)
    if parts.scheme not in ("http", "https") or not host or not is_plain or value.endswith("/"):
        raise ConfigurationError(key, value, allowed)
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure(url: str) -> bool:
    """Whether a URL is https, or http on loopback."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
