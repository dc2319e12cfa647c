"""Reads a logout request: whom it is about, and where its client wants the browser back (RP-Initiated Logout 1.0 section 2).

The browser goes only to an address that is registered for that client, byte for byte (section 3). Where a request is wrong, it
goes nowhere: the user learns what is wrong, and may sign out all the same (section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ..errors import InvalidRequestError, clean
from ..web.logs import logger
from ..web.request import values_by_name
from .id_token import ENCRYPTED_DOTS, NotOurs

if TYPE_CHECKING:
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from .id_token import Hint, IdTokens

MAX_STATE = 8192
SENT_ON = ("client_id", "post_logout_redirect_uri", "state", "ui_locales")  # what the page's form sends once more


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A logout request as far as it is right: of one with a `problem`, neither the client nor its address is believed."""

    hint: Hint | None = None
    client: Client | None = None
    redirect_uri: str | None = None
    state: str | None = None
    ui_locales: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def location(self) -> str | None:
        """Where the browser goes after the sign-out, with `state` as it came; `None`: to no client."""
        uri = self.redirect_uri
        if uri is None or self.state is None:
            return uri
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': self.state})}"

    @property
    def sent_on(self) -> dict[str, str]:
        """The parameters by which the page's form says the same. The hint isn't among them: the user's answer stands for it."""
        client_id = None if self.client is None else self.client.client_id
        values = (client_id, self.redirect_uri, self.state, " ".join(self.ui_locales))
        return {name: value for name, value in zip(SENT_ON, values, strict=True) if value}


def read_logout(pairs: list[tuple[str, str]], clients: ClientStore, id_tokens: IdTokens) -> LogoutRequest:
    """The request that these parameters make. Parameters without a value count as left out, and unknown ones are passed over."""
    values = values_by_name([(name, value) for name, value in pairs if value])
    ui_locales = tuple(values.get("ui_locales", [""])[0].split())
    try:
        return _read(values, ui_locales, clients, id_tokens)
    except InvalidRequestError as error:
        return LogoutRequest(ui_locales=ui_locales, problem=error.description)


def _read(
    values: dict[str, list[str]], ui_locales: tuple[str, ...], clients: ClientStore, id_tokens: IdTokens
) -> LogoutRequest:
    for name, found in values.items():
        if len(found) > 1:
            raise InvalidRequestError(f"The parameter '{clean(name, 40)}' is repeated.")
    sent = {name: found[0] for name, found in values.items()}
    client_id, uri, state = sent.get("client_id"), sent.get("post_logout_redirect_uri"), sent.get("state")
    hint = _read_hint(sent.get("id_token_hint"), id_tokens)
    if hint is not None and client_id not in (None, hint.client_id):
        raise InvalidRequestError("The application that sent you here is not the one that you signed in to.")
    client = _client(clients, client_id if hint is None else hint.client_id, uri)
    if client is None and client_id is not None and hint is None:
        raise InvalidRequestError("The application that sent you here is not known.")
    if state is not None and len(state.encode()) > MAX_STATE:
        raise InvalidRequestError("The parameter 'state' is too long.")
    if uri is not None and (client is None or uri not in client.post_logout_redirect_uris):
        raise InvalidRequestError("The address to send you back to is not one that is registered for the application.")
    return LogoutRequest(hint=hint, client=client, redirect_uri=uri, state=state, ui_locales=ui_locales)


def _read_hint(token: str | None, id_tokens: IdTokens) -> Hint | None:
    try:
        return None if token is None else id_tokens.read_hint(token)
    except NotOurs:
        if token is not None and token.count(".") == ENCRYPTED_DOTS:
            logger.warning("The id_token_hint of a sign-out is encrypted: send the signed token that was in it.")
        raise InvalidRequestError("The application showed a proof of your sign-in that is not valid.") from None


def _client(clients: ClientStore, client_id: str | None, uri: str | None) -> Client | None:
    """The client that asks; `None` also for one that is disabled, which the log says where its address would have counted."""
    client = None if client_id is None else clients.load(client_id)
    if client is None or client.enabled:
        return client
    if uri in client.post_logout_redirect_uris:
        logger.warning(
            "A sign-out doesn't end at the post_logout_redirect_uri of the client %s: it is disabled.", client.client_id
        )
    return None
