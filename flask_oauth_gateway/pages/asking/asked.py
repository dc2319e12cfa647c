"""What the templates show beside the scopes that a client asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .claims import claims_sent
from .scopes import limits

if TYPE_CHECKING:
    from ...authorization.consent import Question
    from ...authorization_server import AuthorizationServer
    from ...stores.registered_client import Client
    from ..person import Person


def in_words(
    server: AuthorizationServer, client: Client, person: Person, question: Question, by_name: Iterable[str] = ()
) -> dict[str, Any]:
    """What the templates show beside the scopes of a question: `claims` and `limits`.

    `by_name`: the claims that the client asks for by name (OIDC Core section 5.5).
    """
    return {
        "claims": claims_sent(server, client, person, question, frozenset(by_name)),
        "limits": limits(server.settings, question.names),
    }
