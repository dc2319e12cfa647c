"""Checks a request's token against what the view asks for (RFC 6750 section 3). Every protected view's requests pass here.

A request costs one header read, one hash, one look-up, one comparison of scopes and one write to the request; the rest
is settled when the view is decorated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, has_request_context, request
from werkzeug.local import LocalProxy

from ..config.permissions import with_implied
from ..errors import (
    BearerError,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidToken,
    MissingToken,
    NotConfigured,
    OAuth2Error,
    TemporarilyUnavailable,
    TooManyRequests,
    clean,
)
from ..signals import token_rejected
from ..tokens.sign_in import details_of
from ..web.bearer import BEARER, missing, token_of, with_scheme
from ..web.environ import CHECKED_BY, NAMED, TOGETHER, TOKEN
from ..web.logs import refused

if TYPE_CHECKING:
    from flask import Flask, Request, Response

    from ..config import Settings
    from ..permissions.resources import Resources
    from ..proofs.binding import Binding
    from ..tokens.access_token import AccessToken
    from .plans import Plans

View = TypeVar("View", bound=Callable[..., Any])
BOUND_BY = {"dpop": "jkt", "mtls": "x5t#S256"}  # the member of a token's `cnf`, by what binds it
GUARD = "oauth_gateway_guard"  # the key in `app.extensions`
SAY_NOTHING_OF_A_TOKEN = (MissingToken, NotConfigured, TemporarilyUnavailable, TooManyRequests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a view asks of a token; `scope` holds the scopes as one text, for the challenge."""

    scopes: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()
    optional: bool = False
    audience: str | None = None
    max_age: int | None = None
    acr: str | None = None
    grant_types: frozenset[str] = frozenset()
    bound: bool | str = False  # "dpop", "mtls": bound in this way
    detail: str | None = None  # the type of an authorization detail that the token must have
    any_audience: bool = False  # the token may be meant for any resource of this server
    scope: str = field(init=False)
    only_scopes: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", " ".join(sorted(self.scopes | self.any_of)))
        further = (self.any_of, self.audience, self.grant_types, self.bound, self.detail)
        only_scopes = not any(further) and self.max_age is None and self.acr is None
        object.__setattr__(self, "only_scopes", only_scopes)

    def check(self, token: AccessToken, scopes: frozenset[str], strengths: Mapping[str, frozenset[str]]) -> None:
        """Raises `InsufficientScope`, `InvalidToken` or `InsufficientUserAuthentication` where the token doesn't do.

        `scopes`: those of the token, and those that they include. `strengths`: what does for an `acr`, where that is more
        than itself.
        """
        if not self.scopes <= scopes:
            raise InsufficientScope(self.scope, "The access token lacks a scope that this needs.", token.client_id)
        if not self.only_scopes:
            self._check_further(token, scopes, strengths)

    def _check_further(
        self, token: AccessToken, scopes: frozenset[str], strengths: Mapping[str, frozenset[str]]
    ) -> None:
        if self.any_of and not self.any_of & scopes:
            raise InsufficientScope(
                self.scope, "The access token has none of the scopes that this takes.", token.client_id
            )
        if self.audience is not None and self.audience not in token.audience:
            raise InvalidToken("The access token is meant for another audience.", token.client_id)
        if self.grant_types and token.grant_type not in self.grant_types:
            raise InvalidToken("The access token comes from a grant that is not taken here.", token.client_id)
        if self.bound and not (
            token.confirmation if self.bound is True else BOUND_BY[self.bound] in token.confirmation
        ):
            raise InvalidToken("Only a sender-constrained access token is taken here.", token.client_id)
        if self.detail is not None and self.detail not in (each["type"] for each in details_of(token.details)):
            lacking = f"The access token has no authorization detail of the type '{clean(self.detail, 60)}'."
            raise InsufficientScope(self.scope, lacking, token.client_id)
        signed_in = token.details.get("auth_time")
        if self.max_age is not None and (signed_in is None or signed_in + self.max_age < time.time()):
            raise InsufficientUserAuthentication("A more recent sign-in is needed.", max_age=self.max_age, acr=self.acr)
        acr = token.details.get("acr")
        if self.acr is not None and acr != self.acr and acr not in strengths.get(self.acr, ()):
            raise InsufficientUserAuthentication("A stronger sign-in is needed.", max_age=self.max_age, acr=self.acr)


