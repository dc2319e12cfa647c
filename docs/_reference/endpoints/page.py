"""The page: each endpoint for programs with what it takes and answers, and a list of the pages for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask_oauth_gateway.features import FEATURES
from flask_oauth_gateway.features.feature import Endpoint, Feature

from .. import features as overview
from .document import PARAMETER, PREFIX, document
from .operations import FORM, JSON, OPERATIONS
from .schemas import CREDENTIALS

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/features/ and docs/_reference/endpoints/. Change it there. -->

# Endpoints

What each endpoint takes and what it answers. The same stands in [an OpenAPI 3.1 document](endpoints.json), from which tools make
clients, tests and scans.
<!-- the viewer -->

The paths stand under `/oauth`, or whatever `OAUTH_URL_PREFIX` is; those below `/.well-known/` at the root. A body is a form
(`application/x-www-form-urlencoded`), where nothing else is said. An error is JSON, `{"error": …, "error_description": …}`:
[Errors](errors.md) has them all. The [management API](management-api.md) has a document of its own.

Needed parameters of a grant are bold. *Client* means: the client authenticates, by HTTP Basic, by a certificate, or with
parameters of the body ([how](client-authentication.md)); a public client sends its `client_id` alone.
"""
WHO = {"client_secret_basic": "client", "access_token": "access token", "initial_access_token": "initial access token"}
WHO |= {"registration_access_token": "registration access token"}


def page() -> str:
    """The whole page."""
    paths = document()["paths"]
    return "\n".join([HEAD, *_programs(paths), *_documents(paths), *_people(paths)]) + "\n"


def text() -> str:
    """The OpenAPI document as it is written."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _rows() -> Iterator[tuple[str, Endpoint, Feature, str]]:
    """Each endpoint with its name, its row and its path."""
    for feature in FEATURES.values():
        for name, endpoint in feature.endpoints.items():
            yield name, endpoint, feature, PARAMETER.sub(r"{\1}", PREFIX + endpoint.path)


def _is_for_people(endpoint: Endpoint) -> bool:
    """Whether no program needs it. The authorize endpoint and the sign-out are pages to which programs send their users."""
    return endpoint.view.startswith("pages.") and endpoint.metadata is None


def _programs(paths: Mapping[str, Any]) -> Iterator[str]:
    yield "## For programs\n"
    for name, endpoint, feature, path in _rows():
        if _is_for_people(endpoint):
            continue
        on = " and ".join(overview.conditions(feature))
        source = f"From {feature.source}. [Its page]({feature.page})." + (f" It is on where {on}." if on else "")
        for method in endpoint.methods or ("GET",):
            yield f"### `{method} {path}`\n"
            if method == "POST" and "GET" in endpoint.methods and f"{name} POST" not in OPERATIONS:
                yield f"As `GET`{', with the parameters in the body' if OPERATIONS[name].query else ''}.\n"
            else:
                yield "\n".join(_operation(paths[path][method.lower()], source))


def _documents(paths: Mapping[str, Any]) -> Iterator[str]:
    yield "## Documents\n"
    for path, one in paths.items():
        if path.startswith("/.well-known/"):
            yield f"### `GET {path}`\n"
            yield "\n".join(_operation(one["get"], f"{one['get']['description']} [Discovery](discovery.md)."))


def _people(paths: Mapping[str, Any]) -> Iterator[str]:
    yield "## Pages for people\n"
    yield "They are for browsers, and no program should rely on what they look like.\n"
    yield "| page | what it is |\n| --- | --- |"
    for _, endpoint, _, path in _rows():
        if _is_for_people(endpoint):
            summary = paths[path][endpoint.methods[0].lower()]["summary"]
            yield f"| `{', '.join(endpoint.methods)} {path}` | {summary} |"


def _operation(one: Mapping[str, Any], source: str) -> Iterator[str]:
    about = one["description"].partition("From ")[0].strip()
    yield f"{one['summary']}. {about}".strip() + f"\n\n{source}\n"
    who = list(dict.fromkeys(WHO[name] for each in one.get("security", ()) for name in each if name in WHO))
    if who:
        yield f"Asks for: {' or '.join(who)}{', or nothing' if {} in one['security'] and who != ['client'] else ''}.\n"
    rows = list(_parameters(one))
    if rows:
        yield "\n".join(["| parameter | in | what it is |", "| --- | --- | --- |", *rows]) + "\n"
    answers = {status: answer for status, answer in sorted(one["responses"].items()) if "$ref" not in answer}
    errors = [status for status, answer in sorted(one["responses"].items()) if "$ref" in answer]
    rows = [f"| {status} | {_answer(answer)} |" for status, answer in answers.items()]
    rows += [f"| {', '.join(errors)} | an error |"] if errors else []
    yield "\n".join(["| answer | what it is |", "| --- | --- |", *rows]) + "\n"


def _parameters(one: Mapping[str, Any]) -> Iterator[str]:
    for each in one.get("parameters", ()):
        needed = " (needed)" if each.get("required") else ""
        yield f"| `{each['name']}` | {each['in']}{needed} | {each.get('description') or 'part of the path'} |"
    schemas = _schemas()
    for kind, name in ((FORM, "body"), (JSON, "JSON")):
        schema = one.get("requestBody", {}).get("content", {}).get(kind, {}).get("schema")
        if schema is None:
            continue
        if "oneOf" in schema:  # the grants
            for each in schema["oneOf"]:
                yield from _grant(schemas[each["$ref"].rpartition("/")[2]])
            continue
        if "$ref" in schema:
            yield f"| | {name} | what [a registration](registration.md) says |"
            continue
        credentials = [key for key in schema["properties"] if key in CREDENTIALS and kind == FORM]
        for key, value in schema["properties"].items():
            if key in credentials and len(credentials) == len(CREDENTIALS):
                continue
            needed = " (needed)" if key in schema.get("required", ()) else ""
            yield f"| `{key}` | {name}{needed} | {value.get('description', '')} |"
        if len(credentials) == len(CREDENTIALS):
            yield f"| {', '.join(f'`{key}`' for key in CREDENTIALS)} | {name} | who the client is, where no header says it |"


def _grant(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema["properties"]["grant_type"]["const"]
    shown = [name for name in schema["properties"] if name != "grant_type" and not name.startswith("client_")]
    names = ", ".join(f"**`{name}`**" if name in schema["required"] else f"`{name}`" for name in shown)
    yield f"| `grant_type={kind}` | body | {names} |"


def _answer(answer: Mapping[str, Any]) -> str:
    schemas = _schemas()
    names = [
        f"`{name}`"
        for content in answer.get("content", {}).values()
        for name in schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {}).get("properties", ())
    ]
    few = names if len(names) <= 16 else [*names[:6], f"and {len(names) - 6} more"]
    return ", ".join(few) if few else answer["description"].rstrip(".")


def _schemas() -> Mapping[str, Any]:
    schemas: Mapping[str, Any] = document()["components"]["schemas"]
    return schemas
