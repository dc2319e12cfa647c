"""An app's configuration: `Settings`, which joins groups of settings, one file each.

`Settings.from_config` reads `app.config` once, at start-up. A wrong value raises `ConfigurationError`, which names the
key, its value and the values that it may have; an unknown `OAUTH_*` key is a warning.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import shown
from .checks import ConfigurationError, is_secure
from .clients import ClientSettings
from .grants import GrantSettings
from .hardening.authorization_requests import AuthorizationRequestSettings
from .hardening.bound_tokens import BoundTokenSettings
from .hardening.profiles import ProfileSettings, with_profile
from .issuers import IssuerSettings
from .keys import KeySettings
from .observing import ObservingSettings
from .openid import OPENID_SCOPES, PAIRWISE, OpenidSettings
from .people import PeopleSettings
from .permissions import PermissionSettings, with_implied
from .protection import ProtectionSettings
from .registration import STATEMENT, RegistrationSettings
from .server import ServerSettings
from .tokens import TokenSettings
from .users import UserSettings

__all__ = ["ConfigurationError", "ConfigurationWarning", "Settings"]

PREFIX = "OAUTH_"
ADMIN_SCOPE = "oauth:admin"  # the scope that the management API asks for
APPS_SCOPE = "oauth:apps"  # the scope with which it shows and changes the apps of the token's user
#: What these let a client do, in words.
OWN_SCOPES = {
    ADMIN_SCOPE: "Manage the gateway",
    APPS_SCOPE: "Manage your apps: register, change and delete them, and make secrets for them",
}
#: Asks for a refresh token (OIDC Core section 11); no client is registered for it, unless it is in `OAUTH_SCOPES`.
OFFLINE_ACCESS = "offline_access"


class ConfigurationWarning(UserWarning):
    """A configuration key that has no effect."""


@dataclass(frozen=True, slots=True)
class Settings(
    ServerSettings,
    ProfileSettings,
    ClientSettings,
    RegistrationSettings,
    GrantSettings,
    AuthorizationRequestSettings,
    BoundTokenSettings,
    PermissionSettings,
    UserSettings,
    PeopleSettings,
    OpenidSettings,
    TokenSettings,
    KeySettings,
    IssuerSettings,
    ProtectionSettings,
    ObservingSettings,
):
    """One app's configuration, checked and converted; times are whole seconds.

    Only this class has slots: Python can't join two classes that both have slots, so the groups have none. Nor have they
    methods that are made for them, which took a tenth of the time of the import. Each has a docstring: in place of one,
    `dataclass` would write its signature, which takes longer than all the rest that it does.
    """

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, relaxed: bool = False) -> Settings:
        """Read and check an app's configuration; `relaxed`, in debug and testing, also allows plain http.

        Raises `ConfigurationError` for a value that can't be used; warns of an unknown key with `ConfigurationWarning`.
        """
        known = {PREFIX + item.name.upper(): item for item in fields(cls)}
        values = {}
        for key, item in known.items():
            if key in config:
                values[item.name] = item.metadata["reader"](key, config[key])
        for key in config:
            if key.startswith(PREFIX) and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                warnings.warn(f"{key} is not a setting of the gateway.{hint}", ConfigurationWarning, stacklevel=3)
        values = with_profile(values)
        if values.get("admin"):
            values["scopes"] = {**values.get("scopes", {}), ADMIN_SCOPE: OWN_SCOPES[ADMIN_SCOPE]}
        if values.get("developer"):
            values["scopes"] = {**values.get("scopes", {}), APPS_SCOPE: OWN_SCOPES[APPS_SCOPE]}
        if values.get("oidc"):
            values["scopes"] = {**OPENID_SCOPES, **values.get("scopes", {})}
        implies = values.get("scope_implies", {})
        for plan in values.get("plans", {}).values() if implies else ():
            if plan["scopes"] is not None:
                plan["scopes"] = tuple(sorted(with_implied(frozenset(plan["scopes"]), implies)))
        settings = cls(**values)
        settings._check_together(relaxed=relaxed)
        return settings

    @property
    def app_scopes(self) -> list[str]:
        """The app's own scopes: all but the management API's, which nobody gets who isn't given them by their names."""
        return [name for name in self.scopes if name not in (ADMIN_SCOPE, APPS_SCOPE)]

    @property
    def id_token_algorithm(self) -> str:
        """What signs ID tokens for clients that don't say it (OIDC Core section 15.1), where the profile takes that."""
        return "RS256" if self.in_profile.takes("RS256") else self.signing_algorithm

    @property
    def has_admin_sessions(self) -> bool:
        """Whether the administrator's pages show sessions."""
        return self.admin and self.oidc

    def _check_together(self, *, relaxed: bool) -> None:
        """Make the checks that need more than one key."""
        self.check_profile()
        self.check_mtls()
        for key, names in (
            ("OAUTH_DEFAULT_SCOPES", self.default_scopes),
            ("OAUTH_REQUIRED_SCOPES", self.required_scopes),
            (
                "OAUTH_SCOPE_IMPLIES",
                # The longest first: the end of a secret that stands here by mistake is where nothing is shown any more.
                (*self.scope_implies, *sorted(frozenset().union(*self.scope_implies.values()), key=len, reverse=True))
                if self.scopes
                else (),
            ),
            ("OAUTH_CLAIMS", self.claims if self.oidc else ()),
            ("OAUTH_REGISTRATION_SCOPES", self.registration_scopes or ()),
            ("OAUTH_DEVELOPER_SCOPES", self.developer_scopes or ()),
            *((f"OAUTH_PLANS[{name!r}]['scopes']", plan["scopes"] or ()) for name, plan in self.plans.items()),
            ("OAUTH_METRICS", [self.metrics] if isinstance(self.metrics, str) else []),
        ):
            unknown = [name for name in names if name not in self.scopes]
            if unknown:
                raise ConfigurationError(key, list(names), f"names from OAUTH_SCOPES; {shown(unknown[0])} is not one")
        included = frozenset().union(*self.scope_implies.values())
        asked_alone = included.intersection(
            {ADMIN_SCOPE, APPS_SCOPE, OFFLINE_ACCESS, *(OPENID_SCOPES if self.oidc else ())}
        )
        if asked_alone:
            allowed = f"without {min(asked_alone)}, which no other scope may include"
            raise ConfigurationError("OAUTH_SCOPE_IMPLIES", self.scope_implies, allowed)
        for key, ceiling in (
            ("OAUTH_REGISTRATION_SCOPES", self.registration_scopes),
            ("OAUTH_DEVELOPER_SCOPES", self.developer_scopes),
        ):
            if ADMIN_SCOPE in (ceiling or ()):
                raise ConfigurationError(key, list(ceiling or ()), f"names from OAUTH_SCOPES but {ADMIN_SCOPE}")
        if self.registration == STATEMENT and not self.software_statement_issuers:
            raise ConfigurationError(
                "OAUTH_SOFTWARE_STATEMENT_ISSUERS", {}, "a dict with an issuer, where OAUTH_REGISTRATION is 'statement'"
            )
        for name, needed in (("request_uris", "jar"), ("request_encryption", "jar"), ("dpop_nonce", "dpop")):
            if getattr(self, name) and not getattr(self, needed):
                allowed = f"False where OAUTH_{needed.upper()} is off"
                raise ConfigurationError(f"OAUTH_{name.upper()}", True, allowed)
        if self.personal_tokens and self.dpop == "required":
            allowed = "False where OAUTH_DPOP is 'required': whoever has a personal token may use it"
            raise ConfigurationError("OAUTH_PERSONAL_TOKENS", True, allowed)
        if PAIRWISE in self.subject_types:
            self._check_pairwise()
        if self.issuer and not (self.allow_http or relaxed) and not is_secure(self.issuer):
            raise ConfigurationError(
                "OAUTH_ISSUER", self.issuer, "an https URL (plain http beyond loopback needs OAUTH_ALLOW_HTTP = True)"
            )

    def _check_pairwise(self) -> None:
        if self.pairwise_salt is None:
            raise ConfigurationError(
                "OAUTH_PAIRWISE_SALT", None, "a long random text, where OAUTH_SUBJECT_TYPES has 'pairwise'"
            )
        if not self.oidc:
            raise ConfigurationError(
                "OAUTH_SUBJECT_TYPES", list(self.subject_types), "('public',) where OAUTH_OIDC is off"
            )
