"""`python -m example_app.playground.plans`: walks every flow, and writes its steps into `plans.json`."""

from __future__ import annotations

import json
import logging
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from ..flows import parts, play
from ..flows.walk import Walk
from ..serving import make
from .catalogue import CATALOGUE
from .diagram import arrows


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        server, app, secrets = make(0, instance_path=folder)
        Thread(target=server.serve_forever, daemon=True).start()
        station = "weather-station"
        api = ("weather-api", secrets["weather-api"])
        text = []
        for entry in CATALOGUE:
            to = Walk(app.config["OAUTH_ISSUER"], station, secrets[station], api=api, quiet=True)
            found = groupby(arrows(walked(entry.name, to)), lambda each: each.chapter)
            rows = [json.dumps([title, *(each[1:] for each in some)], ensure_ascii=False) for title, some in found]
            text.append(f'"{entry.name}": [\n  ' + ",\n  ".join(rows) + "\n]")
        Path(__file__).with_name("plans.json").write_text("{\n" + ",\n".join(text) + "\n}\n", encoding="utf-8")
        server.shutdown()
        app.extensions["oauth_gateway"].close()


def walked(name: str, to: Walk) -> list[object]:
    """The flow's own story: without what the browser of the person does, whom the playground's user is themselves."""
    to.begin(name, "")
    part, came, story = parts(name, to, whole=True), None, list[object]()
    try:
        while True:
            before = len(to.story)
            asked = part.send(came)
            story += to.story[before:]
            came = play(to, asked)
            story.append(asked)
    except StopIteration:
        return story


if __name__ == "__main__":
    main()
