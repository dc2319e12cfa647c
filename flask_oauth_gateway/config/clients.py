"""Settings of clients: how a client proves who it is, where its metadata document may be, whose scripts may read answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .checks import ConfigurationError, boolean, names, one_of, one_or_more_of, positive
from .setting import setting

#: Schemes that no app has for itself: the web's, and those that run or show what stands in the URI itself.
NOT_OF_AN_APP = frozenset({"http", "https", "javascript", "data", "vbscript", "file", "about", "blob"})


def read_origins(key: str, value: Any) -> tuple[str, ...] | None:
    """Origins (`https://app.example.com`), `"*"` for every origin, or `None`."""
    if value is None:
        return None
    listed = names(key, value)
    if any(item != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", item) for item in listed):
        raise ConfigurationError(key, value, "a list of origins such as 'https://app.example.com', '*', or None")
    return listed


def read_schemes(key: str, value: Any) -> tuple[str, ...]:
    """Schemes of URIs (RFC 3986 section 3.1), without what follows them."""
    listed = names(key, value)
    if any(item in NOT_OF_AN_APP or not re.fullmatch(r"[a-z][a-z0-9+.-]*", item) for item in listed):
        raise ConfigurationError(
            key, value, "a list of apps' own schemes in small letters, such as 'vscode', without a colon"
        )
    return listed


def read_hosts(key: str, value: Any) -> tuple[str, ...] | None:
    """Names of hosts, each alone or, with `*.` before it, for all below it; or `None`."""
    if value is None:
        return None
    listed = tuple(item.lower() for item in names(key, value))
    if any(
        not re.fullmatch(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*", item) for item in listed
    ):
        raise ConfigurationError(key, value, "a list of hosts such as 'app.example.com' or '*.example.com', or None")
    return listed


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ClientSettings:
    """A group of `Settings`."""

    __slots__ = ()

    client_auth_methods: tuple[str, ...] = setting(
        ("client_secret_basic", "client_secret_post", "none", "private_key_jwt"),
        one_or_more_of(
            "client_secret_basic",
            "client_secret_post",
            "none",
            "private_key_jwt",
            "client_secret_jwt",
            "saml2_bearer",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ),
        "How a client may say who it is (RFC 7591 section 2, `token_endpoint_auth_method`; for `saml2_bearer`,"
        " RFC 7522 section 2.2). By a [certificate](mutual-tls.md) only with `OAUTH_MTLS`.",
    )
    client_assertion_audience: str = setting(
        "any",
        one_of("any", "issuer"),
        'Whom a client\'s assertion must name as its audience. `"any"`: the issuer, the token endpoint or the endpoint that it'
        ' is sent to; `"issuer"`: the issuer alone, as a text, so that no other server can use it.',
    )
    cors_origins: tuple[str, ...] | None = setting(
        None,
        read_origins,
        "Origins whose scripts may read the answers of the token, revocation and device endpoints. Where they are"
        " left out, the origins of a client's redirect URIs count.",
    )
    redirect_schemes: tuple[str, ...] = setting(
        ("cursor", "vscode", "vscode-insiders", "windsurf"),
        read_schemes,
        "Schemes without a dot that a redirect URI may have, of apps that are known by them. A scheme with a dot, such"
        " as `com.example.app`, is always allowed (RFC 8252 section 7.1).",
    )
    client_id_metadata: bool = setting(
        False,
        boolean,
        "Whether a `client_id` that begins with `https://` and is not registered is read as the URL of a"
        " [metadata document](client-metadata-documents.md), in which the client says who it is.",
    )
    client_id_metadata_hosts: tuple[str, ...] | None = setting(
        None,
        read_hosts,
        'The hosts whose documents count, such as `"app.example.com"`, or `"*.example.com"` for all below example.com.'
        " `None`: every host's.",
    )
    client_id_metadata_max_bytes: int = setting(
        16384,
        positive,
        "How many bytes such a document may have.",
    )
