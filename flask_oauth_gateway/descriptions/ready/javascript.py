"""JavaScript: openid-client and Auth.js."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .about import SECRET, About, text


def openid_client(about: About) -> str:
    """openid-client 6, in Node or in a browser (https://github.com/panva/openid-client)."""
    scope = f"    scope: {text(about.scope)},\n" if about.scope else ""
    return f"""{_configured(about)}
// Send the user to url, and keep the rest in the session.
export async function begin() {{
  const kept = {{ pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }};
  const url = client.buildAuthorizationUrl(config, {{
    redirect_uri: {text(about.uri)},
{scope}    state: kept.expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(kept.pkceCodeVerifier),
    code_challenge_method: "S256",
  }});
  return {{ url: url.href, kept }};
}}

// The address to which the user came back, with its code.
export async function finish(address, kept) {{
  return client.authorizationCodeGrant(config, new URL(address), kept);
}}
"""


def openid_client_machine(about: About) -> str:
    """openid-client, of a program that acts for itself."""
    asked = f"{{ scope: {text(about.scope)} }}" if about.scope else "{}"
    return f"""{_configured(about)}
const token = await client.clientCredentialsGrant(config, {asked});
console.log(token.scope, token.expires_in);
"""


def openid_client_device(about: About) -> str:
    """openid-client, on a device."""
    asked = f"{{ scope: {text(about.scope)} }}" if about.scope else "{}"
    return f"""{_configured(about)}
const shown = await client.initiateDeviceAuthorization(config, {asked});
console.log("Open", shown.verification_uri, "and type", shown.user_code);
const token = await client.pollDeviceAuthorizationGrant(config, shown);
console.log(token.scope, token.expires_in);
"""


def _configured(about: About) -> str:
    given = about.client
    way = "None()" if given.is_public else f"ClientSecret{'Basic' if about.basic else 'Post'}(process.env.{SECRET})"
    options = [] if about.oidc else ['algorithm: "oauth2"']
    if urlsplit(about.issuer).scheme == "http":
        options.append("execute: [client.allowInsecureRequests]")  # on one's own machine
    more = f", {{ {', '.join(options)} }}" if options else ""
    run = "" if given.is_public else "// node --env-file=.env first.mjs\n"
    return f"""// npm install openid-client
{run}import * as client from "openid-client";

const config = await client.discovery(
  new URL({text(about.issuer)}), {text(given.client_id)}, undefined, client.{way}{more}
);
"""


def auth_js(about: About) -> str:
    """A provider of Auth.js (https://authjs.dev/guides/configuring-oauth-providers), by the name in the redirect URI."""
    found = re.search(r"/callback/([\w-]+)/?$", urlsplit(about.uri).path, re.ASCII)
    name = found[1] if found else "site"
    where = "" if found else f"// Its redirect URI is /api/auth/callback/{name} on the app's own host.\n"
    return f"""// npm install next-auth@beta
{where}import NextAuth from "next-auth";

export const {{ handlers, auth, signIn, signOut }} = NextAuth({{
  providers: [
    {{
      id: {text(name)},
      name: "Sign in",
      type: "oidc",
      issuer: {text(about.issuer)},
      clientId: {text(about.client.client_id)},
      clientSecret: process.env.{SECRET},
      idToken: false, // it reads the user's name and address at the userinfo endpoint
      authorization: {{ params: {{ scope: {text(about.scope)} }} }},
    }},
  ],
}});
"""
