"""`python -m example_app.flows [name …]`: walk through flows against a running server, or one that it starts itself."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe
from threading import Thread
from urllib.parse import urlsplit

from ..serving import make
from . import FLOWS, walk
from .exchange import UnexpectedAnswer
from .summary import in_json, table
from .walk import Walk

NOTE = (
    "Secrets and tokens are shown because this is a demo. Don't let yours into a terminal's history, or a log.\n"
    "Of long base64 you see the beginning and the end; --json has all of it."
)


def main() -> int:
    options = arguments()
    if options.url is not None:
        to = Walk(options.url, options.client_id, options.client_secret, app_id=options.app_id, quiet=options.json)
        return walk_all(options.names, to, as_json=options.json)
    with own_server() as (url, secrets):
        to = Walk(url, options.client_id, secrets[options.client_id], quiet=options.json)
        return walk_all(options.names, to, as_json=options.json)


def walk_all(names: list[str], to: Walk, *, as_json: bool) -> int:
    """Walk through flows one after the other, up to the first that fails; returns the exit status."""
    failure = None
    if not as_json:
        print(NOTE)
    for name in names:
        try:
            walk(name, to)
        except UnexpectedAnswer as error:
            failure = to.flows[-1]["problem"] = f"{name}: {error}."
            break
    if as_json:
        print(in_json(to))
    elif not failure:
        print(f"\nAll as expected: {', '.join(names)}.")
    if not as_json:
        print(f"\n{table(to)}", flush=True)
    if failure:
        print(failure, file=sys.stderr)
    return 1 if failure else 0


@contextmanager
def own_server() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve the example app on a free port, in a thread; its database is in memory and gone at the end."""
    for name in ("werkzeug", "flask_oauth_gateway"):  # their log lines would appear between the steps
        logging.getLogger(name).setLevel(logging.ERROR)
    server, app, secrets = make(0, SECRET_KEY=token_urlsafe(32), OAUTH_DATABASE_URI="sqlite://")
    Thread(target=server.serve_forever, args=[0.05], daemon=True).start()  # seconds within which it ends
    try:
        yield app.config["OAUTH_ISSUER"], secrets
    finally:
        server.shutdown()
        server.server_close()
        app.extensions["oauth_gateway"].close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m example_app.flows", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of: {', '.join(FLOWS)}; left out, all of them")
    parser.add_argument("--url", help="a running server; left out, one is started on a free port")
    parser.add_argument("--client-id", default="weather-station", help="the client that walks (%(default)s)")
    parser.add_argument("--client-secret", help="its secret, which a running server printed at its start")
    parser.add_argument("--app-id", default="weather-app", help="the public client of flows with a user (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print all that was sent and answered as JSON")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in FLOWS]
    if unknown:
        parser.error(f"there is no flow {unknown[0]!r}; there are {', '.join(FLOWS)}")
    if options.url is None and (options.client_secret is not None or options.client_id != "weather-station"):
        parser.error("--client-id and --client-secret go with --url")
    if options.url is not None:
        if options.client_secret is None:
            parser.error("--url needs --client-secret")
        if urlsplit(options.url).scheme not in ("http", "https") or not urlsplit(options.url).hostname:
            parser.error(f"--url is {options.url!r}; it may be a URL such as http://127.0.0.1:5000")
    options.names = options.names or list(FLOWS)
    return options


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may lack some characters
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
