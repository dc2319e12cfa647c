"""ID-JAG (Identity Assertion JWT Authorization Grant, an IETF draft): an identity provider lets a user's client in here.

It is a JWT assertion that names its client, and the most that the client may have. The Model Context Protocol calls this
enterprise-managed authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .assertion import AssertionRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_JAG_TYP = "oauth-id-jag+jwt"


def check_identity_grant(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    """Check what an ID-JAG says beyond other assertions. Raises `AssertionRefused`.

    `issuer`: what this server is called; `client_id`: the client that authenticated.
    """
    if claims.get("aud") != issuer:  # for other assertions a list may have it, and the token endpoint does as well
        raise AssertionRefused(f"the aud of an ID-JAG is {issuer!r} alone, as a text")
    named = claims.get("client_id")
    if named != client_id:
        raise AssertionRefused(f"it is for the client {str(named)[:60]!r}; {client_id[:60]!r} brought it")
    if claims.get("authorization_details") is not None:
        raise AssertionRefused("it limits the token by authorization_details, which aren't known here")


def resources_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The resources that an ID-JAG names: the token is for no other. Raises `AssertionRefused` where they can't be read."""
    given = claims.get("resource")
    named = () if given is None else (given,) if isinstance(given, str) else given
    if not isinstance(named, (list, tuple)) or not all(isinstance(each, str) for each in named) or given == []:
        raise AssertionRefused("its resource is neither a text nor a list of texts")
    return tuple(named)
