"""The rows of what operators use."""

from __future__ import annotations

from collections.abc import Mapping

from .feature import FORM, GET, POST, Endpoint, Feature

#: The administrator's pages, by their file in `pages/admin/`: each one's view, its path below `/admin`, and its methods.
_ADMIN_PAGES: Mapping[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "clients": [
        ("clients", "/clients", GET), ("client", "/client", GET), ("client_secret", "/client/secret", POST),
        ("client_switch", "/client/switch", POST), ("client_mark", "/client/mark", POST),
        ("client_delete", "/client/delete", FORM),
    ],
    "client_new": [("client_new", "/clients/new", FORM)], "client_form": [("client_edit", "/client/edit", FORM)],
    "applications": [
        ("applications", "/applications", GET), ("application", "/application", GET),
        ("application_new", "/applications/new", FORM), ("application_edit", "/application/edit", FORM),
        ("application_status", "/application/status", POST), ("application_delete", "/application/delete", FORM),
    ],
    "tokens": [("grants", "/grants", FORM), ("tokens", "/tokens", FORM), ("revoke_all", "/revoke", POST)],
    "overview.page": [("overview", "/", GET)], "keys": [("keys", "/keys", FORM)], "issuers": [("issuers", "/issuers", GET)],
    "audit": [("audit", "/audit", GET), ("audit_export", "/audit/export", GET)],
    "search": [("search", "/search", FORM)], "sign_out": [("sign_out", "/sign-out", POST)],
    "bulk": [("clients_bulk", "/clients/bulk", POST), ("tokens_bulk", "/tokens/bulk", POST)],
}  # fmt: skip

OPERATORS: Mapping[str, Feature] = {
    "admin": Feature(
        source="API gateways",
        page="admin.md",
        setting="admin",
        endpoints={"admin": Endpoint("/admin", GET, "pages.admin.overview.page:overview")}
        | {
            f"admin_{name}": Endpoint(f"/admin{path}", methods, f"pages.admin.{file}:{name}")
            for file, pages in _ADMIN_PAGES.items()
            for name, path, methods in pages
        },
    ),
    "admin_sessions": Feature(
        source="OpenID Connect",
        page="openid.md",
        setting="has_admin_sessions",
        endpoints={"admin_sessions": Endpoint("/admin/sessions", FORM, "pages.admin.sessions:sessions")},
    ),
    "forward_auth": Feature(
        source="API gateways",
        page="forward-auth.md",
        setting="forward_auth",
        checks_tokens=True,
        endpoints={
            "verify": Endpoint("/verify", (), "endpoints.verify:verify"),
            "verify_root": Endpoint("/verify/", (), "endpoints.verify:verify_path"),
            "verify_path": Endpoint("/verify/<path:original>", (), "endpoints.verify:verify_path"),
        },
    ),
    "metrics": Feature(
        source="Prometheus",
        page="observability.md",
        setting="metrics_scope",
        checks_tokens=True,
        endpoints={"metrics": Endpoint("/metrics", GET, "endpoints.metrics:metrics")},
    ),
}
