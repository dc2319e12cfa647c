"""What stands beside the fields of the administrator's forms, so that a refusal speaks of them by the same words."""

from __future__ import annotations

import re

from ..translations import translate

#: By the names that the registry has for them. A field that isn't here has its name as its label.
LABELS = {
    "client_name": "Name",
    "name": "Name",
    "owner": "Owner",
    "application": "Application",
    "status": "Status",
    "plan": "Plan",
    "token_endpoint_auth_method": "Client authentication",
    "grant_types": "Grant types",
    "redirect_uris": "Redirect URIs",
    "scope": "Scopes",
    "default_scope": "Default scopes",
    "access_token_format": "Format of access tokens",
    "access_token_lifetime": "Access tokens live, in seconds",
    "refresh_token_lifetime": "Refresh tokens live, in seconds",
    "client_uri": "Website",
    "logo_uri": "Logo",
    "policy_uri": "Its privacy policy",
    "tos_uri": "Its terms of use",
    "post_logout_redirect_uris": "Where users go after they signed out",
    "contacts": "Contacts",
    "further": "Further members of the registration",
    "secret_days": "The secret expires after days",
    "expires_days": "The new one expires after days",
    "overlap": "The old secrets still live for",
    "require_pushed_authorization_requests": "It must push its authorization requests",
    "pushed_redirect_uris": "It may push redirect URIs that are not registered",
    "require_signed_request_object": "It must sign its authorization requests",
    "dpop_bound_access_tokens": "Its access tokens are always bound to a key (DPoP)",
    "tls_client_certificate_bound_access_tokens": "Its access tokens are always bound to its certificate (mutual TLS)",
    "request_object_signing_alg": "Signatures of its requests",
    "authorization_signed_response_alg": "Signatures of the answers to it",
    "request_uris": "Addresses of its signed requests",
    "authorization_details_types": "Types of authorization details",
}
#: A name in a text: not in quotes, where somebody's own words stand; one that is an ordinary word too only at the start.
_NAME = re.compile(r"(?<![^\s(])'[^']*'|\b(scope|[a-z]+(?:_[a-z]+)+)\b|\A([a-z]+)(?= )")


def with_labels(problem: str) -> str:
    """What is wrong with a form, with the labels of its fields in the place of their names."""

    def labelled(found: re.Match[str]) -> str:
        label = LABELS.get(found[1] or found[2] or "")
        return found[0] if label is None else f"“{translate(label)}”"

    return _NAME.sub(labelled, problem)
