"""Readers of what OpenID Connect adds to a client's registration (OpenID Connect Dynamic Client Registration section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...config.checks import is_loopback, is_secure
from ...config.keys import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from ...config.openid import PAIRWISE, PUBLIC, in_order, response_types_of
from ...errors import shown
from . import ClientMetadataError, check_redirect_uri, read_boolean, read_list, read_texts, read_web_url

if TYPE_CHECKING:
    from ...config import Settings

ENCRYPTED = ("id_token", "userinfo")  # what a client may have encrypted


def read_signing_algorithm(name: str, value: Any, settings: Settings) -> str:
    return _one_of(SIGNING_ALGORITHMS, name, value)


def read_encryption_algorithm(name: str, value: Any, settings: Settings) -> str:
    """Check how the key is agreed on. RSA1_5 isn't among them: who asks often enough decrypts what was encrypted so."""
    return _one_of(ENCRYPTION_ALGORITHMS, name, value)


def read_encryption_method(name: str, value: Any, settings: Settings) -> str:
    return _one_of(ENCRYPTION_METHODS, name, value)


def _one_of(known: tuple[str, ...], name: str, value: Any) -> str:
    if value not in known:
        raise ClientMetadataError(f"{name} is {shown(value)}; it may be {', '.join(known)}.")
    return str(value)


def check_encryption(values: Mapping[str, Any]) -> None:
    """Check that there is a key for each answer that is to be encrypted (Registration section 2)."""
    for kind in ENCRYPTED:
        algorithm, jwks = values.get(f"{kind}_encrypted_response_alg"), values.get("jwks")
        if algorithm is None:
            if f"{kind}_encrypted_response_enc" in values:
                raise ClientMetadataError(
                    f"{kind}_encrypted_response_enc needs {kind}_encrypted_response_alg beside it."
                )
            continue
        if jwks is None and not values.get("jwks_uri"):
            raise ClientMetadataError(
                f"{kind}_encrypted_response_alg needs a jwks or jwks_uri: the keys to encrypt to."
            )
        if jwks is not None:
            _check_key(jwks, algorithm, f"{kind}_encrypted_response_alg")


def _check_key(jwks: Any, algorithm: str, name: str) -> None:
    from ...crypto.certificates import UnusableKey
    from ...crypto.encryption import encryption_keys_in, key_for

    try:
        found = key_for(algorithm, encryption_keys_in(jwks).fixed)
    except UnusableKey as error:
        raise ClientMetadataError(f"jwks can't be used for {name}: {error}.") from error
    if found is None:
        raise ClientMetadataError(f"jwks has no key for {algorithm}, which {name} names.")


def read_id_token_claims(name: str, value: Any, settings: Settings) -> str:
    if value not in ("requested", "all"):
        raise ClientMetadataError(f"{name} is 'requested' or 'all'.")
    return str(value)


def read_response_types(name: str, value: Any, settings: Settings) -> list[str]:
    """Check the response types; where there are none, a client may use all that its grants allow."""
    known = response_types_of(settings)
    found = [in_order(each) for each in read_texts(name, value, settings)]
    for each in found:
        if each not in known:
            raise ClientMetadataError(f"{name} names {shown(each)}; those of this server are {', '.join(known)}.")
    return found


def read_application_type(name: str, value: Any, settings: Settings) -> str:
    if value not in ("web", "native"):
        raise ClientMetadataError(f"{name} is 'web' or 'native'.")
    return str(value)


def check_application_type(values: Mapping[str, Any]) -> None:
    """Check a web app of the implicit flow, whose tokens a redirect carries: it is on the web, and there by https.

    Registration 2 says so of no other, and clients say "web" of themselves that have an app's own scheme too.
    """
    if values.get("application_type") != "web" or "implicit" not in values.get("grant_types", ()):
        return
    for uri in values.get("redirect_uris", ()):
        parts = urlsplit(uri)
        if parts.scheme != "https" or is_loopback(parts.hostname or ""):
            raise ClientMetadataError(
                f"The redirect URI {shown(uri)} must be https and not on loopback: application_type is 'web', and the"
                " grant implicit.",
                "invalid_redirect_uri",
            )


