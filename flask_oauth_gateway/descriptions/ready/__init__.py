"""What a new client begins with: its first requests, and settings for the libraries that people use, ready to be pasted.

The secret stands in the `.env` file alone; the programs read it from the environment. The tests run each text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ...config.openid import OPENID
from ...features import SENT_SECRET_METHODS
from ...features.grants import DEVICE_CODE
from .about import About
from .files import env, nginx
from .first_requests import needs_more
from .javascript import auth_js, openid_client, openid_client_device, openid_client_machine
from .python import (
    authlib_flask,
    authlib_machine,
    authlib_session,
    requests_oauthlib,
    requests_oauthlib_machine,
)

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client


class Snippet(NamedTuple):
    """A text to paste: the library or file that it is for, and the text."""

    title: str
    text: str


def ready_settings(
    client: Client, settings: Settings, issuer: str, server: str, urls: Mapping[str, str]
) -> list[Snippet]:
    """The texts that fit a client, its grants that are on, and the server. `server` is where its metadata are.

    Where `urls` are empty, the server doesn't know where it is, and there is no more than the `.env` file.
    """
    basic = "client_secret_basic" in settings.client_auth_methods
    about = About(client, issuer, server, urls, settings.oidc and OPENID in client.scope.split(), basic)
    grants = [name for name in client.grant_types if name in settings.grant_types]
    found = [Snippet(".env", env(about, grants))]
    if not urls:
        return found
    sends = client.is_public or client.token_endpoint_auth_method in SENT_SECRET_METHODS
    if sends and not needs_more(client, settings, grants):
        found += _of_libraries(about, grants)
    if settings.forward_auth and grants:
        found.append(Snippet("nginx", nginx(about)))
    return found


def _of_libraries(about: About, grants: list[str]) -> Iterator[Snippet]:
    client = about.client
    if "authorization_code" in grants:
        in_browser = client.is_public and client.application_type == "web"
        if not client.is_public:
            yield Snippet("Authlib, in Flask", authlib_flask(about))
            yield Snippet("requests-oauthlib", requests_oauthlib(about))
        elif not in_browser:
            yield Snippet("Authlib", authlib_session(about))
            yield Snippet("requests-oauthlib", requests_oauthlib(about))
        yield Snippet("openid-client", openid_client(about))
        if about.oidc and not client.is_public:
            yield Snippet("Auth.js", auth_js(about))
    elif "client_credentials" in grants:
        yield Snippet("Authlib", authlib_machine(about))
        yield Snippet("requests-oauthlib", requests_oauthlib_machine(about))
        yield Snippet("openid-client", openid_client_machine(about))
    elif DEVICE_CODE in grants:
        yield Snippet("openid-client", openid_client_device(about))
