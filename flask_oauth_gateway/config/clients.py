"""Settings of clients: how a client proves who it is, and which origins' scripts may read the answers to it."""

from __future__ import annotations

from dataclasses import dataclass

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class ClientSettings:
    __slots__ = ()

    client_auth_methods: tuple[str, ...] = setting(
        ("client_secret_basic", "client_secret_post", "none", "private_key_jwt"),
        check.one_or_more_of(
            "client_secret_basic",
            "client_secret_post",
            "none",
            "private_key_jwt",
            "client_secret_jwt",
            "saml2_bearer",
        ),
        "How a client may say who it is (RFC 7591 section 2, `token_endpoint_auth_method`; `saml2_bearer`: RFC 7522"
        " section 2.2).",
    )
    cors_origins: tuple[str, ...] | None = setting(
        None,
        check.origins,
        "Origins whose scripts may read the answers of the token, revocation and device endpoints. Left out: those of"
        " the client's redirect URIs.",
    )