def read_post_logout_redirect_uris(name: str, value: Any, settings: Settings) -> list[str]:
    """Check where the browser may go after a sign-out (RP-Initiated Logout section 3.1): as a redirect URI is checked."""
    schemes, kind = settings.redirect_schemes, f"address in {name}"
    return [
        check_redirect_uri(item, schemes, kind=kind, error="invalid_client_metadata") for item in read_list(name, value)
    ]


def read_initiate_login_uri(name: str, value: Any, settings: Settings) -> str:
    """Check where others may send users to sign in at the client (OIDC Core section 4)."""
    return _https_url(name, value, settings)


def read_seconds(name: str, value: Any, settings: Settings) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise ClientMetadataError(f"{name} is a number of seconds, 0 or more.")
    return value


def read_acr_values(name: str, value: Any, settings: Settings) -> list[str]:
    """Check the values, which stand in one parameter with spaces between them."""
    found = read_texts(name, value, settings)
    if not all(each and " " not in each for each in found):
        raise ClientMetadataError(f"{name} is a list of texts without spaces.")
    return found


def read_subject_type(name: str, value: Any, settings: Settings) -> str:
    if value not in settings.subject_types:
        known = value in (PUBLIC, PAIRWISE)
        offered = (
            f"OAUTH_SUBJECT_TYPES offers {', '.join(settings.subject_types)}"
            if known
            else "it may be public or pairwise"
        )
        raise ClientMetadataError(f"{name} is {shown(value)}; {offered}.")
    return str(value)


def read_sector(name: str, value: Any, settings: Settings) -> str:
    """Check where the redirect URIs of a sector are named (OIDC Core section 8.1)."""
    return _https_url(name, value, settings)


def _https_url(name: str, value: Any, settings: Settings) -> str:
    url = read_web_url(name, value, settings)
    if not is_secure(url) or "#" in url:
        raise ClientMetadataError(f"{name} must be an https URL without a fragment.")
    return url


def read_backchannel_logout_uri(name: str, value: Any, settings: Settings) -> str:
    """Check where a client hears of sign-outs (OpenID Connect Back-Channel Logout section 2.2); a query is the client's."""
    url = _https_url(name, value, settings)
    if not re.fullmatch(r"[\x21-\x7e]+", url):
        raise ClientMetadataError(f"{name} must be in ASCII.")
    return url


def check_backchannel_logout_uri(url: str | None) -> None:
    """Check that a client of a server that is elsewhere isn't on the server's own machine. Raises `ClientMetadataError`."""
    if url is not None and is_loopback(urlsplit(url).hostname or ""):
        raise ClientMetadataError(
            "backchannel_logout_uri is on this machine, which is for debug, testing, and an OAUTH_ISSUER that is here too."
        )


OF_OAUTH_TOO = frozenset({"application_type", "response_types", "require_pkce"})  # what counts with OAUTH_OIDC off
OPENID_MEMBERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "id_token_signed_response_alg": read_signing_algorithm,
    "id_token_encrypted_response_alg": read_encryption_algorithm,
    "id_token_encrypted_response_enc": read_encryption_method,
    "userinfo_signed_response_alg": read_signing_algorithm,
    "userinfo_encrypted_response_alg": read_encryption_algorithm,
    "userinfo_encrypted_response_enc": read_encryption_method,
    "id_token_claims": read_id_token_claims,
    "application_type": read_application_type,
    "response_types": read_response_types,
    "post_logout_redirect_uris": read_post_logout_redirect_uris,
    "initiate_login_uri": read_initiate_login_uri,
    "default_max_age": read_seconds,
    "require_auth_time": read_boolean,
    "default_acr_values": read_acr_values,
    "require_pkce": read_boolean,
    "subject_type": read_subject_type,
    "sector_identifier_uri": read_sector,
    "backchannel_logout_uri": read_backchannel_logout_uri,
    "backchannel_logout_session_required": read_boolean,
}
