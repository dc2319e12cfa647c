"""The bench tells the CPU time of what it started from that of others."""

import os
import subprocess
import sys

import pytest

from bench import machine

BURN = "import time\nwhile time.process_time() < {}: pass"


def burn(seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BURN.format(seconds)])


def test_a_child_that_has_ended_counts() -> None:
    before = machine.now()
    burn(0.4).wait(60)
    assert machine.used(before, machine.now(), os.getpid()) == pytest.approx(0.45, abs=0.15)


def test_a_process_counts_once_while_it_runs_and_when_it_has_ended() -> None:
    with burn(0.6) as child:
        before = machine.now()
        child.wait(60)
        after = machine.now()
    assert 0.3 < machine.used(before, after, os.getpid()) < 0.8


def test_what_nobody_of_ours_used_was_used_by_others() -> None:
    before = machine.now()
    burn(0.5).wait(60)
    after = machine.now()
    ours, took = machine.used(before, after, os.getpid()), after.at - before.at
    as_others = machine.used_by_others(before, after, 0.0) * took
    assert as_others >= ours - 0.01
    assert machine.used_by_others(before, after, ours) * took == pytest.approx(as_others - ours, abs=0.01)


def test_a_process_s_own_memory_is_part_of_its_share_and_that_of_all_it_holds() -> None:
    found = machine.memory(os.getpid())
    assert 5 < found.private <= found.share <= found.resident < 2000
