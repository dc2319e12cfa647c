"""The protocol's flows over real HTTP, one file for each.

Each file has a function `get`, in which a client gets a token, and most have `refusals`: requests that the server must refuse.
One about something else has a function `walk`.
"""

from __future__ import annotations

import time
from importlib import import_module
from types import ModuleType
from typing import Any

from . import browser, revoke, tokeninfo, use
from .exchange import Step, UnexpectedAnswer
from .walk import Approval, Flow, OwnToken, Walk

#: In the order in which to read them. Each is a module of this package.
FLOWS = (
    "client_credentials",
    "tokeninfo",
    "revoke",
    "authorization_code",
    "refresh_token",
    "par",
    "jar",
    "jarm",
    "rar",
    "dpop",
    "mtls",
    "step_up",
    "fapi2",
    "openid",
    "logout",
    "device_code",
    "password",
    "implicit",
    "jwt_bearer",
    "saml2_bearer",
    "registration",
    "client_id_metadata",
    "mcp",
    "personal_token",
)


def walk(name: str, to: Walk) -> None:
    """Walk through one flow, and play alice. Raises `UnexpectedAnswer` if an answer isn't the expected one."""
    began = time.perf_counter()
    flow = module(name)
    to.begin(name, flow.__doc__ or "")
    part, came = parts(name, to), None
    try:
        while True:
            came = play(to, part.send(came))
    except StopIteration:
        pass
    except KeyError as error:
        raise UnexpectedAnswer(f"the answer has no {error}") from error
    finally:
        to.flows[-1]["seconds"] = round(time.perf_counter() - began, 3)


def module(name: str) -> ModuleType:
    """Return the module of a flow."""
    return import_module(f"{__name__}.{name}")


def parts(name: str, to: Walk, *, whole: bool = False) -> Flow:
    """Yield a flow's parts: getting a token, using it, refusals; with `whole` also asking about the token and revoking it."""
    flow = module(name)
    if hasattr(flow, "walk"):  # a flow with parts of its own
        yield from flow.walk(to)
        return
    to.chapter("Get a token")
    held = yield from flow.get(to)
    if whole:
        to.chapter("Read the token")
        use.read(to, held)
        if flow is not tokeninfo:
            yield from tokeninfo.look_up(to, held)
    to.chapter("Use the token")
    yield from use.call(to, held)
    if flow is tokeninfo:  # asks about a token that is still good
        to.chapter("Ask about the token")
        yield from flow.refusals(to, held)
    if whole and flow is not revoke:
        to.chapter("Give the token back")
        yield from revoke.give_back(to, held)
    if hasattr(flow, "refusals") and flow is not tokeninfo:
        to.chapter("Give the token back" if flow is revoke else "What is refused")
        yield from flow.refusals(to, held)


def play(to: Walk, asked: Any) -> Any:
    """Do the step that a flow asks for, and return its result."""
    if isinstance(asked, Step):
        return to.send(asked)
    to.story.append(asked)
    if isinstance(asked, OwnToken):
        return browser.make_token(to, asked)
    return browser.approve(to, asked) if isinstance(asked, Approval) else browser.approve_device(to, asked)
