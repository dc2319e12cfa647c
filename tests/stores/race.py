"""A process whose threads all send the same request to an app at the same moment, one request after the other.

`python -m tests.stores.race CONFIG PATH FORMS THREADS` (CONFIG and FORMS as JSON; `DPoP` and `Authorization` in a form are
headers, with the second it is a GET) prints
"ready", waits for a line, and prints the statuses for each form as JSON.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.support.app import build_app, close_app


def main(config: str, path: str, forms: str, threads: str) -> None:
    app = build_app(**json.loads(config))
    start = Barrier(int(threads))

    def send(form: dict[str, str]) -> int:
        client, data = app.test_client(), dict(form)
        headers = {name: data.pop(name) for name in ("DPoP", "Authorization") if name in data}
        start.wait()
        if "Authorization" in headers:
            return client.get(path, headers=headers).status_code
        return client.post(path, data=data, headers=headers).status_code

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        statuses = [list(pool.map(send, [form] * int(threads))) for form in json.loads(forms)]
    close_app(app)
    sys.stdout.write(json.dumps(statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