class Guard:
    """Checks the requests of one app against requirements.

    `validate` returns the token of a presented value, or raises; `render` turns a refusal into a response; `watch`,
    where there are observers, is called instead of `check` and calls it.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        validate: Callable[[str], AccessToken],
        resources: Resources,
        plans: Plans | None,
        render: Callable[[OAuth2Error], Response],
        binding: Binding | None,
    ) -> None:
        self._app = app
        self._bearer_methods = settings.bearer_methods
        self._resources = resources
        self._plans = plans
        self._binding = binding
        self._algs = " ".join(settings.dpop_algorithms) if settings.dpop else ""
        self._bearer_first = settings.in_profile.for_old_clients
        self._needs_audience = settings.in_profile.needs_audience
        self._strengths = settings.strengths
        implies = settings.scope_implies
        self._widened = lru_cache(1024)(lambda scopes: with_implied(scopes, implies)) if implies else None
        self.validate = validate
        self.render = render
        self.operation: Callable[[], tuple[Requirement, ...]] = lambda: ()  # all that the operation asked for asks for
        self.watch: Callable[[Requirement], Response | None] | None = None

    def admit(self, requirement: Requirement) -> Response | None:
        """Let the request through with `current_token` set, or return the refusal.

        Every kind of protection calls this. Where two of them guard a request, its token is looked up once.
        """
        return self.check(requirement) if self.watch is None else self.watch(requirement)

    def check(self, requirement: Requirement) -> Response | None:
        """Do what `admit` does, without the observers."""
        # Each access through Flask's proxy costs a microsecond, of the six that a known token takes.
        http = cast("Request", cast("Any", request)._get_current_object())  # noqa: SLF001 (its documented name)
        environ = http.environ
        try:
            token = environ.get(TOKEN) if environ.get(CHECKED_BY) is self else None
            is_new = token is None
            if token is None:
                binding, scheme = self._binding, BEARER
                if binding is None:
                    presented = token_of(http, self._bearer_methods)
                else:
                    scheme, presented = with_scheme(http, self._bearer_methods)
                if presented is None:
                    if requirement.optional:
                        return None
                    raise missing(http, bool(self._algs))
                token = self.validate(presented)
                # Before all else that depends on the token: a thief learns nothing of it, and uses up nobody's quota. After
                # the look-up: for a token that isn't good, no signature is checked and no proof is kept as used.
                if binding is not None or "cnf" in token.details:
                    self.check_binding(http, token, presented, scheme)
            # `requirement.audience` names another resource than the path's.
            if requirement.audience is None and (token.audience or self._needs_audience):
                self._check_audience(token, requirement)
            requirement.check(
                token, token.scopes if self._widened is None else self._widened(token.scopes), self._strengths
            )
            if is_new and self._plans is not None:  # a request that is checked twice counts once
                self._plans.spend(token)
        except OAuth2Error as error:
            return self.refuse(error, requirement)
        environ[TOKEN] = token
        environ[CHECKED_BY] = self
        return None

    def check_binding(self, http: Request, token: AccessToken, presented: str, scheme: str) -> None:
        """Check that a request may use a valid token, as it was presented: it proves the key to which that is bound, if to any.

        At each request, as a token may be remembered, but no proof. Raises `BearerError` and `TemporarilyUnavailable`.
        """
        if self._binding is not None:
            self._binding.check(http, token, presented, scheme)
        elif token.details.get("cnf") is not None:
            raise InvalidToken(
                "The access token is bound to a key, and proofs of that are not taken here.", token.client_id
            )

    def scopes_of(self, token: AccessToken) -> frozenset[str]:
        """The scopes of a token, and those that they include."""
        return token.scopes if self._widened is None else self._widened(token.scopes)

    def _check_audience(self, token: AccessToken, requirement: Requirement) -> None:
        """Raises `InvalidToken` where the token isn't meant for the resource at the request's path.

        Other issuers may have their own names for us; where their token names resources as we do, they count.
        """
        if requirement.any_audience:
            return
        resources = self._resources
        is_for_another = (
            resources.asked_for() not in token.audience
            if token.issuer is None
            else resources.is_for_another(token.audience)
        )
        if is_for_another:
            raise InvalidToken("The access token is meant for another audience.", token.client_id)

    def _needed(self, requirement: Requirement) -> str:
        """The scopes for the challenge: all that the operation needs, so that a client asks for them at once."""
        together = (*request.environ.get(TOGETHER, ()), *self.operation())
        if requirement not in together:
            return requirement.scope
        return " ".join(sorted({name for each in together for name in each.scope.split()}))

    def refuse(self, error: OAuth2Error, requirement: Requirement) -> Response:
        """The response to a request whose token doesn't do, with a line in the log and a signal."""
        path = request.path
        if isinstance(error, BearerError):
            error.needed = self._needed(requirement)
            error.algs, error.bearer_first = self._algs, self._bearer_first
            error.resource_metadata = self._resources.metadata_url(path, requirement.audience)
        if not isinstance(error, SAY_NOTHING_OF_A_TOKEN):
            client_id = getattr(error, "client_id", None)
            if client_id is not None:
                request.environ.setdefault(
                    NAMED, client_id
                )  # whose scripts may read what is wrong (`endpoints/cors.py`)
            token_rejected.send(self._app, error=error.error, reason=error.description, client_id=client_id, path=path)
        refused(error, request.environ)
        return self.render(error)


def current_guard() -> Guard:
    """The guard of the current app. Raises `RuntimeError` where the app has no gateway."""
    app: Flask = cast("Any", current_app)._get_current_object()  # noqa: SLF001
    try:
        return cast("Guard", app.extensions[GUARD])
    except KeyError:
        raise RuntimeError("This app has no gateway: call OAuthGateway(app) or gateway.init_app(app) first.") from None


def guarded(view: View, wanted: Requirement) -> View:
    """A view that only requests with a fitting access token reach."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            refusal = current_guard().admit(wanted)
            return await view(*args, **kwargs) if refusal is None else refusal

    else:

        @wraps(view)
        def protected(*args: Any, **kwargs: Any) -> Any:
            refusal = current_guard().admit(wanted)
            return view(*args, **kwargs) if refusal is None else refusal

    return cast("View", protected)


def is_answered_by_flask() -> bool:
    """Whether this is a CORS preflight that Flask itself answers: it can't carry a token, and reaches no view of the app.

    Anybody can send a preflight, so one that a view answers is no exception.
    """
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and getattr(request.url_rule, "provide_automatic_options", False) is True
    )


def _current_token() -> AccessToken | None:
    # Not kept in `g`: a test that holds an app context open shares one `g` among all its requests.
    if not has_request_context():
        return None
    http: Request = cast("Any", request)._get_current_object()  # noqa: SLF001 (its documented name)
    return cast("AccessToken | None", http.environ.get(TOKEN))


#: The token that `@require_token` verified for this request; falsy where there is none.
current_token = cast("AccessToken", LocalProxy(_current_token))
