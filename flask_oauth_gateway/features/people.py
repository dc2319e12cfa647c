"""The rows of what is there for a person: what a user has allowed, and signing in."""

from __future__ import annotations

from collections.abc import Mapping

from .feature import FORM, GET, POST, Endpoint, Feature
from .grants import DEVICE_CODE

#: A user's own apps, by the file in `pages/developer/`: each page's view, its path below `/developer`, and its methods.
_DEVELOPER_PAGES: Mapping[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "apps": [("apps", "/", GET), ("app", "/app", GET), ("delete", "/app/delete", FORM)],
    "form": [("new", "/apps/new", FORM), ("edit", "/app/edit", FORM), ("check", "/check", POST)],
    "secrets": [("secret", "/app/secret", POST), ("secret_end", "/app/secret/end", POST)],
}  # fmt: skip
WITH_A_PERSON = ("authorization_code", "implicit", "password", DEVICE_CODE)

PEOPLE: Mapping[str, Feature] = {
    "approvals": Feature(
        source="RFC 9700 section 4.14",
        page="consent.md",
        grants=WITH_A_PERSON,
        endpoints={
            "applications": Endpoint("/applications", GET, "pages.approvals:approvals"),
            "revoke_approval": Endpoint("/applications/revoke", POST, "pages.approvals:withdraw_approval"),
            "revoke_application": Endpoint(  # of pages that apps wrote themselves; browsers change some paths
                "/applications/<path:client_id>/revoke", POST, "pages.approvals:withdraw_approval"
            ),
        },
    ),
    "personal_tokens": Feature(
        source="this server",
        page="personal-tokens.md",
        setting="personal_tokens",
        endpoints={
            "personal_tokens": Endpoint("/tokens", FORM, "pages.personal_tokens:tokens"),
            "new_personal_token": Endpoint("/tokens/new", GET, "pages.personal_tokens:new_token"),
            "revoke_personal_tokens": Endpoint("/tokens/revoke", POST, "pages.personal_tokens:revoke_tokens"),
            "leaked_tokens": Endpoint("/tokens/leaked", POST, "endpoints.revocation.leaked:leaked"),
        },
    ),
    "developer": Feature(
        source="API gateways",
        page="developer-apps.md",
        setting="developer",
        endpoints={"developer": Endpoint("/developer", GET, "pages.developer.apps:apps")}
        | {
            f"developer_{name}": Endpoint(f"/developer{path}", methods, f"pages.developer.{file}:{name}")
            for file, pages in _DEVELOPER_PAGES.items()
            for name, path, methods in pages
        },
    ),
    "userinfo": Feature(
        source="OpenID Connect Core section 5.3",
        page="openid.md",
        setting="oidc",
        endpoints={
            "userinfo": Endpoint("/userinfo", FORM, "endpoints.userinfo:userinfo", "userinfo_endpoint", cors=True)
        },
    ),
    "logout": Feature(
        source="OpenID Connect RP-Initiated Logout",
        page="openid.md",
        setting="oidc",
        endpoints={"logout": Endpoint("/logout", FORM, "pages.logout:logout", "end_session_endpoint")},
    ),
}
