"""`@require_token` and `gateway.protect(blueprint)`. Their arguments are checked once, at decoration."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .guard import BOUND_BY, Requirement, current_guard, guarded, is_answered_by_flask

if TYPE_CHECKING:
    from flask import Blueprint, Flask, Response

View = TypeVar("View", bound=Callable[..., Any])
REQUIREMENT = "oauth_requirement"
BOUND = (True, False, *BOUND_BY)
WRAPPED = "oauth_wrapped"  # on the bare function, what wraps it: `order.py` looks which of them is registered


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
    bound: bool | str = False,
    detail: str | None = None,
) -> Callable[[View], View]: ...


def require_token(*scopes: Any, **options: Any) -> Any:
    """Let only requests with a fitting access token reach a view, which finds the token as `current_token`.

    `scopes`: the token needs all of these. `any_of`: it needs one of these. `optional`: a request without a token is
    fine too, one with a bad token isn't. `audience`: the token must be meant for this audience. `max_age` (seconds),
    `acr`: how the user must have signed in (RFC 9470). `grant_types`: only tokens of these grants. `bound`: only
    sender-constrained tokens; `"dpop"`, `"mtls"`: only those that are bound in this way. `detail`: the token needs an
    authorization detail of this type (RFC 9396); which values it has is the view's to check. Decorates functions and async
    views, and goes into the `decorators` of `View` and `MethodView`.
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
    bound: bool | str = False,
    detail: str | None = None,
) -> Requirement:
    """The arguments of `require_token`, checked. Raises `TypeError` where a list of names holds something else."""
    if bound not in BOUND:
        raise TypeError(f"bound is True, False or one of {', '.join(map(repr, BOUND_BY))}; {bound!r} is not.")
    return Requirement(
        scopes=_names(scopes),
        any_of=_names(any_of),
        optional=optional,
        audience=audience,
        max_age=max_age,
        acr=acr,
        grant_types=_names(grant_types),
        bound=bound,
        detail=detail,
    )


def protect(blueprint: Blueprint, *scopes: str, **options: Any) -> None:
    """Ask for a token before every view of a blueprint, as `@require_token(*scopes, **options)` does for one view."""
    wanted = requirement(*scopes, **options)

    def before_request() -> Response | None:
        return None if is_answered_by_flask() else current_guard().admit(wanted)

    setattr(before_request, REQUIREMENT, wanted)
    blueprint.before_request(before_request)


def requirements_of(app: Flask, endpoint: str, method: str) -> Iterator[tuple[str, Requirement]]:
    """The requirements of an endpoint and where each stands: its blueprints (outermost first), its view, a class's method."""
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
            wanted = getattr(layer, REQUIREMENT, None)  # functools.wraps copies it to the wrapper
            if wanted is not None and not any(wanted is each for each in seen):
                seen.append(wanted)
                yield "require_token", wanted
            layer = getattr(layer, "__wrapped__", None)


def _names(given: Iterable[str]) -> frozenset[str]:
    names = frozenset((given,) if isinstance(given, str) else given)
    for name in names:
        if not isinstance(name, str) or name.split() != [name]:
            raise TypeError(f"A scope or grant type is a name without spaces; {name!r} is not one.")
    return names


def _protected(view: View, wanted: Requirement) -> View:
    protected = guarded(view, wanted)
    setattr(protected, REQUIREMENT, wanted)
    with suppress(AttributeError, TypeError):  # a callable of another kind may take no attributes
        # A strong one, of a local function whose wrapper nobody keeps: just that is the mistake.
        is_local = "<locals>" in getattr(view, "__qualname__", "")
        kept = (lambda: protected) if is_local else weakref.ref(protected)
        setattr(view, WRAPPED, [*getattr(view, WRAPPED, ()), kept])
    return protected
