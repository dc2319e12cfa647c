"""Somebody with a browser, for the pages' commands: `python browser.py URL`.

Alice opens the address of an authorization request or of a device's code, signs in, and presses Allow. Where the browser
is sent to is printed, and opened where it is an http address.
"""

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.serving import Walker


def main(url: str) -> None:
    alice, query = Walker("alice"), parse_qs(urlsplit(url).query)
    if "user_code" in query:
        alice.connect_device(url, query["user_code"][0])
        return
    target = alice.approve(url, query["redirect_uri"][0])
    sys.stdout.write(f"{target}\n")
    if target.startswith("http"):
        requests.get(target)


if __name__ == "__main__":
    main(sys.argv[1])
