"""Settings of profiles: `OAUTH_PROFILE` sets other settings to what a specification asks for, and refuses what it forbids.

A profile is a row of `PROFILES`. What the app sets itself counts, as long as the profile doesn't forbid it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ..checks import ConfigurationError, one_of
from ..setting import setting


class Rule(NamedTuple):  # which takes a third of the time that a dataclass takes to be made, at each import
    """What a profile asks of a setting: `allows` says whether a value will do, `allowed` says in words which do."""

    setting: str
    allowed: str
    allows: Callable[[Any], bool]


class Profile(NamedTuple):
    """A profile: the settings that it changes, those that it restricts, and what it does beyond settings.

    `pkce_for_all`: no client is excused from PKCE by its registration. `needs_audience`: every token has an audience, and a
    view takes no other token. `offers_offline_access`: the metadata name the scope `offline_access`. `for_old_clients`: the
    endpoints and the metadata are also where clients of the Model Context Protocol look without having read of them, and a
    view's challenge begins with Bearer, the only scheme that they read.
    `algorithms`: signatures are made and taken by these alone, of clients' keys too; `None`: by any. `see_other`: redirects are
    303, so that no browser sends a form on. `needs_redirect_uri`: no authorization request is without it.
    `takes_bound_tokens_alone`: views take no token that isn't bound to a key, as those from before the profile.
    `signs_introspection`: who asks about a token gets a signed answer, unless they want JSON by name.
    `request_objects_need_nbf`: a signed request says from when on it is valid. `clients_authenticate`: nobody gets a token
    without proof of which client it is, not for another issuer's assertion either.
    """

    sets: Mapping[str, Any] = MappingProxyType({})
    rules: tuple[Rule, ...] = ()
    pkce_for_all: bool = False
    needs_audience: bool = False
    offers_offline_access: bool = False
    for_old_clients: bool = False
    algorithms: tuple[str, ...] | None = None
    see_other: bool = False
    needs_redirect_uri: bool = False
    takes_bound_tokens_alone: bool = False
    signs_introspection: bool = False
    request_objects_need_nbf: bool = False
    clients_authenticate: bool = False

    def takes(self, algorithm: str) -> bool:
        """Whether signatures may be by this algorithm. EdDSA is what this server and older clients call Ed25519."""
        return self.algorithms is None or algorithm.replace("EdDSA", "Ed25519") in self.algorithms


#: The draft of OAuth 2.1, sections 4.1.1, 4.3.1, 5.2 and 10.
OAUTH_2_1 = (
    Rule("require_pkce", "True", lambda value: value is True),
    Rule("pkce_methods", "('S256',)", lambda value: value == ("S256",)),
    Rule("grant_types", "without implicit and password", {"implicit", "password"}.isdisjoint),
    Rule("bearer_methods", "without 'query'", lambda value: "query" not in value),
    Rule("refresh_tokens", "'rotate' or 'once'", lambda value: value != "preserve"),
)
#: The Model Context Protocol of 2026-07-28, "Authorization".
MCP = (
    *OAUTH_2_1,
    Rule("bearer_methods", "('header',)", lambda value: value == ("header",)),
    Rule("compatibility", "None", lambda value: value is None),  # clients of MCP can't read such answers
    Rule(
        "trusted_token_issuers",
        "entries that each name an 'audience'",
        lambda value: all(isinstance(each, Mapping) and each.get("audience") for each in value.values()),
    ),
)
#: FAPI 2.0 Security Profile (final, February 2025), sections 5.3.2 and 5.4.
FAPI_2_ALGORITHMS = ("PS256", "ES256", "Ed25519")
FAPI_2_CLIENTS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
FAPI_2 = (
    Rule("par", "'required'", lambda value: value == "required"),
    Rule("par_lifetime", "less than 600", lambda value: value < 600),
    Rule("require_pkce", "True", lambda value: value is True),
    Rule("pkce_methods", "('S256',)", lambda value: value == ("S256",)),
    Rule("client_auth_methods", f"any of {FAPI_2_CLIENTS}", set(FAPI_2_CLIENTS).issuperset),
    Rule("client_assertion_audience", "'issuer'", lambda value: value == "issuer"),
    Rule("grant_types", "without implicit and password", {"implicit", "password"}.isdisjoint),
    Rule("dpop", "'required': a token is bound by a proof, or by a certificate", lambda value: value == "required"),
    Rule("dpop_algorithms", f"any of {FAPI_2_ALGORITHMS}", set(FAPI_2_ALGORITHMS).issuperset),
    Rule("signing_algorithm", "'PS256', 'ES256' or 'EdDSA'", {"PS256", "ES256", "EdDSA"}.__contains__),
    Rule("authorization_code_lifetime", "60 at most", lambda value: value <= 60),
    Rule("refresh_tokens", "'preserve'", lambda value: value == "preserve"),
    Rule("clock_skew", "10 to 60", lambda value: 10 <= value <= 60),
    Rule("bearer_methods", "('header',)", lambda value: value == ("header",)),
    Rule("compatibility", "None", lambda value: value is None),
    Rule("personal_tokens", "False: they are bound to no key", lambda value: value is False),
    Rule("allow_http", "False", lambda value: value is False),
)
FAPI_2_PROFILE = Profile(
    sets={
        "par": "required",
        "client_auth_methods": ("private_key_jwt",),
        "client_assertion_audience": "issuer",
        "dpop": "required",
        "dpop_algorithms": FAPI_2_ALGORITHMS,
        "refresh_tokens": "preserve",
    },
    rules=FAPI_2,
    pkce_for_all=True,
    algorithms=FAPI_2_ALGORITHMS,
    see_other=True,
    needs_redirect_uri=True,
    takes_bound_tokens_alone=True,
    clients_authenticate=True,
)
#: FAPI 2.0 Message Signing (final, September 2025), sections 5.3 to 5.5.
MESSAGE_SIGNING = (
    *FAPI_2,
    Rule("jar", "'required'", lambda value: value == "required"),
    Rule("jarm", "'required'", lambda value: value == "required"),
)
PROFILES: Mapping[str | None, Profile] = {
    None: Profile(),
    "oauth2.1": Profile(rules=OAUTH_2_1, pkce_for_all=True),
    "mcp": Profile(
        sets={
            "client_id_metadata": True,
            "refresh_token_grace": 30,  # several windows of one client refresh in the same second
            "access_token_lifetime": 3600,
        },
        rules=MCP,
        pkce_for_all=True,
        needs_audience=True,
        offers_offline_access=True,
        for_old_clients=True,
    ),
    "fapi2": FAPI_2_PROFILE,
    "fapi2-message-signing": FAPI_2_PROFILE._replace(
        sets={**FAPI_2_PROFILE.sets, "jar": "required", "jarm": "required"},
        rules=MESSAGE_SIGNING,
        signs_introspection=True,
        request_objects_need_nbf=True,
    ),
}


def with_profile(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the app sets, and what its profile sets where the app says nothing."""
    return {**PROFILES[values.get("profile")].sets, **values}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ProfileSettings:
    """A group of `Settings`."""

    __slots__ = ()

    profile: str | None = setting(
        None,
        one_of(*PROFILES),
        '`"mcp"`: what clients of the [Model Context Protocol](profiles.md) need; `"oauth2.1"`: the rules of OAuth 2.1;'
        ' `"fapi2"` and `"fapi2-message-signing"`: those of [FAPI 2.0](fapi.md), for banks and health. A'
        " [profile](profiles.md) sets other settings where the app says nothing of them, and refuses what it forbids.",
    )

    @property
    def in_profile(self) -> Profile:
        """What the profile says; nothing, where there is none."""
        return PROFILES[self.profile]

    def check_profile(self, **found: Any) -> None:
        """Raises `ConfigurationError` for a setting that the profile forbids.

        `found`: what settings turn out to mean, in their place, as the `grant_type` of a grant class of the app's own.
        """
        for rule in self.in_profile.rules:
            value = found.get(rule.setting, getattr(self, rule.setting))
            if not rule.allows(value):
                key = f"OAUTH_{rule.setting.upper()}"
                given = [*value] if isinstance(value, Mapping) else value  # without the secrets in it
                raise ConfigurationError(key, given, f"{rule.allowed}, where OAUTH_PROFILE is {self.profile!r}")
