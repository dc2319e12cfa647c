"""Whatever is revoked, disabled or deleted never works again, in two processes, in every order, by every clock.

A machine draws what happens next: tokens are issued, refreshed and revoked, clients disabled, enabled, deleted and made anew,
clocks set forth and back. A model of a few lines knows what each token is worth; after each step every token ever given is
shown to both processes.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.other_process import OtherProcess
from tests.support.revocations import Revocations, run_sequences

FORMATS = ("jwt", "opaque")


@pytest.fixture
def sides(database_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    config = {"OAUTH_ACCESS_TOKEN_FORMAT": request.param, "OAUTH_DATABASE_URI": database_uri}
    with ExitStack() as stack:
        yield tuple(stack.enter_context(OtherProcess(config, tmp_path)) for _ in range(2))  # type: ignore[misc]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sides", FORMATS, indirect=True)
def test_what_is_revoked_never_works_again_and_everything_else_does(sides: tuple[OtherProcess, OtherProcess]) -> None:
    machine = type("Revocations", (Revocations,), {"sides": sides})
    run_sequences(machine)
