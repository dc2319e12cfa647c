"""Settings of other servers: those whose assertions are believed, and those whose access tokens are taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import dict_of_dicts, seconds
from .setting import setting


@dataclass(frozen=True)
class IssuerSettings:
    __slots__ = ()

    jwt_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Who may sign JWT assertions: issuer to a dict with one of `jwks` (a key set), `jwks_uri` or `key` (PEM public"
        " key or certificate, or a JWK); `algorithms` (left out: those of the key's type), `audience` (left out: the token"
        " endpoint and the issuer), `scopes` (the most it may give), `max_lifetime` (300 seconds), `client_id` (whose its"
        " tokens are), `numeric_strings` (False; some clients write `exp` as a text), `private_addresses` (False; whether"
        " `jwks_uri` may be in a private network).",
    )
    saml_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Who may sign SAML assertions: entity ID to a dict with `certificates` (PEM texts or paths; one that has expired is"
        " refused) or `metadata` (XML or a path); `audience` (left out: the issuer and the token endpoint), `recipient`"
        " (likewise), `scopes` (the most it may give), `max_lifetime` (300 seconds), `client_id` (whose its tokens are),"
        " `attributes` (names of those that are kept with the token), `decryption_key` (PEM private key or path, for"
        " encrypted assertions), `allow_sha1` (False).",
    )
    trusted_token_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Other servers whose access tokens protected views take: issuer to a dict with `audience` (what their tokens name this"
        " API: a text or a list) and one of `jwks_uri`, `jwks`, `key` (PEM public key or certificate, or a JWK), or"
        " `introspection` (the URL of its endpoint; who is asked) with `client_id` and `client_secret`. Further `algorithms`"
        " (left out: those of the key's type), `scopes` (the most that count), `scope_claims` (left out: `scope` and `scp`,"
        " and `roles` of a client's own token), `subject_claim` (`sub`), `private_addresses` (False; whether its URLs may be"
        " in a private network). With `introspection`, `audience` may be `()`: every token that is called active is taken.",
    )
    clock_skew: int = setting(60, seconds, "Seconds that the clocks of others may be off.")
