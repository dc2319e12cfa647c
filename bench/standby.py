"""What a standby costs, what is lost without a synchronous one, and what a replica takes off the primary.

`python -m bench.standby [--rounds N] [--seconds N] [--kills N]` starts servers of its own, with PostgreSQL's programs, and with
full durability: the primary and its standby are on one machine, so a real network's round trip comes on top.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.app import basic, bearer, build_app, close_app, gateway_of
from tests.support.other_process import OtherProcess
from tests.support.standby import Server, own_cluster
from tests.support.working import Working

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
    """Calls a second by so many threads, and the median of a call in ms."""
    until = time.perf_counter() + seconds

    def work(call: Callable[[], object]) -> list[float]:
        took = []
        while (start := time.perf_counter()) < until:
            call()
            took.append(1000 * (time.perf_counter() - start))
        return took

    with ThreadPoolExecutor(threads) as pool:
        took = [each for done in pool.map(work, [make() for _ in range(threads)]) for each in done]
    return len(took) / seconds, statistics.median(took)


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
            slower = statistics.median(other[1] / one[1] for one, other in pairs)
            fewer = statistics.median(other[0] / one[0] for one, other in pairs)
            ms = [statistics.median(each[kind][1] for each in pairs) for kind in (0, 1)]
            print(
                f"{work}, {threads} threads: {ms[0]:.2f} -> {ms[1]:.2f} ms ({slower:.2f} x), throughput {fewer:.2f} x"
            )


def loss(kills: int, seconds: float) -> None:
    """What a client was given and nobody knows after the primary was killed, with an asynchronous standby."""
    for _ in range(kills):
        with own_cluster() as cluster, ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            standby = cluster.standby("other")
            config = {
                "OAUTH_DATABASE_URI": cluster.several_hosts(cluster.primary, standby),
                "OAUTH_ISSUER": "http://localhost",
            }
            sides = [stack.enter_context(OtherProcess(config, folder, Working)) for _ in range(2)]
            sides[0].ask("register")
            for side in sides:
                side.ask("start", threads=THREADS)
            time.sleep(seconds)
            cluster.primary.kill()
            killed_at = time.monotonic()
            standby.promote()
            promoted_at = time.monotonic()
            while min(side.ask("good_since", moment=promoted_at) for side in sides) < 1:
                time.sleep(0.01)
            back_at = time.monotonic()
            both = [side.ask("stop") for side in sides]
            tokens = [each for told in both for each in told.tokens if each[1] < killed_at]
            statuses = sides[0].ask("statuses_of", tokens=[token for token, _ in tokens])
            lost = [at for (_, at), status in zip(tokens, statuses, strict=True) if status != 200]
            print(
                f"{len(tokens) / seconds:.0f} tokens a second: {len(lost)} lost,"
                f" {1000 * (killed_at - min(lost, default=killed_at)):.0f} ms of work;"
                f" good answers again {1000 * (back_at - killed_at):.0f} ms after the kill"
                f" ({1000 * (back_at - promoted_at):.0f} ms after the promotion)",
                flush=True,
            )


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
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in apps}
        for _ in range(rounds):
            for name, call in calls.items():
                rate(lambda: call, 1, 0.3)  # noqa: B023
                before = cpu_seconds(cluster.primary)
                made, ms = rate(lambda: call, 1, seconds)  # noqa: B023
                found[name].append((ms, 1e6 * (cpu_seconds(cluster.primary) - before) / (made * seconds)))
        for name, results in found.items():
            ms, cpu = (min(each[kind] for each in results) for kind in (0, 1))
            print(f"view, looked up at the {name}: {ms:.3f} ms, of the primary's CPU {cpu:.0f} µs")
        for app in apps.values():
            close_app(app.app)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    cost(given.rounds, given.seconds)
    loss(given.kills, given.seconds)
    gain(given.rounds, given.seconds)
