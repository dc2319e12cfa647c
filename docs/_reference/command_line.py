"""Writes `docs/command-line.md` from click's own data. The examples are here; the tests run them, in the page's order."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import click

from flask_oauth_gateway.cli import make_cli
from flask_oauth_gateway.cli.output import Moment

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/cli/. The examples are in docs/_reference/command_line.py. -->

# Command line

`flask oauth …` is a group of the app's commands: it finds the app as Flask does, by `--app`, `FLASK_APP`, `app.py` or
`wsgi.py`. Every command ends with status 0, or with 1 and one line on standard error that says what is wrong and what to do.
So does every command of the app's, Flask's own too, where a setting can't be used. An error in the app's code is a traceback,
as with every command of Flask.
Commands that list or show something take `--json`. `client create` and `client update` add lines that begin with `Note:` to
standard error where something is hardly meant, and `Next:` with the command that comes next. A DURATION is a number of
seconds, or `15m`, `12h`, `30d`.

An app that only checks tokens ([resource server](resource-server.md)) has only `issuer`, `routes` and `doctor --mcp`.

The examples belong to this app:

```python
from flask import Flask
from flask_oauth_gateway import OAuthGateway, require_token

app = Flask(__name__)
app.config["SECRET_KEY"] = "a long random text"
app.config["OAUTH_OIDC"] = True
app.config["OAUTH_SCOPES"] = {"weather:read": "Read the weather", "weather:write": "Report the weather"}
OAuthGateway(app)


@app.get("/weather")
@require_token("weather:read")
def weather():
    return {"sky": "clear"}
```
"""

#: For each command, a page that says more. The page lists commands in this order, and all others after them.
MORE = {
    "init-db": "[The database](database.md)",
    "client": "[Clients](client-registry.md)",
    "client import": "[Moving in](moving-in.md)",
    "application": "[Applications](applications.md)",
    "registration-token": "[Registration](registration.md)",
    "token": "[Tokens](tokens.md)",
    "token purge": "[Purging](database.md#purging)",
    "token partition": "[Partitions by time](scaling.md#partitions-by-time-on-postgresql)",
    "session": "[Sessions](openid.md#sessions)",
    "key": "[JWT access tokens](tokens.md#jwt-access-tokens)",
    "issuer": "[JWT bearer](flows/jwt_bearer.md), [SAML bearer](flows/saml2_bearer.md), [other servers](other-servers.md)",
    "audit": "[The audit trail](audit.md)",
    "routes": "[Protecting paths](protecting-paths.md)",
    "doctor": "[Is it set up well?](doctor.md)",
    "explain": "[Why was it refused?](explain.md)",
}

#: Within a group the page lists commands in this order, and commands without an example after them.
EXAMPLES = {
    "init-db": """\
$ flask oauth init-db
The gateway's tables are there.
""",
    "client create": """\
$ flask oauth client create "Weather station" --grant client_credentials --scope weather:read
client_id:     …
client_secret: …            (shown once)
$ ID=… SECRET=…
""",
    "client list": """\
$ flask oauth client list
CLIENT_ID  NAME             STATUS   GRANTS              SCOPE
…          Weather station  enabled  client_credentials  weather:read
""",
    "client show": """\
$ flask oauth client show "$ID"
client_id: …
enabled: True
client_name: Weather station
scope: weather:read
token_endpoint_auth_method: client_secret_basic
""",
    "client update": """\
$ flask oauth client update "$ID" --scope weather:read --scope weather:write
… is changed.
""",
    "client rotate-secret": """\
$ flask oauth client rotate-secret "$ID" --overlap 7d
client_id:     …
client_secret: …            (shown once)
""",
    "client disable": """\
$ flask oauth client disable "$ID"
… is disabled.
""",
    "client enable": """\
$ flask oauth client enable "$ID"
… is enabled.
""",
    "client export": """\
$ flask oauth client export > clients.json
""",
    "client import": """\
$ flask oauth client import clients.json --dry-run
""",
    "application create": """\
$ flask oauth application create "Example GmbH" --application-id example --owner alice
… example
""",
    "application show": """\
$ flask oauth application show example
application_id: example
""",
    "application list": """\
$ flask oauth application list --status approved
…  Example GmbH  …
""",
    "registration-token create": """\
$ flask oauth registration-token create --uses 5 --expires 30 --scope weather:read
id:     1
token:  …   (shown once)
""",
    "registration-token list": """\
$ flask oauth registration-token list
ID  ENDS IN  STATUS  USES LEFT  EXPIRES               OWNER  SCOPE
1   …        live    5          …                            weather:read
""",
    "registration-token revoke": """\
$ flask oauth registration-token revoke 1
1 is revoked.
""",
    "token list": """\
$ curl -su "$ID:$SECRET" -d grant_type=client_credentials http://127.0.0.1:5000/oauth/token
{"access_token":"…","token_type":"Bearer","expires_in":3600,"scope":"weather:read weather:write"}
$ TOKEN=…
$ flask oauth token list --client "$ID"
TOKEN_ID  CLIENT_ID  SUBJECT  SCOPE  ISSUED  EXPIRES  STATUS
…  weather:read weather:write  …  live
""",
    "token inspect": """\
$ echo "$TOKEN" | flask oauth token inspect -
token_id: …
""",
    "token revoke": """\
$ flask oauth token revoke --client "$ID"
1 revoked.
JWTs aren't counted: …
""",
    "token purge": """\
$ flask oauth token purge
0 expired rows deleted.
""",
    "session list": """\
$ flask oauth session list --subject alice
SID  CLIENT_ID  SUBJECT  SINCE  EXPIRES
""",
    "session end": """\
$ flask oauth session end --subject alice
0 ended: there is no such session (flask oauth session list).
""",
    "session deliver": """\
$ flask oauth session deliver
0 told, 0 given up, 0 waiting.
""",
    "key rotate": """\
$ flask oauth key rotate
The key … signs from …
""",
    "key list": """\
$ flask oauth key list
KID  ALGORITHM  MADE  SIGNS FROM  PUBLISHED UNTIL
…    ES256      …     …           further
""",
    "issuer list": """\
$ flask oauth issuer list
Nobody is trusted: …
""",
    "audit list": """\
$ flask oauth audit list --event client_created --json
…"event": "client_created"…
""",
    "audit verify": """\
$ flask oauth audit verify
Entries: … The last number: … Its hash: …
""",
    "routes": """\
$ flask oauth routes --open
""",
}


