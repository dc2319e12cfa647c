"""What processes cost: CPU seconds and memory, as Linux counts them in /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
KERNEL = 2  # kthreadd: its children are the kernel's own threads


@dataclass(frozen=True, slots=True)
class Moment:
    """What every process had used until then: its parent, and its CPU seconds with those of children that have ended.

    `stolen`: the CPU seconds that the host gave to somebody else.
    """

    at: float
    processes: dict[int, tuple[int, float]]
    stolen: float

    def tree(self, root: int) -> set[int]:
        """Return a process, its children, their children and so on."""
        found, more = set(), {root}
        while more:
            found |= more
            more = {pid for pid, (parent, _) in self.processes.items() if parent in more} - found
        return found

    def cpu(self, pids: Iterable[int]) -> float:
        """Return the CPU seconds of processes; those that aren't there any more count in their parent."""
        return sum(self.processes[pid][1] for pid in pids if pid in self.processes)


def now() -> Moment:
    """Look at every process."""
    stolen = int((PROC / "stat").read_text().split(maxsplit=9)[8]) / TICKS
    return Moment(time.monotonic(), dict(_processes()), stolen)


def _processes() -> Iterator[tuple[int, tuple[int, float]]]:
    for name in os.listdir(PROC):  # noqa: PTH208 — hundreds of them, each time
        if name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                fields = (PROC / name / "stat").read_text().rpartition(")")[2].split()
                yield int(name), (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)


def used(before: Moment, after: Moment, root: int) -> float:
    """Return the CPU seconds that a process used with all below it."""
    return after.cpu(after.tree(root)) - before.cpu(before.tree(root))


def used_by_others(before: Moment, after: Moment, ours: float) -> float:
    """Return the share of one core that neither `ours` (CPU seconds) nor the kernel's threads used: others, and the host."""
    in_all = sum(
        each.cpu(each.processes.keys() - each.tree(KERNEL)) * sign for each, sign in ((after, 1), (before, -1))
    )
    return max(0.0, in_all - ours + after.stolen - before.stolen) / (after.at - before.at)


def precisely(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes with one thread each, by the scheduler's nanoseconds; zero of those that are gone."""
    nanoseconds = 0
    for pid in pids:
        with suppress(OSError):
            nanoseconds += int((PROC / str(pid) / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of a process: in all, with its share of what processes have in common, and what is its own alone."""

    resident: float
    share: float
    private: float


def memory(pid: int) -> Memory:
    """Return what a process holds in memory."""
    sizes = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        name, _, size = line.partition(":")
        if name in sizes:
            sizes[name] = int(size.split()[0])
    return Memory(sizes["Rss"] / 1024, sizes["Pss"] / 1024, (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024)


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    return [int(each) for each in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
