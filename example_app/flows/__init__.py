"""The protocol's flows, walked over real HTTP: a file each, whose function `walk` makes the requests of one flow."""

from __future__ import annotations

from importlib import import_module

from .walk import UnexpectedAnswer, Walk

#: In the order in which they are best read. Each is a module here.
FLOWS = (
    "client_credentials",
    "tokeninfo",
    "revoke",
    "authorization_code",
    "refresh_token",
    "device_code",
    "password",
    "implicit",
    "jwt_bearer",
    "saml2_bearer",
)


def walk(name: str, to: Walk) -> None:
    """Walk one flow. Raises `UnexpectedAnswer` where the server answers otherwise than it should."""
    flow = import_module(f"{__name__}.{name}")
    to.begin(name, flow.__doc__ or "")
    try:
        flow.walk(to)
    except KeyError as error:
        raise UnexpectedAnswer(f"the answer has no {error}") from error
