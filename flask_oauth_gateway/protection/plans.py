"""`OAUTH_PLANS`: what the clients of a plan may reach, and how often. A client names its plan; without one it has no limits."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..config.checks import ConfigurationError
from ..config.permissions import narrowed
from ..errors import InsufficientScope, InvalidToken, TooManyRequests
from ..tokens.access_token import RESERVED
from ..web.environ import ASKED_PATHS, USAGE
from .path_patterns import patterns_of, readings

if TYPE_CHECKING:
    import re

    from limits import RateLimitItem

    from ..config import Settings
    from ..stores.clients import ClientStore
    from ..tokens.access_token import AccessToken
    from ..web.rate_limits import RateLimiter, Usage

KEY = "OAUTH_PLANS"
QUOTA = "quota"  # the name of these counts, beside those of OAUTH_RATE_LIMITS


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. It allows at most these `scopes` and `paths` (`None`: all), and each client `quotas` requests."""

    name: str
    scopes: frozenset[str] | None
    paths: re.Pattern[str] | None
    quotas: tuple[RateLimitItem, ...]
    attributes: Mapping[str, Any]


class QuotaUsedUp(TooManyRequests):
    """The client has used up the quota of its plan: 429 with `Retry-After`, in seconds, and `RateLimit-*`."""

    description = "The quota of this client's plan is used up. Please wait a while."

    def __init__(self, usage: Usage) -> None:
        super().__init__(usage.reset)
        self.usage = usage

    def extra_headers(self) -> list[tuple[str, str]]:
        return [*super().extra_headers(), *headers_of(self.usage)]


class Plans:
    """The plans of one app, applied to the tokens of its clients."""

    def __init__(self, settings: Settings, clients: ClientStore, limiter: RateLimiter) -> None:
        self._plans = {name: _plan(name, entry) for name, entry in settings.plans.items()}
        self._implies = settings.scope_implies
        self._clients = clients
        self._limiter = limiter

    def of(self, token: AccessToken) -> AccessToken:
        """The token with only the scopes of its client's plan, and with the attributes of plan and client beside its own.

        A client without a plan has that of its application. A changed plan counts when this process next reads the
        client. Raises `InvalidToken` where the plan is no longer configured.
        """
        client = self._clients.get(token.client_id)
        if client is None or client.plan_in_force is None:  # a token whose client is gone was refused before
            return token
        plan = self._plans.get(client.plan_in_force)
        if plan is None:
            raise InvalidToken("The plan of this access token's client is not known here.", token.client_id)
        planned = copy.copy(token)  # the token itself may be remembered, and outlive the plan
        planned.plan = plan.name
        if plan.scopes is not None and not token.scopes <= plan.scopes:
            kept = narrowed(token.scope.split(), plan.scopes, self._implies)
            planned.scope, planned.scopes = " ".join(kept), frozenset(kept)
        if plan.attributes or client.attributes or client.application_attributes:
            of_client = {name: value for name, value in client.attributes_in_force.items() if name not in RESERVED}
            planned.attributes = {**plan.attributes, **of_client, **token.attributes}
        return planned

    def spend(self, token: AccessToken) -> None:
        """Count one request. Raises `InsufficientScope` for a path beyond the plan, `QuotaUsedUp` beyond the quota."""
        if token.plan is None:
            return
        plan = self._plans[token.plan]
        if plan.paths is not None and not _is_within(plan.paths):
            raise InsufficientScope("", "The plan of this client does not reach this path.", token.client_id)
        if plan.quotas:
            taken = [self._limiter.take(quota, QUOTA, token.client_id) for quota in plan.quotas]
            used_up = [usage for usage in taken if not usage.allowed]
            if used_up:
                usage = max(used_up, key=lambda usage: usage.reset)
                request.environ[USAGE] = usage
                raise QuotaUsedUp(usage)
            request.environ[USAGE] = min(taken, key=lambda usage: usage.remaining)


def headers_of(usage: Usage) -> list[tuple[str, str]]:
    """What is left of a quota, in the three fields that most clients know; `Reset` in seconds from now.

    The IETF's drafts had these fields up to the seventh; the two structured fields that came after are still being
    changed.
    """
    limit, remaining, reset = str(usage.limit), str(usage.remaining), str(usage.reset)
    return [("RateLimit-Limit", limit), ("RateLimit-Remaining", remaining), ("RateLimit-Reset", reset)]


def add_headers(response: Response) -> Response:
    """Add what is left of the client's quota to an answer, where the client has one."""
    usage = request.environ.get(USAGE)
    if usage is not None:
        response.headers.update(headers_of(usage))
    return response


def _is_within(paths: re.Pattern[str]) -> bool:
    """Whether the plan allows every reading of the path; never where forward auth was asked and no proxy named a path."""
    asked: Iterable[str] = request.environ.get(ASKED_PATHS, (request.path,))
    read = [each for path in asked for each in readings(path)]
    return bool(read) and all(paths.fullmatch(each) for each in read)


def _plan(name: str, entry: Mapping[str, Any]) -> Plan:
    attributes, paths, quota = entry.get("attributes", {}), entry.get("paths"), entry.get("quota")
    taken = RESERVED.intersection(attributes)
    if taken:
        allowed = f"a dict; {min(taken)!r} is a name that the protocol uses itself"
        raise ConfigurationError(f"{KEY}[{name!r}]['attributes']", attributes, allowed)
    return Plan(
        name=name,
        scopes=None if entry.get("scopes") is None else frozenset(entry["scopes"]),
        paths=None if paths is None else patterns_of(f"{KEY}[{name!r}]['paths']", paths),
        quotas=() if quota is None else _quotas(quota),
        attributes=attributes,
    )


def _quotas(quota: str) -> tuple[RateLimitItem, ...]:
    from limits import parse_many

    return tuple(parse_many(quota))
