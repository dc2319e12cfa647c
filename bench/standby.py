"""What a standby costs, what is lost without a synchronous one, and what a replica takes off the primary.

`python -m bench.standby [--rounds N] [--seconds N] [--kills N]` starts servers of its own, with PostgreSQL's programs, and with
full durability: the primary and its standby are on one machine, so a real network's round trip comes on top.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.app import basic, bearer, build_app, close_app, gateway_of
from tests.support.proxy import Proxy
from tests.support.standby import Server, own_cluster

THREADS = 4
GRANTS = ["client_credentials", "password", "refresh_token"]
SECRET = "only for the bench"


class App:
    """An app in this process, and its calls."""

    def __init__(self, uri: str, folder: str, **config: Any) -> None:
        self.app = build_app(
            instance_path=folder, OAUTH_DATABASE_URI=uri, OAUTH_GRANT_TYPES=GRANTS, OAUTH_RATE_LIMITS=None, **config
        )
        self.gateway = gateway_of(self.app)
        self.gateway.check_password(lambda username, _: type("Person", (), {"id": username})())
        if self.gateway.clients.get("bench") is None:
            self.gateway.clients.create(
                client_id="bench", client_secret=SECRET, grant_types=GRANTS, scope=["weather:read"]
            )

    def post(self, **form: str) -> Any:
        response = self.app.test_client().post("/oauth/token", data=form, headers=basic("bench", SECRET))
        assert response.status_code == 200, response.text
        return response.get_json()

    def new_token(self) -> Callable[[], object]:
        return lambda: self.post(grant_type="client_credentials")

    def refresh(self) -> Callable[[], object]:
        held = self.post(grant_type="password", username="alice", password="x")

        def again() -> None:
            nonlocal held
            held = self.post(grant_type="refresh_token", refresh_token=held["refresh_token"])

        return again

    def view(self) -> Callable[[], object]:
        headers = bearer(self.post(grant_type="client_credentials")["access_token"])
        return lambda: self.app.test_client().get("/weather", headers=headers)


def rate(make: Callable[[], Callable[[], object]], threads: int, seconds: float) -> tuple[float, float]:
    """Calls a second by so many threads, and the time in ms that a tenth of them stay below, which others disturb least."""
    until = time.perf_counter() + seconds

    def work(call: Callable[[], object]) -> list[float]:
        took = []
        while (start := time.perf_counter()) < until:
            call()
            took.append(1000 * (time.perf_counter() - start))
        return took

    with ThreadPoolExecutor(threads) as pool:
        took = [each for done in pool.map(work, [make() for _ in range(threads)]) for each in done]
    return len(took) / seconds, statistics.quantiles(took, n=10)[0]


def cpu_seconds(server: Server) -> float:
    """What a server's processes have used, as far as they are still there."""
    total = 0
    for pid in [server.pid, *server.children()]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def cost(rounds: int, seconds: float) -> None:
    """New tokens and refreshes with a synchronous standby, and with the same one asynchronous, in turns."""
    with own_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        cluster.primary.set(fsync="on")
        standby = cluster.standby("other")
        app = App(cluster.primary.uri, folder)
        found: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
        for turn in range(rounds):
            for mode in ("asynchronous", "synchronous"):
                names = "other" if mode == "synchronous" else ""
                cluster.primary.set(synchronous_standby_names=names)
                cluster.primary.wait_until(lambda: cluster.primary.ask("SHOW synchronous_standby_names") == names)  # noqa: B023
                for threads in (1, THREADS):
                    for work, make in (("new token", app.new_token), ("refresh", app.refresh)):
                        rate(make, threads, 0.3)
                        found.setdefault((work, threads, mode), []).append(rate(make, threads, seconds))
            print(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", flush=True)
        close_app(app.app)
        standby.kill()
    for (work, threads, mode), without in found.items():
        if mode == "asynchronous":
            pairs = list(zip(without, found[work, threads, "synchronous"], strict=True))
            fewer = statistics.median(other[0] / one[0] for one, other in pairs)
            ms = [min(each[kind][1] for each in pairs) for kind in (0, 1)]
            slower = ms[1] / ms[0]
            print(
                f"{work}, {threads} threads: {ms[0]:.2f} -> {ms[1]:.2f} ms ({slower:.2f} x), throughput {fewer:.2f} x"
            )


def loss(kills: int, seconds: float, behind: float) -> None:
    """New tokens that a client was given and nobody knows after the primary was killed, with an asynchronous standby.

    `behind`: for so many seconds before the kill the standby is cut off.
    """
    for _ in range(kills):
        with own_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
            proxy = Proxy("127.0.0.1", cluster.primary.port)
            standby = cluster.standby("other", port=proxy.port)
            app = App(cluster.several_hosts(cluster.primary, standby), folder)
            given: list[tuple[float, str]] = []
            over = threading.Event()

            def work(app: App, given: list[tuple[float, str]], over: threading.Event) -> None:
                client, headers = app.app.test_client(), basic("bench", SECRET)
                while not over.is_set():
                    answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
                    if answer.status_code == 200:
                        given.append((time.monotonic(), answer.get_json()["access_token"]))

            with ThreadPoolExecutor(THREADS) as pool:
                for _ in range(THREADS):
                    pool.submit(work, app, given, over)
                time.sleep(seconds)
                if behind:
                    proxy.close()
                    time.sleep(behind)
                cluster.primary.kill()
                killed_at = time.monotonic()
                standby.promote()
                promoted_at = time.monotonic()
                while given[-1][0] < promoted_at:
                    time.sleep(0.01)
                back_at = time.monotonic()
                over.set()
            before = [each for each in given if each[0] < killed_at]
            client = app.app.test_client()
            lost = [at for at, token in before if client.get("/weather", headers=bearer(token)).status_code != 200]
            print(
                f"standby behind by {1000 * behind:.0f} ms, {len(before) / (seconds + behind):.0f} tokens a second:"
                f" {len(lost)} lost,"
                f" {1000 * (killed_at - min(lost, default=killed_at)):.0f} ms of work;"
                f" good answers again {1000 * (back_at - killed_at):.0f} ms after the kill"
                f" ({1000 * (back_at - promoted_at):.0f} ms after the promotion)",
                flush=True,
            )
            close_app(app.app)
            proxy.close()


def gain(rounds: int, seconds: float) -> None:
    """Look-ups at the primary and at a replica, in turns: what a view takes, and what the primary does for it."""
    with own_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        standby = cluster.standby("other")
        apps = {
            "primary": App(cluster.primary.uri, folder),
            "replica": App(cluster.primary.uri, folder, OAUTH_DATABASE_READ_URIS=[standby.uri]),
        }
        calls = {name: app.view() for name, app in apps.items()}
        cluster.wait_for(standby)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in apps}
        for _ in range(rounds):
            for name, call in calls.items():
                rate(lambda: call, 1, 0.3)  # noqa: B023
                before = cpu_seconds(cluster.primary)
                made, ms = rate(lambda: call, 1, seconds)  # noqa: B023
                found[name].append((ms, cpu_seconds(cluster.primary) - before, made * seconds))
        for name, results in found.items():
            cpu = 1e6 * sum(each[1] for each in results) / sum(each[2] for each in results)
            ms = min(each[0] for each in results)
            print(f"view, looked up at the {name}: {ms:.3f} ms, and {cpu:.0f} µs of the primary's CPU")
        for app in apps.values():
            close_app(app.app)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    cost(given.rounds, given.seconds)
    for behind in (0, 0.1):
        loss(given.kills, given.seconds, behind)
    gain(given.rounds, given.seconds)
