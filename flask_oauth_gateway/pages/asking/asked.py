"""What the templates show beside the scopes that a client asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .claims import claims_sent
from .scopes import limits

if TYPE_CHECKING:
    from ...authorization_server import AuthorizationServer
    from ...stores.registered_client import Client
    from ..person import Person


def in_words(
    server: AuthorizationServer, client: Client, person: Person, names: Iterable[str], by_name: Iterable[str] = ()
) -> dict[str, Any]:
    """What the templates show beside the scopes: `claims` and `limits`. `names`: all that is asked for or was allowed before.

    `by_name`: the claims that the client asks for by name (OIDC Core section 5.5).
    """
    asked = tuple(names)
    return {
        "claims": claims_sent(server, client, person, asked, frozenset(by_name)),
        "limits": limits(server.settings, asked),
    }
