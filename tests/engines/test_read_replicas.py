"""Look-ups on a replica that is late, held still, killed and back: what is good is good at once, and what ended ends in time."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import MetaData, make_url

from flask_oauth_gateway import OAuthGateway
from tests.support.app import add_weather, basic, build_app, close_app, gateway_of, register
from tests.support.command_line import told_by
from tests.support.other_process import PASSWORD, Doing, OtherProcess
from tests.support.ports import free_port
from tests.support.revocations import Given, Revocations, run_sequences
from tests.support.standby import Cluster, Server, own_cluster

pytestmark = pytest.mark.standby
POLL_SECONDS = 1
LATE = "10s"
API = "api"  # a resource server, which introspects


class Reading(Doing):
    """An app that reads from replicas, and asks each token's worth twice: at a view, and by introspection."""

    def create(self, client_id: str) -> None:
        super().create(client_id)
        if self.gateway.clients.get(API) is None:
            self.gateway.clients.create(
                client_id=API, client_secret=PASSWORD, grant_types=["client_credentials"], resource_server=True
            )

    def are_good(self, tokens: list[str]) -> list[bool]:
        found = super().are_good(tokens)
        active = [self.introspect(token) for token in tokens]
        assert active == found, "introspection says another thing than the view"
        return found

    def introspect(self, token: str, client_id: str = API, secret: str = PASSWORD) -> bool | int:
        answer = self.client.post("/oauth/introspect", data={"token": token}, headers=basic(client_id, secret))
        return bool(answer.get_json()["active"]) if answer.status_code == 200 else answer.status_code

    def revoke_at_endpoint(self, client_id: str, token: str) -> int:
        headers = basic(client_id, PASSWORD)
        return self.client.post("/oauth/revoke", data={"token": token}, headers=headers).status_code

    def rotate(self, client_id: str) -> str:
        return str(self.gateway.clients.rotate_secret(client_id, overlap=0).client_secret)

    def annotate(self, token: str, **attributes: Any) -> bool:
        return self.gateway.tokens.set_attributes(attributes, token=token)

    def attributes(self, token: str) -> Any:
        return self.client.post("/oauth/tokeninfo", data={"access_token": token}).get_json()

    def look(self, token: str) -> None:
        """Look a token up, without a pause, in two threads, until told to stop."""
        self._over, self._statuses = Event(), set[int]()

        def work() -> None:
            browser = self.app.test_client()
            while not self._over.is_set():
                headers = {"Authorization": f"Bearer {token}"}
                self._statuses.add(browser.get("/weather", headers=headers).status_code)

        self._threads = [Thread(target=work) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> set[int]:
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self._statuses


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as cluster:
        cluster.primary.ask("CREATE EXTENSION pg_stat_statements")
        yield cluster


@pytest.fixture(scope="module")
def only_replica(cluster: Cluster) -> Server:
    return cluster.standby("replica")


@pytest.fixture
def replica(cluster: Cluster, only_replica: Server) -> Iterator[Server]:
    """It has all that the primary has, and holds nothing back."""
    yield only_replica
    only_replica.let_go()
    only_replica.lag("0")
    cluster.wait_for(only_replica)


MakeSides = Callable[..., tuple[OtherProcess, OtherProcess]]


@pytest.fixture
def make_sides(cluster: Cluster, replica: Server, tmp_path: Path) -> Iterator[MakeSides]:
    """Two processes that read from the replica; takes configuration."""
    with ExitStack() as stack:

        def make(**config: Any) -> tuple[OtherProcess, OtherProcess]:
            config = {
                "OAUTH_DATABASE_URI": cluster.primary.uri,
                "OAUTH_DATABASE_READ_URIS": [replica.uri],
                "OAUTH_REVOCATION_POLL_SECONDS": POLL_SECONDS,
            } | config
            one, other = (stack.enter_context(OtherProcess(config, tmp_path, Reading)) for _ in range(2))
            one.ask("begin")
            return one, other

        yield make


def looked_up_at(server: Server) -> int:
    """How many look-ups of tokens that server has done."""
    looked_up = (
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query ~ '^SELECT (own.)?oauth_access_token'"
    )
    return int(server.ask(looked_up))


def wait_until_followed(cluster: Cluster, sides: Sequence[OtherProcess], tokens: list[str]) -> None:
    """Until each process has found out that the replica has the marks of these tokens, and asks the primary no more."""

    def asks_no_more() -> bool:
        before = looked_up_at(cluster.primary)
        for side in sides:
            side.ask("are_good", tokens=tokens)
        return looked_up_at(cluster.primary) == before

    cluster.primary.wait_until(asks_no_more)


def test_a_replica_that_is_ten_seconds_late(cluster: Cluster, replica: Server, make_sides: MakeSides) -> None:
    sides = make_sides()
    here = sides[0]
    for client_id in ("disabled", "deleted", "other"):
        here.ask("create", client_id=client_id)

    def approved(client_id: str = "one", username: str = "alice") -> Any:
        return here.ask("password", client_id=client_id, username=username)

    single, again, kept = (here.ask("client_credentials", client_id="one")["access_token"] for _ in range(3))
    approval, by_code = approved(), approved()
    of_user, of_both = approved(username="bob"), approved("two", username="carol")
    disabled, deleted = (
        here.ask("client_credentials", client_id=name)["access_token"] for name in ("disabled", "deleted")
    )
    for side in sides:
        assert side.ask("introspect", token=kept, client_id="other") is False, (
            "another client's, and this one is remembered"
        )
    assert here.ask("annotate", token=single, level="silver"), "a token may have a mark already"
    cluster.wait_for(replica)
    replica.lag(LATE)
    tokens = [
        single,
        again,
        *(each["access_token"] for each in (approval, by_code, of_user, of_both)),
        disabled,
        deleted,
    ]

    wait_until_followed(cluster, sides, [*tokens, kept])
    before = looked_up_at(cluster.primary), looked_up_at(replica)
    for side in sides:
        assert side.ask("are_good", tokens=[*tokens, kept]) == [True] * 9
    assert looked_up_at(cluster.primary) == before[0], "the primary was asked nothing"
    assert looked_up_at(replica) == before[1] + 2 * 2 * 9

    # What is issued now is good at once, everywhere.
    new = here.ask("client_credentials", client_id="one")["access_token"]
    assert [side.ask("are_good", tokens=[new]) for side in sides] == [[True]] * 2

    # What ends is refused at once here, and there within the poll seconds.
    assert here.ask("annotate", token=kept, level="gold")
    assert here.ask("revoke_at_endpoint", client_id="one", token=single) == 200
    assert here.ask("revoke", token=again) == 1
    assert here.ask("revoke_at_endpoint", client_id="one", token=approval["refresh_token"]) == 200
    assert here.ask("revoke", token=by_code["refresh_token"]) == 1
    assert here.ask("revoke", subject="bob") > 0
    assert here.ask("revoke", subject="carol", client_id="two") > 0
    here.ask("switch", client_id="disabled", enabled=False)
    here.ask("delete", client_id="deleted")
    secret = here.ask("rotate", client_id="other")
    ended_at = time.monotonic()
    assert here.ask("are_good", tokens=[*tokens, kept]) == [False] * 8 + [True]
    time.sleep(POLL_SECONDS)
    for side in sides:
        assert side.ask("are_good", tokens=[*tokens, kept, new]) == [False] * 8 + [True] * 2
        assert side.ask("introspect", token=kept, client_id="other") == 401, "by the secret that it had"
        assert side.ask("introspect", token=kept, client_id="other", secret=secret) is False, "another client's"
        assert side.ask("attributes", token=kept)["level"] == "gold"
    assert time.monotonic() < ended_at + 9, "the machine was too slow to see anything"
    assert replica.ask("SELECT count(*) FROM oauth_access_token WHERE revoked_at IS NOT NULL") == 0

    # When the replica has followed, it is asked again, also about what comes of those whom the marks are about.
    later = approved(username="bob")["access_token"]
    replica.lag("0")
    cluster.wait_for(replica)
    for side in sides:
        assert side.ask("are_good", tokens=[*tokens, later, kept]) == [False] * 8 + [True] * 2
    wait_until_followed(cluster, sides, [later, kept])
    before = looked_up_at(cluster.primary), looked_up_at(replica)
    for side in sides:
        assert side.ask("are_good", tokens=[later, kept]) == [True] * 2
    assert looked_up_at(cluster.primary) == before[0]
    assert looked_up_at(replica) == before[1] + 2 * 2 * 2


def test_a_token_that_a_process_remembers_ends_in_time_too(
    cluster: Cluster, replica: Server, make_sides: MakeSides
) -> None:
    """The one who revokes forgets it, and doesn't learn from the replica again that it is good."""
    here, there = make_sides(OAUTH_TOKEN_CACHE_SECONDS=1, OAUTH_REVOCATION_POLL_SECONDS=4)
    token = here.ask("client_credentials", client_id="one")["access_token"]
    cluster.wait_for(replica)
    replica.hold()
    assert [side.ask("are_good", tokens=[token]) for side in (here, there)] == [[True]] * 2
    here.ask("revoke_at_endpoint", client_id="one", token=token)
    assert here.ask("are_good", tokens=[token]) == [False]
    time.sleep(1 + 4)
    assert there.ask("are_good", tokens=[token]) == [False]


def test_what_was_just_being_stored_ends_too(cluster: Cluster, replica: Server, make_sides: MakeSides) -> None:
    """A replica may have the revocation and what was stored meanwhile, and not yet the end of that."""
    here, there = make_sides()
    late, earlier = (here.ask("issue", client_id="one", subject="erin")["access_token"] for _ in range(2))
    its = "subject = 'erin' ORDER BY issued_at, token_hash LIMIT 1"  # whichever that is
    with cluster.primary.connect() as storing, cluster.primary.connect() as waiting:
        row = f"SELECT * FROM oauth_access_token WHERE {its}"  # noqa: S608
        storing.execute(f"CREATE TEMPORARY TABLE kept AS {row}")
        storing.execute("DELETE FROM oauth_access_token WHERE token_hash IN (SELECT token_hash FROM kept)")
        storing.commit()
        if here.ask("are_good", tokens=[late]) == [True]:
            late, earlier = earlier, late
        storing.execute("INSERT INTO oauth_access_token SELECT * FROM kept")
        with ThreadPoolExecutor(1) as pool:
            marks = "SELECT sum(number) FROM oauth_mark"
            before = cluster.primary.ask(marks)
            revoking = pool.submit(here.ask, "revoke", subject="erin")
            cluster.primary.wait_until(lambda: cluster.primary.ask(marks) != before)
            waiting.execute("LOCK TABLE oauth_epoch IN SHARE MODE")
            storing.commit()
            new = there.ask("issue", client_id="one", subject="erin")["access_token"]
            cluster.wait_for(replica)
            replica.hold()
            time.sleep(POLL_SECONDS)
            wait_until_followed(cluster, [there], [new])
            assert there.ask("are_good", tokens=[new, earlier]) == [True, False]
            waiting.commit()
            assert revoking.result() == 3
    time.sleep(POLL_SECONDS)
    assert there.ask("are_good", tokens=[late, earlier, new]) == [False] * 3


def test_a_replica_is_killed_and_comes_back_under_load(
    cluster: Cluster, replica: Server, make_sides: MakeSides
) -> None:
    sides = make_sides()
    token = sides[0].ask("client_credentials", client_id="one")["access_token"]
    cluster.wait_for(replica)
    for side in sides:
        side.ask("look", token=token)
    for _ in range(2):
        before = looked_up_at(replica)
        replica.wait_until(lambda: looked_up_at(replica) > before + 20)  # noqa: B023
        replica.kill()
        at_primary = looked_up_at(cluster.primary)
        cluster.primary.wait_until(lambda: looked_up_at(cluster.primary) > at_primary + 20)  # noqa: B023
        replica.start()
    before = looked_up_at(replica)
    replica.wait_until(lambda: looked_up_at(replica) > before + 20)
    assert [side.ask("stop") for side in sides] == [{200}] * 2


class OnReplicas(Revocations):
    """The same with a replica that is held still and let go at any moment. The model is the same few lines."""

    replica: Server
    follow: Callable[[], None]

    def __init__(self) -> None:
        self.held = False
        self.replica.let_go()
        super().__init__()

    @precondition(lambda self: self.given and not self.held)
    @rule()
    def held_still(self) -> None:
        """From here on it knows what there is, and nothing of what comes."""
        self.follow()
        self.replica.hold()
        self.held = True

    @precondition(lambda self: self.held)
    @rule(follows=st.booleans())
    def let_go(self, follows: bool) -> None:
        self.replica.let_go()
        self.held = False
        if follows:
            self.follow()

    def one_that_works(self, data: st.DataObject) -> Given:
        good = [place for place, each in enumerate(self.given) if each.good and self.works(each.client_id)]
        return self.given[data.draw(st.sampled_from(good))]

    @precondition(lambda self: any(each.good and self.works(each.client_id) for each in self.given))
    @rule(side=st.integers(0, 1), data=st.data())
    def annotated(self, side: int, data: st.DataObject) -> None:
        """Which ends nothing, but marks the token before something else does."""
        assert self.sides[side].ask("annotate", token=self.one_that_works(data).token, level="gold")

    @precondition(lambda self: any(each.good and self.works(each.client_id) for each in self.given))
    @rule(side=st.integers(0, 1), data=st.data())
    def revoked_at_the_endpoint(self, side: int, data: st.DataObject) -> None:
        one = self.one_that_works(data)
        assert self.sides[side].ask("revoke_at_endpoint", client_id=one.client_id, token=one.token) == 200
        one.good = False


@pytest.mark.timeout(600)
def test_what_is_revoked_never_works_again_wherever_the_replica_is(
    cluster: Cluster, replica: Server, make_sides: MakeSides
) -> None:
    sides = make_sides(OAUTH_REVOCATION_POLL_SECONDS=0)
    follow = lambda self: cluster.wait_for(replica)  # noqa: ARG005, E731
    machine = type("OnReplicas", (OnReplicas,), {"sides": sides, "replica": replica, "follow": follow})
    run_sequences(machine)


def test_an_app_with_a_db_in_a_schema_of_its_own(cluster: Cluster, replica: Server, tmp_path: Path) -> None:
    app = Flask("weather", instance_path=str(tmp_path))
    app.config.update(TESTING=True, SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=cluster.primary.uri)
    app.config["OAUTH_SCOPES"] = {"weather:read": "Read", "weather:write": "Write"}
    app.config["OAUTH_DATABASE_READ_URIS"] = [replica.uri]
    cluster.primary.ask("CREATE SCHEMA own")
    db = SQLAlchemy(app, metadata=MetaData(schema="own"))
    OAuthGateway(app)
    add_weather(app)
    try:
        with app.app_context():
            db.create_all()
            token = gateway_of(app).tokens.issue(register(app).client_id)["access_token"]
        cluster.wait_for(replica)
        before = looked_up_at(cluster.primary), looked_up_at(replica)
        headers = {"Authorization": f"Bearer {token}"}
        assert [app.test_client().get("/weather", headers=headers).status_code for _ in range(9)] == [200] * 9
        assert (looked_up_at(cluster.primary), looked_up_at(replica)) == (before[0], before[1] + 9)
    finally:
        close_app(app)
        with app.app_context():
            db.engine.dispose()


def test_the_doctor_says_which_replica_is_none(cluster: Cluster, replica: Server, tmp_path: Path) -> None:
    nobody = make_url(replica.uri).set(port=free_port()).render_as_string()
    app = build_app(
        instance_path=str(tmp_path),
        OAUTH_DATABASE_URI=cluster.primary.uri,
        OAUTH_DATABASE_READ_URIS=[replica.uri, cluster.primary.uri, nobody],
    )
    try:
        found = told_by(app, "doctor")
        assert "OAUTH_DATABASE_READ_URIS[0]" not in found
        assert "OAUTH_DATABASE_READ_URIS[1]: it is no standby" in found
        assert "OAUTH_DATABASE_READ_URIS[2]: it can't be read" in found
        replica.hold()
        register(app)
        assert "OAUTH_DATABASE_READ_URIS[0]: it is more than 2 seconds late" in told_by(app, "doctor")
    finally:
        close_app(app)
