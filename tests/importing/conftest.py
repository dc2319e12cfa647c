"""An app whose registry takes the clients of others, and its command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.importing import IMPORT_SCOPES


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(OAUTH_SCOPES=IMPORT_SCOPES)


@pytest.fixture
def bring(app: Flask, tmp_path: Path) -> Callable[..., Any]:
    """Imports an export: what it says, by `client_id`, or the line on stderr of a run that went wrong."""

    def bring(source: str, exported: Any, *options: str, fails: bool = False) -> Any:
        file = tmp_path / "export"
        file.write_bytes(exported if isinstance(exported, bytes) else json.dumps(exported).encode())
        arguments = ["oauth", "client", "import", str(file), "--from", source, *options]
        result = app.test_cli_runner().invoke(args=[*arguments, "--json"])
        assert result.exit_code == (1 if fails else 0), result.output
        if fails:
            assert result.stderr.startswith("Error: ")
            assert result.stderr.count("\n") == 1
            return result.stderr.removeprefix("Error: ").rstrip()
        return {each["client_id"]: each for each in json.loads(result.stdout)}

    return bring
