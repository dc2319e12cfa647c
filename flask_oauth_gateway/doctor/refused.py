"""A request that was refused, and its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client

Found = tuple[str, str]  # what was expected, and what came


@dataclass(frozen=True, slots=True)
class Explanation:
    """The check that failed, what it expected, what it got, and the RFC and section that ask for it."""

    check: str
    expected: str
    got: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that was refused: its error, its parameters, the client that it names, and its credentials and token."""

    server: AuthorizationServer
    error: str
    description: str
    reason: str = ""
    parameters: Mapping[str, str]
    client_id: str | None = None
    secret: str | None = None
    method: str | None = None
    token: str | None = None
    needed: str = ""

    @property
    def client(self) -> Client | None:
        return None if self.client_id is None else self.server.clients.load(self.client_id)
