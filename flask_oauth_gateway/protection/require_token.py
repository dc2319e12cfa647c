"""`@require_token` and `gateway.protect(blueprint)`: a view that only a good access token reaches.

One header read, one hash, one look-up, one comparison of scopes, one write to the request; the rest is settled at decoration.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from flask import Blueprint, Response, request

from ..errors import (
    BearerError,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidToken,
    MissingToken,
    OAuth2Error,
    TemporarilyUnavailable,
    TooManyRequests,
)
from ..signals import token_rejected
from ..web.bearer import token_of
from ..web.environ import CHECKED_BY, TOKEN, current_request, current_state
from ..web.logs import refused
from .validators import validate

if TYPE_CHECKING:
    from flask import Flask

    from ..resource_server import Checker
    from ..tokens.access_token import AccessToken

View = TypeVar("View", bound=Callable[..., Any])
REQUIREMENT = "oauth_requirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a view asks of a token; `scope` is the scopes in words, for the challenge."""

    scopes: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()
    optional: bool = False
    audience: str | None = None
    max_age: int | None = None
    acr: str | None = None
    grant_types: frozenset[str] = frozenset()
    bound: bool = False
    scope: str = field(init=False)
    only_scopes: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", " ".join(sorted(self.scopes | self.any_of)))
        further = (self.any_of, self.audience, self.grant_types, self.bound)
        only_scopes = not any(further) and self.max_age is None and self.acr is None
        object.__setattr__(self, "only_scopes", only_scopes)

    def check(self, token: AccessToken) -> None:
        """Raises `InsufficientScope`, `InvalidToken` or `InsufficientUserAuthentication` where the token falls short."""
        if not self.scopes <= token.scopes:
            raise InsufficientScope(self.scope, "The access token lacks a scope that this needs.", token.client_id)
        if not self.only_scopes:
            self._check_further(token)

    def _check_further(self, token: AccessToken) -> None:
        if self.any_of and not self.any_of & token.scopes:
            raise InsufficientScope(
                self.scope, "The access token has none of the scopes that this takes.", token.client_id
            )
        if self.audience is not None and self.audience not in token.audience:
            raise InvalidToken("The access token is meant for another audience.", token.client_id)
        if self.grant_types and token.grant_type not in self.grant_types:
            raise InvalidToken("The access token comes from a grant that is not taken here.", token.client_id)
        if self.bound and "cnf" not in token.details:
            raise InvalidToken("Only a sender-constrained access token is taken here.", token.client_id)
        signed_in = token.details.get("auth_time")
        if self.max_age is not None and (signed_in is None or signed_in + self.max_age < time.time()):
            raise InsufficientUserAuthentication("A more recent sign-in is needed.", max_age=self.max_age, acr=self.acr)
        if self.acr is not None and token.details.get("acr") != self.acr:
            raise InsufficientUserAuthentication("A stronger sign-in is needed.", max_age=self.max_age, acr=self.acr)


def admit(requirement: Requirement) -> Response | None:
    """Let the request through, with `current_token` set, or answer it with the refusal (RFC 6750 section 3).

    Everything that protects something comes here. A request that is asked twice is looked up once.
    """
    state = current_state()
    return check(state, requirement) if state.watch is None else state.watch(state, requirement)


def check(state: Checker, requirement: Requirement) -> Response | None:
    """What `admit` does, unwatched."""
    http = current_request()
    environ = http.environ
    try:
        token = environ.get(TOKEN) if environ.get(CHECKED_BY) is state else None
        is_new = token is None
        if token is None:
            presented = token_of(http, state.settings.bearer_methods)
            if presented is None:
                if requirement.optional:
                    return None
                raise MissingToken
            token = validate(state, presented)
        # A `requirement.audience` names another resource than the path's; another server has its own names for us.
        if token.audience and requirement.audience is None and token.issuer is None:
            state.resources.check(token)
        requirement.check(token)
        if is_new and state.plans is not None:  # whoever asks twice, spends once
            state.plans.spend(token)
    except OAuth2Error as error:
        if isinstance(error, BearerError):
            error.needed = requirement.scope
            error.resource_metadata = state.resources.metadata_url(request.path)
        if not isinstance(
            error, (MissingToken, TemporarilyUnavailable, TooManyRequests)
        ):  # they say nothing of a token
            token_rejected.send(
                state.app,
                error=error.error,
                reason=error.description,
                client_id=getattr(error, "client_id", None),
                path=request.path,
            )
        refused(error, environ)
        return state.render_refusal(error)
    environ[TOKEN] = token
    environ[CHECKED_BY] = state
    return None


