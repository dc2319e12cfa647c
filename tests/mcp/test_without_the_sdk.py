"""`flask_oauth_gateway.mcp` where the package `mcp` is not installed."""

import builtins
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.mcp import TokenVerifier


def test_a_sentence_says_what_to_install(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *further: Any) -> Any:
        if name.partition(".")[0] == "mcp":
            raise ModuleNotFoundError("No module named 'mcp'", name="mcp")
        return real(name, *further)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"No module named 'mcp'\): pip install mcp"):
        TokenVerifier(app, resource="https://api.example/mcp")
