"""Files that no program runs: `.env`, and a part of nginx's configuration."""

from __future__ import annotations

import re
from urllib.parse import quote

from ...config.openid import OPENID_SCOPES
from .about import SECRET, About


def env(about: About, grants: list[str]) -> str:
    """A file of variables, for python-dotenv, Node, Docker Compose and shells."""
    client = about.client
    values = {"OAUTH_ISSUER": about.issuer, "OAUTH_DISCOVERY_URL": about.server, "OAUTH_CLIENT_ID": client.client_id}
    if client.client_secret is not None:
        values[SECRET] = client.client_secret
    if "authorization_code" in grants and client.redirect_uris:
        values["OAUTH_REDIRECT_URI"] = about.uri
    if client.scope:
        values["OAUTH_SCOPE"] = client.scope
    return "".join(f"{name}={in_env(value)}\n" for name, value in values.items() if value)


def in_env(value: str) -> str:
    """A value in quotes that every reader of such files takes off again, as far as there are such quotes."""
    if re.fullmatch(r"[\w./:@%+=,~-]*", value, re.ASCII):
        return value
    if "'" not in value:
        return f"'{value}'"
    if not re.search(r'["$`\\!]', value):
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'  # as python-dotenv reads it; a shell needs other quotes"


def nginx(about: About) -> str:
    """The part of a `server` that asks for a token of this client's scopes."""
    asked = quote(" ".join(each for each in about.scope.split() if each not in OPENID_SCOPES), safe="")
    tokens = "a token for these scopes" if asked else "a good token"
    return f"""# In front of an API: only requests with {tokens} reach port 8000.
location / {{
    auth_request /_verify;
    auth_request_set $auth_subject $upstream_http_x_auth_subject;
    auth_request_set $auth_client $upstream_http_x_auth_client;
    proxy_set_header X-Auth-Subject $auth_subject;
    proxy_set_header X-Auth-Client $auth_client;
    proxy_set_header Authorization "";
    proxy_pass http://127.0.0.1:8000;
}}
location = /_verify {{
    internal;
    proxy_pass {about.urls["verify"]}?scope={asked};
    proxy_pass_request_body off;
    proxy_ssl_server_name on;
    proxy_set_header Content-Length "";
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Original-Method $request_method;
}}
"""
