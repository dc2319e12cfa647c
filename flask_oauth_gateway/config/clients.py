"""Settings of clients: how a client proves who it is, and which origins' scripts may read its answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .checks import ConfigurationError, names, one_or_more_of
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


@dataclass(frozen=True)
class ClientSettings:
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
        ),
        "How a client may say who it is (RFC 7591 section 2, `token_endpoint_auth_method`; for `saml2_bearer`,"
        " RFC 7522 section 2.2).",
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
