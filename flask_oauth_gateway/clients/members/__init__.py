"""Readers of the members of a client's registration: each checks and converts one value (RFC 7591 section 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...config import OFFLINE_ACCESS
from ...config.checks import ConfigurationError, full_grant_type, is_loopback, is_secure, positive
from ...config.clients import NOT_OF_AN_APP
from ...config.openid import OPENID_SCOPES
from ...errors import shown

if TYPE_CHECKING:
    from ...config import Settings

MAX_TEXT = 2048
MAX_DEPTH = 30  # of JSON objects: MariaDB takes no deeper ones
_VISIBLE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")  # a lone surrogate is no text, and no database stores it


class ClientMetadataError(ValueError):
    """A registration that can't be accepted; `error` is RFC 7591's code (section 3.2.2)."""

    def __init__(self, message: str, error: str = "invalid_client_metadata") -> None:
        super().__init__(message)
        self.error = error


class ClientChanged(ClientMetadataError):
    """The client has another `version` by now."""


def check_owner(owner: object) -> None:
    """Check the owner of a client or an application: a subject, or `None`. Raises `ClientMetadataError`."""
    if owner is not None and not (isinstance(owner, str) and _VISIBLE.fullmatch(owner) and 1 <= len(owner) <= 255):
        raise ClientMetadataError("owner is a subject: 1 to 255 characters, none of them a control character.")


def read_text(name: str, value: Any, settings: Settings) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _VISIBLE.fullmatch(value):
        raise ClientMetadataError(f"{name} is a text of at most {MAX_TEXT} characters, without control characters.")
    return value


def read_long_text(name: str, value: Any, settings: Settings) -> str:
    if not isinstance(value, str) or len(value) > 65536 or not _VISIBLE.fullmatch("".join(value.split())):
        raise ClientMetadataError(f"{name} is a text of at most 64 KiB.")
    return value


def read_list(name: str, value: Any) -> list[str]:
    """A list of texts, each once; a text alone is a list of one. Raises `ClientMetadataError`."""
    items = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, str) for item in items):
        raise ClientMetadataError(f"{name} is a list of texts.")
    return list(dict.fromkeys(items))


def read_texts(name: str, value: Any, settings: Settings) -> list[str]:
    return [read_text(name, item, settings) for item in read_list(name, value)]


def read_grant_types(name: str, value: Any, settings: Settings) -> list[str]:
    grants = [full_grant_type(item) for item in read_list(name, value)]
    for grant in grants:
        if not grant or len(grant) > 255:
            raise ClientMetadataError("A grant type has 1 to 255 characters.")
    return grants


def read_scope(name: str, value: Any, settings: Settings) -> str:
    """Check the scopes. `offline_access` is passed over: no client is registered for it, unless it is in `OAUTH_SCOPES`."""
    given = value.split() if isinstance(value, str) else read_list(name, value)
    names = [item for item in given if item != OFFLINE_ACCESS or item in settings.scopes]
    for item in names:
        if item in OPENID_SCOPES and item not in settings.scopes:
            raise ClientMetadataError(
                f"{name} names {shown(item)}, which is not in OAUTH_SCOPES: set OAUTH_OIDC = True."
            )
        if item not in settings.scopes:
            known = ", ".join(settings.scopes) or "none at all: set OAUTH_SCOPES"
            raise ClientMetadataError(f"{name} names {shown(item)}, which is not in OAUTH_SCOPES ({known}).")
    return " ".join(dict.fromkeys(names))


def read_auth_method(name: str, value: Any, settings: Settings) -> str:
    if value not in settings.client_auth_methods:
        offered = ", ".join(settings.client_auth_methods)
        raise ClientMetadataError(f"{name} is {shown(value)}; OAUTH_CLIENT_AUTH_METHODS offers {offered}.")
    return str(value)


def read_redirect_uris(name: str, value: Any, settings: Settings) -> list[str]:
    return [check_redirect_uri(item, settings.redirect_schemes) for item in read_list(name, value)]


def check_redirect_uri(
    uri: str, schemes: Collection[str] = (), *, kind: str = "redirect URI", error: str = "invalid_redirect_uri"
) -> str:
    """Check an address to which users are sent: https, http on loopback, or an app's own scheme (RFC 8252 section 7).

    `schemes`: those that need no dot (`OAUTH_REDIRECT_SCHEMES`). Raises `ClientMetadataError`, with `error` as its code.
    """

    def wrong(why: str) -> ClientMetadataError:
        return ClientMetadataError(f"The {kind} {shown(uri)} {why}.", error)

    if len(uri) > MAX_TEXT or not re.fullmatch(r"[\x21-\x7e]+", uri) or "\\" in uri:
        raise wrong("holds a space, a backslash or what is not ASCII, or is longer than 2048 characters")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise wrong("is not a URI") from None
    if "#" in uri:
        raise wrong("holds a fragment (RFC 6749 section 3.1.2)")
    if "@" in parts.netloc:
        raise wrong("holds a user name")
    if parts.scheme in ("http", "https"):
        if not host:
            raise wrong("names no host")
        if parts.scheme == "http" and not is_loopback(host):
            raise wrong("must be https: plain http is for loopback alone")
    elif parts.scheme in NOT_OF_AN_APP or not ("." in parts.scheme or parts.scheme in schemes):
        raise wrong(
            "needs https, http on loopback, a scheme of the app's own such as com.example.app, or one that is named in"
            " OAUTH_REDIRECT_SCHEMES"
        )
    return uri


def read_web_url(name: str, value: Any, settings: Settings) -> str:
    text = read_text(name, value, settings)
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fine = False
    if not fine:
        raise ClientMetadataError(f"{name} is an http or https URL.")
    return text


def read_boolean(name: str, value: Any, settings: Settings) -> bool:
    if not isinstance(value, bool):
        raise ClientMetadataError(f"{name} is True or False.")
    return value


def read_lifetime(name: str, value: Any, settings: Settings) -> int:
    try:
        return positive(name, value)
    except ConfigurationError as error:
        raise ClientMetadataError(f"{name} is a number of seconds, 1 or more.") from error


def read_token_format(name: str, value: Any, settings: Settings) -> str:
    if value not in ("opaque", "jwt"):
        raise ClientMetadataError(f"{name} is 'opaque' or 'jwt'.")
    return str(value)


def check_object(name: str, value: Any, settings: Settings | None = None) -> dict[str, Any]:
    """Check and copy a JSON object. Raises `ClientMetadataError`."""
    wrong = ClientMetadataError(f"{name} is a JSON object. It is at most {MAX_DEPTH} deep, and has no lone surrogates.")
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise wrong
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        text.encode()
        kept: dict[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise wrong from error
    within: list[Any] = [kept]
    for _ in range(MAX_DEPTH):
        within = [each for outer in within for each in (outer.values() if isinstance(outer, dict) else outer)]
        within = [each for each in within if isinstance(each, (dict, list))]
    if within:
        raise wrong
    return kept


def read_jwks(name: str, value: Any, settings: Settings) -> dict[str, Any]:
    """Check a key set: each key is public, and those for signatures can be read and are strong enough. All may be to encrypt."""
    from ...crypto.certificates import UnusableKey
    from ...crypto.jwk import NoKey, check_all_public, load_jwks

    kept = check_object(name, value)
    try:
        try:
            load_jwks(kept)
        except NoKey:
            load_jwks(kept, for_encryption=True)
        check_all_public(kept)
    except UnusableKey as error:
        raise ClientMetadataError(f"{name} can't be used: {error}.") from error
    return kept


def signs_with(jwks: Any) -> bool:
    """Whether a key set that was checked has a key for signatures; it may be for encryption alone."""
    from ...crypto.jwk import NoKey, load_jwks

    try:
        return bool(load_jwks(jwks))
    except NoKey:
        return False


def read_jwks_uri(name: str, value: Any, settings: Settings) -> str:
    url = read_web_url(name, value, settings)
    if not is_secure(url):
        raise ClientMetadataError(f"{name} is an https URL: keys that anybody on the way could change prove nothing.")
    return url


def check_called(values: Mapping[str, Any], *, on_loopback: bool) -> None:
    """Check that nothing is in a private network that is read for a client; a name is looked up when it is called.

    `on_loopback`: this machine may be called. Raises `ClientMetadataError`.
    """
    urls = [("jwks_uri", values.get("jwks_uri")), *(("request_uris", each) for each in values.get("request_uris", ()))]
    for name, url in urls:
        host = urlsplit(url or "").hostname
        if host is None or (on_loopback and is_loopback(host)):
            continue
        from ...crypto.private_addresses import is_private

        if is_private(host):
            raise ClientMetadataError(f"{name} is in a private network, or on this machine.")


def read_certificate(name: str, value: Any, settings: Settings) -> str:
    """Check an X.509 certificate or a public key, in PEM."""
    from ...crypto.certificates import UnusableKey
    from ...crypto.jwk import load_pem

    text = read_long_text(name, value, settings)
    if "PRIVATE KEY" in text:  # also beside a certificate: everybody who may see the client would see it
        raise ClientMetadataError(f"{name} can't be used: a private key has no place here.")
    try:
        load_pem(text)
    except UnusableKey as error:
        raise ClientMetadataError(f"{name} can't be used: {error}.") from error
    return text


def check_plan(name: str, value: Any, settings: Settings) -> str | None:
    """Check the name of a plan; "" means no plan. Raises `ClientMetadataError`."""
    if value == "":
        return None
    if not isinstance(value, str) or value not in settings.plans:
        known = ", ".join(settings.plans) or "none at all: set OAUTH_PLANS"
        raise ClientMetadataError(f"{name} is {shown(value)}, which is not in OAUTH_PLANS ({known}).")
    return value


def check_client_id(client_id: str) -> None:
    """Raises `ClientMetadataError` for what can't be a `client_id`."""
    if not re.fullmatch(r"[\x20-\x7e]{1,2048}", client_id):
        raise ClientMetadataError("A client_id is 1 to 2048 printable ASCII characters.")


def check_page(after: str | None, limit: int) -> int:
    """Where a page begins. Raises `ValueError` for an `after` that no page gave, or a `limit` below 1."""
    if limit < 1:
        raise ValueError("limit is a number of 1 or more.")
    if after is not None and not re.fullmatch("[0-9]{1,18}", after):
        raise ValueError("after is what an earlier page gave as next.")
    return int(after or 0)
