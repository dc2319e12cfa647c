"""Clients written in another language: each is a script that asks for what a person does, and ends with what it found out."""

import atexit
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

NODE_CLIENTS = Path(__file__).parents[1] / "flows" / "node"

#: What a person does when a script asks for it.
Answer = Callable[[dict[str, Any]], str]


def told(command: list[str], folder: Path, answer: Answer) -> dict[str, Any]:
    """Run a script; each line that it prints is answered until it says `done`. Returns what it ends with."""
    script = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with script:
        found = _conversation(script, answer)
        assert script.stdin is not None
        assert script.stderr is not None
        script.stdin.close()
        assert found is not None, script.stderr.read()
        return found


def told_by_node(script: str, answer: Answer, **setup: Any) -> dict[str, Any]:
    """The same, of a script in `tests/flows/node`, which gets this setup."""
    node = _node()
    try:
        _say(node, {"script": script, "setup": setup})
        found = _conversation(node, answer)
        assert found is not None, "Node.js has ended."
    except BaseException:  # whatever is said yet isn't for the next test
        _node.cache_clear()
        node.kill()
        node.communicate()
        raise
    return found


@cache
def _node() -> subprocess.Popen[str]:
    """One process for all scripts: to start one and to load what they import takes longer than what they do."""
    node = subprocess.Popen(
        ["node", "scripts.mjs"], cwd=NODE_CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(node.communicate)  # which closes its input
    return node


def _conversation(script: subprocess.Popen[str], answer: Answer) -> dict[str, Any] | None:
    assert script.stdout is not None
    for line in script.stdout:
        said = json.loads(line)
        if "done" in said:
            result: dict[str, Any] = said["done"]
            return result
        assert "failed" not in said, said["failed"]
        _say(script, answer(said))
    return None


def _say(script: subprocess.Popen[str], what: Any) -> None:
    assert script.stdin is not None
    script.stdin.write(json.dumps(what) + "\n")
    script.stdin.flush()
