"""Other Python processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.warm import warm_commands

ROOT = Path(__file__).parents[2]


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Another Python process that can import the package and these tests, and has done so already (`tests.support.warm`)."""
    return _start(str(warm_commands() / "python"), *arguments, **options)


def fresh_python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The same, of a process that has imported nothing, and is there to be killed: of the other one, that ends the messenger."""
    return _start(sys.executable, *arguments, **options)


def _start(*command: str, **options: Any) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "process_group": 0} | options
    return subprocess.Popen(command, cwd=ROOT, **options)


def finished(process: subprocess.Popen[str], timeout: float = 40) -> str:
    """What a process printed, once it has ended well."""
    out, err = _to_the_end(process, timeout)
    assert process.returncode == 0, err
    return out


def ended(process: subprocess.Popen[Any], timeout: float = 20) -> tuple[str, str]:
    """Ask a server to end, and wait for it; what it has written to the pipes of its output and errors.

    `process_group=0` started it. What hasn't ended by then is killed, and fails the test.
    """
    process.terminate()
    return _to_the_end(process, timeout)


def _to_the_end(process: subprocess.Popen[Any], timeout: float) -> tuple[Any, Any]:
    try:
        return process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # whoever it started too: they hold the pipes
        out, err = process.communicate()
        raise AssertionError(f"It did not end within {timeout} seconds.\n{out}\n{err}") from None
