"""Settings of protection: what a request needs to reach a view, and how many requests there may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class ProtectionSettings:
    __slots__ = ()

    bearer_methods: tuple[str, ...] = setting(
        ("header",),
        check.one_or_more_of("header", "body", "query"),
        "Where a protected view takes its token from (RFC 6750 section 2). A URL ends up in logs: mind `query`.",
    )
    protect: tuple[Mapping[str, Any], ...] = setting(
        (),
        check.list_of_dicts,
        "What paths ask for; the first entry that fits decides. A dict with `path` (`/api/*`: it and everything below;"
        " `*` or `<name>` inside: one segment) and as far as wanted `methods` (left out: all; HEAD goes with GET), `scopes`"
        " (`None`: open), what else `@require_token` takes, and `host` (for forward auth).",
    )
    forward_auth: bool = setting(
        False,
        check.boolean,
        "Answer proxies that ask at `/oauth/verify` whether a request may go on to its upstream.",
    )
    forward_auth_peers: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1", "unix"),
        check.peers,
        "Addresses and networks of the proxies that may name a request's path, method and host in headers; `unix`: whoever"
        " comes by a Unix socket.",
    )
    resources: Mapping[str, str] = setting(
        {},
        check.resources,
        "Path prefix to resource identifier, an absolute URI without fragment: what the `resource` parameter may name"
        " (RFC 8707), what `/.well-known/oauth-protected-resource` describes (RFC 9728), what a token's `aud` holds where"
        ' nothing else was asked for. Without an entry for it, `"/"` is the issuer.',
    )
    plans: Mapping[str, Mapping[str, Any]] = setting(
        {},
        check.plans,
        "What clients may reach, by the name of a plan that a client has: a dict with any of `scopes` (the most that its"
        " tokens have), `paths` (all that they reach, written as in `OAUTH_PROTECT`), `quota` (how many requests of one"
        " client, in the notation of the limits library: `10/second;1000/hour`) and `attributes` (which its tokens have).",
    )
    rate_limits: Mapping[str, str | None] | None = setting(
        {},
        check.rate_limits,
        "Limits in the notation of the limits library (`10/minute;100/hour`), by name: `token` (tokens of a client),"
        " `token_failures` (wrong client secrets), `password` (wrong passwords), `device` (new device codes),"
        " `device_codes` (wrong user codes), `introspect` (questions about tokens), `admin` (requests of the administrator's"
        " pages); what isn't named has its default. `None`, for one or all, turns them off. `register` is taken for an endpoint"
        " that is to come.",
    )
