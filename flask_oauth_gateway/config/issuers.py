"""Settings of other servers: those whose assertions are accepted, and those whose access tokens are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import dict_of_dicts, seconds
from .setting import setting


@dataclass(frozen=True, init=False, repr=False, eq=False)
class IssuerSettings:
    """A group of `Settings`."""

    __slots__ = ()

    jwt_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Who may sign JWT assertions: a dict by issuer. An issuer's entry is a dict with one of `jwks` (a key"
        " set), `jwks_uri` or `key` (PEM public key or certificate, or a JWK). It may also have `algorithms`"
        " (left out: those of the key's type), `audience` (left out: the token endpoint and the issuer), `scopes`"
        " (the most that an assertion may give), `scope_claim` (`True`; whether a `scope` in its JWTs asks for"
        " scopes here), `max_lifetime` (3600 seconds), `client_id` (the client that the"
        " tokens belong to), `numeric_strings` (`False`; whether `exp` may be a text, as some clients write it),"
        " `private_addresses` (`False`; whether `jwks_uri` may be in a private network), and `id_jag` (`False`;"
        " whether the issuer lets clients of its own in by ID-JAGs, and signs nothing else for here).",
    )
    saml_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Who may sign SAML assertions: a dict by entity ID. An issuer's entry is a dict with `certificates` (PEM"
        " texts or paths; one that has expired is refused) or `metadata` (XML or a path). It may also have"
        " `audience` and `recipient` (left out, each is the issuer and the token endpoint), `scopes` (the most"
        " that an assertion may give), `max_lifetime` (3600 seconds), `client_id` (the client that the tokens"
        " belong to), `attributes` (the names of the attributes that are kept with the token), `decryption_key`"
        " (PEM private key or path, for encrypted assertions and names), and `allow_sha1` (`False`).",
    )
    trusted_token_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Other servers whose access tokens protected views take: a dict by issuer. An issuer's entry is a dict"
        " with `audience` (what the issuer's tokens call this API: a text or a list) and one of `jwks_uri`,"
        " `jwks`, `key` (PEM public key or certificate, or a JWK), or `introspection` (the URL of the endpoint"
        " that is asked) with `client_id` and `client_secret`. It may also have `algorithms` (left out: those of"
        " the key's type), `scopes` (the most that count), `scope_claims` (left out: `scope` and `scp`, and"
        " `roles` of a client's own token), `subject_claim` (left out: `sub`), `kind` (`\"any\"` where the issuer's"
        " JWTs don't show that they are access tokens, and are for us alone), and `private_addresses` (`False`;"
        " whether the issuer's URLs may be in a private network). With `introspection`, `audience` may be `()`:"
        " every token that the issuer calls active is taken.",
    )
    clock_skew: int = setting(60, seconds, "How many seconds the clocks of others may be off.")
