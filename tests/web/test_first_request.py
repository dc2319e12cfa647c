"""What is done once at an app's first request, however many threads have one at the same time."""

import threading
import time

from flask import Flask

from flask_oauth_gateway.web.first_request import at_first_request


def test_threads_whose_first_requests_come_together_look_once_each_thing() -> None:
    app = Flask(__name__)
    looked: list[str] = []

    def look(name: str) -> None:
        time.sleep(0.05)
        looked.append(name)

    for name in ("one", "other"):
        at_first_request(app, lambda name=name: look(name))  # type: ignore[misc]
    statuses: list[int] = []
    together = threading.Barrier(4)

    def request() -> None:
        together.wait()
        statuses.append(app.test_client().get("/").status_code)

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses, looked) == ([404] * 4, ["one", "other"])
    assert not app.before_request_funcs[None], "later requests aren't asked at all"


def test_while_it_raises_every_request_does_and_then_it_is_done() -> None:
    app = Flask(__name__)
    app.testing = False
    looked = []

    def look() -> None:
        looked.append(1)
        if len(looked) < 3:
            raise RuntimeError

    at_first_request(app, look)
    assert [app.test_client().get("/").status_code for _ in range(4)] == [500, 500, 404, 404]
    assert len(looked) == 3
