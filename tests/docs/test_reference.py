"""The pages of reference that are written by hand name what the code has: each error, hook and signal, each path."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from authlib.oauth2 import OAuth2Error
from blinker import Signal

import flask_oauth_gateway
from flask_oauth_gateway import errors, signals
from flask_oauth_gateway.hooks import Hooks

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_oauth_gateway"
#: OAuth's codes, from IANA's registry and RFC 7591: where one of these stands in the package, it is sent.
REGISTERED = {
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
    "invalid_token", "insufficient_scope", "unsupported_token_type", "interaction_required", "login_required",
    "account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object",
    "request_not_supported", "request_uri_not_supported", "registration_not_supported", "authorization_pending",
    "slow_down", "expired_token", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce",
    "insufficient_user_authentication", "invalid_redirect_uri", "invalid_client_metadata",
    "invalid_software_statement", "unapproved_software_statement", "unmet_authentication_requirements",
}  # fmt: skip
#: These speak of codes without sending any.
OTHERS = {"metrics.py", "explanations.py"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def trees() -> Iterator[ast.AST]:
    for path in PACKAGE.rglob("*.py"):
        if path.name not in OTHERS and "compatibility" not in path.parts:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def codes() -> set[str]:
    """Every code that the package sends: as a class's `error`, as an argument, as a text, or by a class of Authlib's."""
    found = {getattr(errors, name).error for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    for node in trees():
        match node:
            case ast.Constant(value=str(text)) if text in REGISTERED:
                found.add(text)
            case ast.Assign(targets=[ast.Name(id="error")], value=ast.Constant(value=str(text))):
                found.add(text)
            case ast.keyword(arg="error", value=ast.Constant(value=str(text))):
                found.add(text)
    return found - {None}


def kinds(error: type[OAuth2Error]) -> Iterator[type[OAuth2Error]]:
    """The package's own classes of errors."""
    for each in error.__subclasses__():
        if each.__module__.startswith("flask_oauth_gateway."):
            yield each
        yield from kinds(each)


def statuses() -> set[tuple[str, int]]:
    """The codes that go with one status, as the classes say."""
    for module in ("authorization.request", "endpoints.verify", "management.operation", "protection.plans"):
        import_module(f"flask_oauth_gateway.{module}")
    return {(each.error, each.status_code) for each in kinds(OAuth2Error) if each.error}


def test_every_error_is_described() -> None:
    rows = re.findall(r"^\| `(?!error`)(\w+)` \|", page("errors.md"), re.MULTILINE)
    assert not codes() - set(rows)
    assert not {row for row in rows if row.islower()} - codes()


@pytest.mark.parametrize(("error", "status"), sorted(statuses()))
def test_an_error_has_its_status(error: str, status: int) -> None:
    assert re.search(rf"^\| `{error}` \| {status} \|", page("errors.md"), re.MULTILINE)


def test_every_exception_is_described() -> None:
    public = {name for name in flask_oauth_gateway.__all__ if name.endswith(("Error", "Warning", "NotFound", "InUse"))}
    assert public <= set(re.findall(r"`(\w+)`", page("errors.md")))


def test_every_hook_is_described() -> None:
    text = page("hooks-and-signals.md")
    hooks = {each.name for each in fields(Hooks)}
    assert set(re.findall(r"^\| \[`(\w+)`\]", text, re.MULTILINE)) == hooks
    assert set(re.findall(r"^@gateway\.(\w+)(?:\(.+\))?$", text, re.MULTILINE)) == hooks, "an example of each"
    assert set(re.findall(r"^### `(\w+)`$", text, re.MULTILINE)) == hooks


def payloads() -> dict[str, set[str]]:
    """What each signal is sent with."""
    found: dict[str, set[str]] = {}
    for node in trees():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="send"), keywords=keywords):
                # issue() sends one of two, with the same payload
                for signal in ("token_issued", "token_refreshed") if name == "signal" else (name,):
                    found.setdefault(signal, set()).update(str(each.arg) for each in keywords)
    return found


def test_every_signal_is_described_with_its_payload() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", page("hooks-and-signals.md"), re.MULTILINE)
    described = {name: set(re.findall(r"`([a-z_]+)`", keys)) for name, keys in rows}
    there_are = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    sent = payloads()
    assert set(described) == there_are
    assert {name: sent[name] for name in there_are} == described


def test_every_specification_that_the_code_names_is_described() -> None:
    named = {number for path in PACKAGE.rglob("*.py") for number in re.findall(r"RFC (\d{4})", path.read_text("utf-8"))}
    named |= set(re.findall(r"RFC (\d{4})", (ROOT / "README.md").read_text("utf-8")))
    assert named - set(re.findall(r"RFC (\d{4})", page("rfcs.md"))) == set()


def test_what_is_said_of_a_specification_is_where_it_is_said_to_be() -> None:
    text = page("rfcs.md")
    code, tests = (re.findall(rf"^- \*\*{word}:\*\* (.*)$", text, re.MULTILINE) for word in ("Code", "Tests"))
    assert len(code) == len(tests) == len(re.findall("^### ", text, re.MULTILINE))
    paths = [PACKAGE / name for line in code for name in re.findall(r"`([^`]+)`", line)]
    paths += [ROOT / "tests" / name for line in tests for name in re.findall(r"`([^`]+)`", line)]
    assert not [path for path in paths if not path.exists()]
    assert len(paths) >= 2 * len(code)
