"""Settings of grants: which grants there are, how the token endpoint reads a request, and what a code needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .checks import full_grant_type, names, one_or_more_of, positive, true_false_or
from .setting import setting


def read_grant_types(key: str, value: Any) -> tuple[str, ...]:
    """Names of grants; short names are replaced by the full ones."""
    return tuple(dict.fromkeys(map(full_grant_type, names(key, value))))


@dataclass(frozen=True, init=False, repr=False, eq=False)
class GrantSettings:
    """A group of `Settings`."""

    __slots__ = ()

    grant_types: tuple[str, ...] = setting(
        ("authorization_code", "client_credentials", "refresh_token"),
        read_grant_types,
        'The grants that the token endpoint takes. An entry is a grant\'s name, or `"module:Class"` for a grant'
        " of the app's own.",
    )
    token_parameters_from: tuple[str, ...] = setting(
        ("body",),
        one_or_more_of("body", "query", "header"),
        "Where the token endpoint reads `grant_type`, `scope` and `state`; `query` and `header` serve clients of"
        " API gateways. Credentials, codes, tokens and assertions are read from the body alone.",
    )
    require_pkce: bool | str = setting(
        True,
        true_false_or("public", "nonce"),
        '`True`: every client needs PKCE (RFC 7636); `"public"`: public clients alone need it; `"nonce"`: for a confidential'
        " client that signs a user in (`openid`), a `nonce` does as well (RFC 9700 section 2.1.1); `False`: no client needs"
        " it. A confidential client that is registered with `require_pkce=False` may always send a nonce instead.",
    )
    pkce_methods: tuple[str, ...] = setting(
        ("S256",), one_or_more_of("S256", "plain"), "The code challenge methods that are taken (RFC 7636)."
    )
    authorization_code_lifetime: int = setting(60, positive, "How many seconds an authorization code lives.")
