"""What a signed authorization request says: its claims are checked, and its members become parameters (RFC 9101).

The signature is checked before (`signed_requests.py`). Nothing here reads a key, a table or the request that came.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ..assertions.assertion import AssertionRefused, check_audience, check_kind, check_moments, text_of
from ..errors import InvalidRequestError, OAuth2Error, clean
from ..stores.once import once_key
from ..web.request import MAX_PARAMETERS, check_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..crypto.jose import Jwt

TYP = "oauth-authz-req+jwt"
MAX_LIFETIME = 3600  # seconds
OPEN_SECONDS = 3600  # from the browser's first visit on: a sign-in and a consent page take people their time
#: What a JWT says of itself: no parameters.
CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
OBJECTS = frozenset({"claims", "authorization_details"})  # OIDC Core section 5.5, RFC 9396 section 2
LISTS = frozenset({"resource"})  # RFC 8707 section 2

Pairs = list[tuple[str, str]]


class RequestObjectError(OAuth2Error):
    """A signed request, or the address of one, that is not accepted (RFC 9101 section 7)."""

    def __init__(self, why: str, error: str = "invalid_request_object", *, reason: str = "") -> None:
        """`reason`: what the operator learns beyond that."""
        super().__init__(clean(f"The signed request can't be accepted: {why}.", 400), error=error)
        self.reason = reason


class SignedRequest(NamedTuple):
    """The parameters of a signed request. One that has a `jti` is good once: `once` names it, until `until`."""

    parameters: Pairs
    once: bytes | None = None
    until: int = 0  # seconds since 1970


def read_claims(
    jwt: Jwt, client_id: str, *, issuer: str, skew: int, now: float, needs_nbf: bool = False
) -> SignedRequest:
    """What a request says that `client_id` has signed. Raises `RequestObjectError`.

    `now`: when it came, in seconds since 1970. `needs_nbf`: it says from when on it is good, at most an hour ago (FAPI 2.0
    Message Signing section 5.3.1).
    """
    claims = jwt.claims
    try:
        check_kind(jwt, "JWT", TYP)
        for name in ("iss", "client_id"):
            if claims.get(name) != client_id:
                raise AssertionRefused(f"its {name} is not the client_id of the client that sends it")
        if claims.get("sub") == client_id:  # RFC 9101 section 10.8: or it could serve to authenticate the client
            raise AssertionRefused("its sub is the client, as in a client assertion")
        check_audience(claims, frozenset({issuer}))
        expires_at = _check_times(claims, skew, now, needs_nbf=needs_nbf)
        jti = text_of(claims, "jti")
    except AssertionRefused as error:
        raise RequestObjectError(str(error)) from None
    parameters = _parameters(claims)
    if jti is None:
        return SignedRequest(parameters)
    return SignedRequest(parameters, once_key("signed request", client_id, jti), expires_at + skew + OPEN_SECONDS)


def _check_times(claims: dict[str, Any], skew: int, now: float, *, needs_nbf: bool) -> int:
    """Check `exp`, which is required, `nbf` and `iat`. Returns the first whole second after the expiry."""
    exp, _ = check_moments(claims, skew, now=now)
    if exp is None:
        raise AssertionRefused("it does not say when it expires (exp)")
    if exp > now + MAX_LIFETIME + skew:
        raise AssertionRefused(f"it expires in {int(exp - now)} seconds, and may in {MAX_LIFETIME} at most (exp)")
    nbf = claims.get("nbf")
    if not needs_nbf:
        return int(exp) + 1
    if nbf is None:
        raise AssertionRefused("it does not say from when on it is valid (nbf)")
    if nbf < now - MAX_LIFETIME - skew or exp - nbf > MAX_LIFETIME + skew:
        raise AssertionRefused(f"it is valid for longer than {MAX_LIFETIME} seconds, or was made before that (nbf)")
    return int(exp) + 1


def _parameters(claims: dict[str, Any]) -> Pairs:
    if claims.get("request_uri") is not None:
        raise RequestObjectError("it holds a 'request_uri'", "invalid_request")  # as beside it (RFC 9126 section 2.1)
    if "request" in claims or "request_uri" in claims:
        raise RequestObjectError("it holds another request (RFC 9101 section 4)")
    pairs = [pair for name, value in claims.items() if name not in CLAIMS for pair in _of(name, value)]
    if len(pairs) > MAX_PARAMETERS:
        raise RequestObjectError(f"it holds more than {MAX_PARAMETERS} parameters")
    try:
        check_values(pairs)
    except InvalidRequestError as error:
        raise RequestObjectError(str(error.description).rstrip(".")) from None
    return pairs


def _of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A member as it would stand in a query: a text, a number of seconds, or JSON where the parameter is JSON."""
    if isinstance(value, str):
        yield name, value
    elif name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        yield name, str(value)
    elif name in OBJECTS and isinstance(value, (dict, list)):
        try:
            yield name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            raise RequestObjectError(f"its '{name}' is too deep") from None
    elif name in LISTS and isinstance(value, list) and all(isinstance(each, str) for each in value):
        for each in value:
            yield name, each
    else:
        raise RequestObjectError(f"its '{clean(name, 40)}' is of a kind that this parameter can't have")
