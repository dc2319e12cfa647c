"""Settings of protection: what a request needs to reach a view, and how many requests are allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from ..errors import shown
from .checks import RATE_LIMITS, ConfigurationError, boolean, dict_of_dicts, list_of_dicts, names, one_or_more_of
from .setting import setting

PLAN_KEYS = ("scopes", "paths", "quota", "attributes")


def read_peers(key: str, value: Any) -> tuple[str, ...]:
    """IP addresses, networks, and `unix`."""
    listed = names(key, value)
    for item in listed:
        try:
            if item != "unix":
                ip_network(item)
        except ValueError:
            raise ConfigurationError(
                key, value, f"a list of addresses, networks such as '10.0.0.0/8', and 'unix'; {shown(item)} is not one"
            ) from None
    return listed


def read_plans(key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A dict of name to a dict with any of `PLAN_KEYS`; each plan that is returned has all of them."""
    found = {}
    for name, plan in dict_of_dicts(key, value).items():
        where = f"{key}[{shown(name)}]"
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", name):
            raise ConfigurationError(
                key, value, f"a dict by names of 1 to 64 characters without spaces; {shown(name)} is not one"
            )
        unknown = [each for each in plan if each not in PLAN_KEYS]
        if unknown:
            raise ConfigurationError(where, plan, f"a dict with {', '.join(PLAN_KEYS)}; {shown(unknown[0])} is not one")
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


def read_rate_limits(key: str, value: Any) -> Mapping[str, str | None] | None:
    """A dict of name to limits in the notation of the limits library, or to `None`; or `None`."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, f"a dict with {', '.join(RATE_LIMITS)}, or None")
    for name, limit in value.items():
        if name not in RATE_LIMITS:
            raise ConfigurationError(key, value, f"a dict with {', '.join(RATE_LIMITS)}; {shown(name)} is not one")
        if limit is not None:
            _check_limits(f"{key}[{shown(name)}]", limit)
    return dict(value)


def _check_limits(key: str, value: Any) -> None:
    from limits import parse_many

    try:
        parse_many(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(key, value, "a limit such as '10/minute;100/hour', or None") from error


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ProtectionSettings:
    """A group of `Settings`."""

    __slots__ = ()

    bearer_methods: tuple[str, ...] = setting(
        ("header",),
        one_or_more_of("header", "body", "query"),
        "Where a protected view takes its token from (RFC 6750 section 2). A URL ends up in logs, so take care"
        " with `query`.",
    )
    protect: tuple[Mapping[str, Any], ...] = setting(
        (),
        list_of_dicts,
        "What paths ask for; the first entry that fits a request decides. An entry is a dict with `path`"
        " (`/api/*`: this path and everything below it; `*` or `<name>` inside: one segment). It may also have"
        " `methods` (left out: all; HEAD goes with GET), `scopes` (`None`: the path is open), whatever else"
        " `@require_token` takes, and `host` (for forward auth).",
    )
    forward_auth: bool = setting(
        False,
        boolean,
        "Whether `/oauth/verify` answers proxies that ask if a request may go on to its upstream.",
    )
    forward_auth_peers: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1", "unix"),
        read_peers,
        "Addresses and networks of the proxies that may name a request's path, method and host in headers; `unix`"
        " stands for whoever comes by a Unix socket.",
    )
    plans: Mapping[str, Mapping[str, Any]] = setting(
        {},
        read_plans,
        "What clients may reach: a dict by the name of the plan that a client has. A plan is a dict with any of"
        " `scopes` (the most that a client's tokens have), `paths` (all that a client reaches, written as in"
        " `OAUTH_PROTECT`), `quota` (how many requests each client has, in the notation of the limits library:"
        " `10/second;1000/hour`) and `attributes` (those that its tokens have).",
    )
    rate_limits: Mapping[str, str | None] | None = setting(
        {},
        read_rate_limits,
        "Limits by name, in the notation of the limits library (`10/minute;100/hour`): `token` (tokens of a client),"
        " `token_failures` (wrong client secrets), `password` (wrong passwords), `device` (new device codes),"
        " `pushed` (requests that public clients push),"
        " `device_codes` (wrong user codes), `register` (registrations from an address), `revoke` (a client's revocations"
        " of JWTs and approvals), `personal_tokens` (that a user makes), `leaked` (reports of leaked tokens), `introspect`"
        " (questions about tokens), `admin` (requests of the administrator's pages). A limit that isn't named has its"
        " default; `None`, for one limit or in place of the dict, turns one or all off.",
    )
