"""Clients written in another language: each is a script that asks for what a person does, and ends with what it found out."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any


def told(command: list[str], folder: Path, answer: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """Run a script; each line that it prints is answered until it says `done`. Returns what it ends with."""
    script = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with script:
        assert script.stdin is not None
        assert script.stdout is not None
        assert script.stderr is not None
        for line in script.stdout:
            said = json.loads(line)
            if "done" in said:
                result: dict[str, Any] = said["done"]
                return result
            script.stdin.write(json.dumps(answer(said)) + "\n")
            script.stdin.flush()
        script.stdin.close()
        raise AssertionError(script.stderr.read())
