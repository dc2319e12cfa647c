"""What the texts are made of: the client, and where the server's endpoints are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ...stores.registered_client import Client

SECRET = "OAUTH_CLIENT_SECRET"  # the variable that holds it


class About(NamedTuple):
    """What the texts are made of. `server` is where its metadata are, `scopes` what the client asks for."""

    client: Client
    issuer: str
    server: str
    urls: Mapping[str, str]
    oidc: bool
    basic: bool

    @property
    def scope(self) -> str:
        return self.client.scope

    @property
    def uri(self) -> str:
        """Its first redirect URI."""
        return self.client.redirect_uris[0]

    @property
    def is_plain(self) -> bool:
        """Whether something is on plain http, which libraries must be told: on one's own machine."""
        return any(urlsplit(url).scheme == "http" for url in (self.issuer, *self.client.redirect_uris[:1]))


def text(value: str) -> str:
    """A text of ASCII as Python and JavaScript both write it."""
    return json.dumps(value)
