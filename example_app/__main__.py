"""`python -m example_app`: serve the demo on 127.0.0.1, port `PORT` (5000), and print what to try."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from flask import Flask

from .serving import make
from .users import USERS


def main() -> None:
    port = os.environ.get("PORT", "5000")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        sys.exit(f"PORT is {port!r}; it may be a number from 0 (any free port) to 65535.")
    server, app, secrets = make(int(port))
    print(what_to_try(app, app.config["OAUTH_ISSUER"], secrets), flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    app.extensions["oauth_gateway"].close()


def what_to_try(app: Flask, url: str, secrets: dict[str, str]) -> str:
    """Return the commands to paste, with real credentials and a real token."""
    client_id = "weather-station"
    secret = secrets[client_id]
    with app.app_context():
        gateway = app.extensions["oauth_gateway"]
        token = gateway.tokens.issue(client_id, grant_type="client_credentials")["access_token"]
    users = ", ".join(f"{user.username} (password {user.password})" for user in USERS.values())
    client = f"-u {client_id}:{secret}"
    bearer = f'-H "Authorization: Bearer {token}"'
    return f"""
The example app is on {url}/ (Ctrl+C stops it).

To see how it works, in a browser, one request at a time:
  {url}/playground/

In a browser, a web app whose users sign in here by OpenID Connect:
  {url}/client
  Sign in there. Then sign out here, and look at it again: it was told.
  {url}/logout

Clients that ask to be let in:
  {url}/spa      a single-page app
  {url}/tv       a device without a keyboard

An MCP server, for Claude Code, VS Code, Cursor and the like on this machine:
  {url}/mcp

For the administrator, who signs in as admin (password admin):
  {url}/oauth/admin/

Users:   {users}; they sign in at {url}/login
Client:  {client_id}

Paste these into another terminal. The token in them was made just now and lives for an hour.

A token:
  curl {client} -d grant_type=client_credentials {url}/oauth/token

The protected view:
  curl {bearer} {url}/api/weather

What the token is, asked by whoever holds it:
  curl {bearer} {url}/oauth/tokeninfo

What the token is, asked by an authenticated client:
  curl {client} -d token={token} {url}/oauth/introspect

The end of the token; the protected view then refuses it:
  curl {client} -d token={token} {url}/oauth/revoke

The same and more, request by request:
  {python()} -m example_app.flows --url {url} --client-id {client_id} --client-secret {secret}
"""


def python() -> str:
    """Return the command that starts this Python, as one would type it here."""
    path = Path(sys.executable)
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))


if __name__ == "__main__":
    main()
