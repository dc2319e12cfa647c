"""Other Python processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Another Python process that can import the package and these tests."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, **options)  # type: ignore[no-any-return]


def finished(process: subprocess.Popen[str], timeout: float = 40) -> str:
    """What a process printed, once it has ended well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out
