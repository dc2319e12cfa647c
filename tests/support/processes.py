"""Other Python processes."""

from __future__ import annotations

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
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen(command, cwd=ROOT, **options)


def finished(process: subprocess.Popen[str], timeout: float = 40) -> str:
    """What a process printed, once it has ended well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out