def requirements_of(app: Flask, endpoint: str, method: str) -> Iterator[tuple[str, Requirement]]:
    """What an endpoint asks for, and by which means: its blueprints from the outermost on, its view, a class view's method."""
    name = ""
    for part in endpoint.split(".")[:-1]:
        name = f"{name}.{part}" if name else part
        for function in app.before_request_funcs.get(name, ()):
            if hasattr(function, REQUIREMENT):
                yield f"blueprint {name}", getattr(function, REQUIREMENT)
    view: Any = app.view_functions.get(endpoint)
    functions, view_class = [view], getattr(view, "view_class", None)
    if view_class is not None:
        handler = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        functions.append(getattr(view_class, handler, view_class.dispatch_request))
    seen: list[Requirement] = []
    for outermost in functions:
        layer = outermost
        while layer is not None:
            wanted = getattr(layer, REQUIREMENT, None)  # functools.wraps hands it on to what is wrapped around
            if wanted is not None and not any(wanted is each for each in seen):
                seen.append(wanted)
                yield "require_token", wanted
            layer = getattr(layer, "__wrapped__", None)


def is_preflight() -> bool:
    """Whether a browser asks what CORS allows: that carries no credentials and reaches no view of the app's."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


@overload
def require_token(view: View, /) -> View: ...


@overload
def require_token(
    *scopes: str,
    any_of: Iterable[str] = (),
    optional: bool = False,
    audience: str | None = None,
    max_age: int | None = None,
    acr: str | None = None,
    grant_types: Iterable[str] = (),
    bound: bool = False,
) -> Callable[[View], View]: ...


def require_token(*scopes: Any, **options: Any) -> Any:
    """Let only requests with a good access token reach a view; `current_token` is then the token.

    `scopes`: all of these are needed. `any_of`: one of these is. `optional`: no token is fine too, a bad one isn't.
    `audience`: the token must be meant for it. `max_age` (seconds), `acr`: how the user must have signed in (RFC 9470).
    `grant_types`: only tokens of these grants. `bound`: only sender-constrained tokens. For functions, async views and
    the `decorators` of `View` and `MethodView`.
    """
    if len(scopes) == 1 and callable(scopes[0]) and not options:
        return _protected(scopes[0], requirement())
    wanted = requirement(*scopes, **options)
    return lambda view: _protected(view, wanted)


def requirement(
    *scopes: str,
    any_of: Iterable[str] = (),
    optional: bool = False,
    audience: str | None = None,
    max_age: int | None = None,
    acr: str | None = None,
    grant_types: Iterable[str] = (),
    bound: bool = False,
) -> Requirement:
    """What `require_token` is asked for, checked once. Raises `TypeError` for what isn't a list of scope names."""
    return Requirement(
        scopes=_names(scopes),
        any_of=_names(any_of),
        optional=optional,
        audience=audience,
        max_age=max_age,
        acr=acr,
        grant_types=_names(grant_types),
        bound=bound,
    )


def _names(given: Iterable[str]) -> frozenset[str]:
    names = frozenset((given,) if isinstance(given, str) else given)
    for name in names:
        if not isinstance(name, str) or name.split() != [name]:
            raise TypeError(f"A scope or grant type is a name without spaces; {name!r} is not one.")
    return names


def protect(blueprint: Blueprint, *scopes: str, **options: Any) -> None:
    """Ask for a token before every view of a blueprint, as `@require_token(*scopes, **options)` does for one."""
    wanted = requirement(*scopes, **options)

    def before_request() -> Response | None:
        return None if is_preflight() else admit(wanted)

    setattr(before_request, REQUIREMENT, wanted)
    blueprint.before_request(before_request)


def _protected(view: View, wanted: Requirement) -> View:
    if iscoroutinefunction(view):

        @wraps(view)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            refusal = admit(wanted)
            return await view(*args, **kwargs) if refusal is None else refusal

    else:

        @wraps(view)
        def protected(*args: Any, **kwargs: Any) -> Any:
            refusal = admit(wanted)
            return view(*args, **kwargs) if refusal is None else refusal

    setattr(protected, REQUIREMENT, wanted)
    return cast("View", protected)