def page() -> str:
    """Return the whole page."""
    root = make_cli()
    root.list_commands(click.Context(root))  # loads them
    sections = [HEAD]
    for name in sorted(root.commands, key=lambda name: place(name, MORE)):
        command = root.commands[name]
        sections.append(heading(2, name, command))
        if not isinstance(command, click.Group):
            sections.append(usage(name, command))
            continue
        members = [f"{name} {each}" for each in command.commands]
        for member in sorted(members, key=lambda name: place(name, EXAMPLES)):
            leaf = command.commands[member.removeprefix(f"{name} ")]
            sections += [heading(3, member, leaf), usage(member, leaf)]
    return "\n".join(sections)


def place(name: str, order: Mapping[str, str]) -> int:
    return list(order).index(name) if name in order else len(order)


def heading(level: int, name: str, command: click.Command) -> str:
    more = f"\nMore: {MORE[name]}.\n" if name in MORE else ""
    return f"{'#' * level} `flask oauth {name}`\n\n{inspect.cleandoc(command.help or '')}\n{more}"


def usage(name: str, command: click.Command) -> str:
    """Return a command's usage, its options, and an example."""
    context = click.Context(command, info_name=f"flask oauth {name}")
    parts = [f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"]
    rows = [row(option, context) for option in command.params if isinstance(option, click.Option)]
    if rows:
        parts.append("\n".join(["| option | |", "| --- | --- |", *rows]) + "\n")
    if name in EXAMPLES:
        parts.append(f"```console\n{EXAMPLES[name]}```\n")
    return "\n".join(parts)


def row(option: click.Option, context: click.Context) -> str:
    value = "" if option.is_flag else f" {metavar(option, context)}"
    said = [option.help or "", *notes(option)]
    return f"| `{' '.join(option.opts)}{value}` | {' '.join(filter(None, said))} |"


def metavar(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice | Moment):
        return option.name.upper() if option.name else ""
    return option.make_metavar(context).replace(" RANGE", "")


def notes(option: click.Option) -> Iterator[str]:
    """Yield the allowed values, if the help doesn't say them, and the default."""
    if isinstance(option.type, click.Choice):
        yield ", ".join(f"`{choice}`" for choice in option.type.choices) + "."
    if isinstance(option.type, Moment):
        yield "As `2026-01-31`, or `2026-01-31 12:00:00Z` as the tables print it."
    if isinstance(option.type, click.IntRange):
        yield f"From {option.type.min}" + (f" to {option.type.max}." if option.type.max is not None else ".")
    if not option.is_flag and isinstance(option.default, int | str):
        yield f"Default: `{option.default}`."
    if option.multiple and "more than one" not in (option.help or ""):
        yield "More than one is fine."
