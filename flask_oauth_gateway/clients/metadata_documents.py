"""Client ID Metadata Documents: a `client_id` that is the URL of what the client says of itself (draft 03).

Here are the rules, for the URL and for the document; `directory.py` finds the clients.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..config.checks import may_call_loopback
from ..crypto.fetching import FetchError, fetch
from ..errors import shown
from ..stores.registered_client import Client
from .members import ClientMetadataError
from .strangers import ceiling_of, of_a_stranger

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from ..config import Settings
    from ..hooks import Hooks
    from .registry import ClientRegistry

SCHEME = "https://"
MAX_LENGTH = 2048
DEFAULT_SECONDS, MIN_SECONDS, MAX_SECONDS = 3600, 60, 86400  # for which a document counts as new
_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # visible ASCII but the backslash, which some read as a slash
_DOT_SEGMENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
METHODS = ("none", "private_key_jwt")  # a document that everybody can read holds no secret
SECRETS = ("client_secret", "client_secret_expires_at")


class NoClient(Exception):
    """A document from which no client can be made. The message says why, for the operator.

    `for_good`: not even one that was read of it before may go on: it isn't trusted.
    """

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is good: what is registered of it, and for how many seconds it counts as new."""

    values: Mapping[str, Any]
    seconds: int


class Documents:
    """Reads documents. `registry` checks every registration, and is made later."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        registry: Callable[[], ClientRegistry],
    ) -> None:
        self._app = app
        self._settings = settings
        self._hooks = hooks
        self._registry = registry
        self._on_loopback = may_call_loopback(settings.issuer, relaxed=app.debug or app.testing)

    def check_url(self, client_id: str) -> None:
        """Raises `NoClient` where a `client_id` is no URL that a document may have, or its host isn't let in (section 3)."""
        why = why_no_url(client_id)
        if why is not None:
            raise NoClient(f"the URL {why}")
        hosts = self._settings.client_id_metadata_hosts
        if hosts is not None and not is_among(urlsplit(client_id).hostname or "", hosts):
            raise NoClient("its host is not in OAUTH_CLIENT_ID_METADATA_HOSTS", for_good=True)

    def read(self, client_id: str, within: float) -> Document:
        """Fetch a document and check it, in so many seconds. Raises `NoClient`."""
        began = time.monotonic()
        try:
            body, seconds = fetch(
                client_id, redirects=0, within=within, max_bytes=self._settings.client_id_metadata_max_bytes, only_json=True,
                plain_http_on_loopback=self._on_loopback,
            )  # fmt: skip
        except FetchError as error:
            raise NoClient(f"{error}") from None
        said = _object_in(body)
        try:
            given = _check_document(client_id, said)
            registry = self._registry()
            given = of_a_stranger(given, self._settings, ceiling_of(self._settings, registry.grant_types))
            values = registry.check(given, within=within - (time.monotonic() - began))
        except ClientMetadataError as error:
            raise NoClient(str(error)) from None
        trust = self._hooks.trust_client
        if trust is not None and self._app.ensure_sync(trust)(client_id, said) is not True:
            raise NoClient("the hook trust_client does not trust it", for_good=True)
        kept = DEFAULT_SECONDS if seconds is None else min(max(seconds, MIN_SECONDS), MAX_SECONDS)
        return Document(values, kept)


def why_no_url(client_id: str) -> str | None:
    """What forbids a `client_id` to be the URL of a document (section 3), as in "the URL …"; `None` where nothing does."""
    if not client_id.startswith(SCHEME):
        return "does not begin with https://"
    if len(client_id) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if not _URL.fullmatch(client_id):
        return "holds a space, a backslash or what is not ASCII"
    try:
        parts = urlsplit(client_id)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "can't be read"
    if not host:
        return "names no host"
    if "@" in parts.netloc:
        return "holds a user name"
    if "#" in client_id:
        return "holds a fragment"
    if not parts.path:
        return "has no path"
    if any(_DOT_SEGMENT.fullmatch(segment) for segment in parts.path.split("/")):
        return "has a path with . or .. in it"
    return None


def is_among(host: str, hosts: Collection[str]) -> bool:
    """Whether a host is one of these; `*.example.com` stands for all below example.com."""
    return any(host.endswith(each[1:]) if each.startswith("*.") else host == each for each in hosts)


def is_another(client: Client, values: Mapping[str, Any]) -> bool:
    """Whether a document now says something else of where codes go, or of how the client proves who it is.

    What a user allowed rested on these.
    """
    return _proof(client.redirect_uris, client.token_endpoint_auth_method, client.jwks, client.jwks_uri) != _proof(
        values["redirect_uris"], values["token_endpoint_auth_method"], values.get("jwks"), values.get("jwks_uri")
    )


def _proof(
    redirect_uris: Collection[str], method: str, jwks: Mapping[str, Any] | None, jwks_uri: str | None
) -> tuple[object, ...]:
    """What is compared: the order of redirect URIs and keys says nothing."""
    keys = None if jwks is None else sorted(json.dumps(key, sort_keys=True) for key in jwks["keys"])
    return sorted(redirect_uris), method, keys, jwks_uri


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise NoClient("it is no JSON") from None
    if not isinstance(said, dict):
        raise NoClient("it is no JSON object")
    return said


def _check_document(client_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a document one of this client (section 4). Raises `ClientMetadataError`."""
    if said.get("client_id") != client_id:
        raise ClientMetadataError(f"Its client_id is {shown(said.get('client_id'))}, and not its URL.")
    for name in SECRETS:
        if name in said:
            raise ClientMetadataError(f"It has a {name}: a document that everybody can read holds no secret.")
    method = said.get("token_endpoint_auth_method")
    if method is not None and method not in METHODS:
        raise ClientMetadataError(
            f"Its token_endpoint_auth_method is {shown(method)}; in a document it is {' or '.join(METHODS)}."
        )
    for name in ("client_name", "redirect_uris"):
        if not said.get(name):
            raise ClientMetadataError(f"It has no {name}.")
    for name in (
        "jwks_uri",
        "sector_identifier_uri",
    ):  # even on loopback, where other clients may have them in plain http
        if said.get(name) is not None and not str(said[name]).startswith(SCHEME):
            raise ClientMetadataError(f"Its {name} is {shown(said[name])}, which is no https URL.")
    return {**said, "token_endpoint_auth_method": method or "none"}
