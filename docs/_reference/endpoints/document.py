"""The OpenAPI document, from the rows of `features/`, the descriptions here, and the metadata of apps that run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from flask import Flask

import flask_oauth_gateway
from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.features import FEATURES, GRANTS, METHODS
from flask_oauth_gateway.features.feature import Endpoint, Feature

from . import schemas
from .operations import DOCUMENTS, FORM, HTML, JSON, OPERATIONS, Described

PREFIX = "/oauth"
PROGRAMS, DOCUMENT, PEOPLE = "For programs", "Documents", "Pages for people"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
REASONS = {
    400: "The request can't be read, or isn't allowed: `error` says which.",
    401: "Who asks isn't known, or didn't prove it.",
    403: "The token may not do this.",
    404: "There is nothing here.",
    413: "The body is larger than `OAUTH_MAX_BODY`.",
    429: "Too many requests: see `Retry-After`.",
    503: "The database is out of reach, or a setting is missing: see `Retry-After`.",
}
#: An app in which everything is on, so that its metadata name everything.
EVERYTHING = {
    "OAUTH_SCOPES": {"notes:read": "Read your notes"},
    "OAUTH_GRANT_TYPES": list(GRANTS),
    "OAUTH_CLIENT_AUTH_METHODS": [name for name in METHODS if name != "tls_client_auth"],  # which wants an authority
    "OAUTH_OIDC": True,
    "OAUTH_PAR": True,
    "OAUTH_JAR": True,
    "OAUTH_JARM": True,
    "OAUTH_REQUEST_URIS": True,
    "OAUTH_REQUEST_ENCRYPTION": True,
    "OAUTH_DPOP": True,
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "environ",
    "OAUTH_MTLS_URL": "https://mtls.example.com",
    "OAUTH_REGISTRATION": "open",
    "OAUTH_CLIENT_ID_METADATA": True,
    "OAUTH_ACR_VALUES": ["password", "key"],
    "OAUTH_AUTHORIZATION_DETAILS": {"payment": {"description": "Pay"}},
    "OAUTH_RESOURCES": {"/api": {"name": "Notes", "documentation": "https://notes.example.com/docs"}},
}


@cache
def document() -> dict[str, Any]:
    """The whole document, which is made once."""
    paths: dict[str, dict[str, Any]] = {}
    for feature in FEATURES.values():
        for name, endpoint in feature.endpoints.items():
            path = paths.setdefault(PARAMETER.sub(r"{\1}", PREFIX + endpoint.path), {})
            for method in endpoint.methods or ("GET",):
                path[method.lower()] = operation(name, method, endpoint, feature)
    for path, (source, described) in DOCUMENTS.items():
        paths[path] = {"get": _operation(path.replace("{path}", "of"), described, path, [source], DOCUMENT)}
    few, many = metadata_of({}), metadata_of(EVERYTHING)
    named = {
        **schemas.SCHEMAS,
        "ServerMetadata": _of_examples(few["oauth-authorization-server"], many["openid-configuration"]),
        "ResourceMetadata": _of_examples(few["oauth-protected-resource"], many["oauth-protected-resource/api"]),
        **{_request_name(name): _token_request(name, each) for name, each in _token_grants()},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "flask-oauth-gateway: endpoints",
            "version": "1",
            "description": "Every endpoint of an app in which everything is on. The metadata say which of them a server has.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "{issuer}", "variables": {"issuer": {"default": "http://127.0.0.1:5000"}}}],
        "tags": [{"name": name} for name in (PROGRAMS, DOCUMENT, PEOPLE)],
        "paths": paths,
        "components": {
            "securitySchemes": {name: dict(scheme) for name, scheme in schemas.SCHEMES.items()},
            "schemas": named,
            "responses": {str(status): _refusal(reason) for status, reason in REASONS.items()},
        },
    }


def operation(name: str, method: str, endpoint: Endpoint, feature: Feature) -> dict[str, Any]:
    """One method of one endpoint."""
    described = OPERATIONS.get(f"{name} {method}", OPERATIONS.get(name))
    is_page = endpoint.view.startswith("pages.")
    tag = PEOPLE if is_page and endpoint.metadata is None else PROGRAMS
    if described is None:
        described = Described(summary=_docstring(endpoint.view), refusals=())
    if method == "POST" and described.query and not described.form:
        described = replace(described, form=described.query, query={})
    found = _operation(
        name if len(endpoint.methods) < 2 else f"{name}_{method.lower()}",
        described,
        endpoint.path,
        [feature.source],
        tag,
    )
    if name == "token":
        found["requestBody"] = _form({"oneOf": [_ref(_request_name(each)) for each, _ in _token_grants()]})
    if is_page:
        found["responses"].setdefault("200", {"description": "The page.", "content": {HTML: {}}})
    return found


def _operation(name: str, described: Described, path: str, sources: list[str], tag: str) -> dict[str, Any]:
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string"}}
        for each in (*PARAMETER.findall(path), *re.findall(r"{(\w+)}", path))
    ]
    for where, given in (("query", described.query), ("header", described.headers)):
        for each, schema in given.items():
            required = {"required": True} if each in described.needs else {}
            about = {"description": schema["description"]} if "description" in schema else {}
            parameters.append({"name": each, "in": where, **required, **about, "schema": dict(schema)})
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", name.strip("/.")),
        "tags": [tag],
        "summary": described.summary,
        "description": " ".join(filter(None, [described.about, f"From {', '.join(sources)}."])),
        "responses": dict(_responses(described)),
    }
    if parameters:
        found["parameters"] = parameters
    if described.form:
        found["requestBody"] = _form(schemas.an_object(described.form, described.needs))
    elif described.body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(described.body)}}}
    if described.asks:
        found["security"] = [{scheme: []} if scheme else {} for scheme in described.asks]
    return found


def _responses(described: Described) -> Iterator[tuple[str, Any]]:
    content = {JSON: {"schema": _ref(described.answer)}} if described.answer is not None else {}
    content |= {kind: {"schema": {"type": "string"}} for kind in described.answers if not kind.isdecimal()}
    if content:
        yield str(described.status), {"description": "Done.", "content": content}
    for status, about in described.answers.items():
        if status.isdecimal():
            yield status, {"description": f"{about}."}
    for refused in described.refusals:
        yield str(refused), {"$ref": f"#/components/responses/{refused}"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _form(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {FORM: {"schema": dict(schema)}}}


def _refusal(reason: str) -> dict[str, Any]:
    return {"description": reason, "content": {JSON: {"schema": _ref("Error")}}}


def _token_grants() -> Iterator[tuple[str, Feature]]:
    """The grants of the token endpoint, by the names of their rows: all but the one that needs none."""
    for name, feature in FEATURES.items():
        if feature.grant_type is not None and feature.response_type != "token":
            yield name, feature


def _request_name(name: str) -> str:
    return f"TokenRequest_{name}"


def _token_request(name: str, feature: Feature) -> schemas.Schema:
    needed, allowed = schemas.GRANT_PARAMETERS.get(str(feature.grant_type), ({}, {}))
    grant_type = {"type": "string", "const": feature.grant_type}
    about = f"{name}: {feature.source}"
    return schemas.an_object(
        {"grant_type": grant_type, **needed, **allowed, **schemas.CREDENTIALS},
        ("grant_type", *needed),
        description=about,
    )


def _docstring(view: str) -> str:
    """What a view says of itself, or else its file, in a sentence; in Markdown."""
    name, _, function = view.partition(":")
    module = import_module(f"{flask_oauth_gateway.__name__}.{name}")
    text = inspect.getdoc(getattr(module, function)) or str(module.__doc__)
    sentence = text.partition("\n\n")[0].replace("\n", " ").removesuffix(".").rpartition("`: ")[2]
    return sentence[:1].upper() + sentence[1:]


def metadata_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The documents below `/.well-known/` of an app with this configuration."""
    app = Flask("endpoints")
    app.config.update(
        SECRET_KEY="only for this document", TESTING=True, OAUTH_ISSUER="https://notes.example.com", **config
    )
    app.config["OAUTH_DATABASE_URI"] = "sqlite://"
    gateway = OAuthGateway(app)
    with app.test_client() as client:
        answers = {
            name: client.get(f"/.well-known/{name}", base_url="https://notes.example.com")
            for name in (
                "oauth-authorization-server", "openid-configuration", "oauth-protected-resource",
                "oauth-protected-resource/api",
            )
        }  # fmt: skip
        found = {name: answer.get_json() for name, answer in answers.items() if answer.status_code == 200}
    gateway.close()
    return found


def _of_examples(few: Mapping[str, Any], many: Mapping[str, Any]) -> schemas.Schema:
    """The schema of a document of which two examples are known: its members are those of the longer one."""
    members = {name: _kind(value) for name, value in {**few, **many}.items()}
    return schemas.an_object(members, tuple(sorted(few.keys() & many.keys())))


def _kind(value: Any) -> schemas.Schema:
    match value:
        case bool():
            return {"type": "boolean"}
        case str():
            return {"type": "string", "format": "uri"} if value.startswith("https://") else {"type": "string"}
        case list():
            return {"type": "array", "items": {"type": "string"}}
        case dict():
            return {"type": "object"}
    raise TypeError(value)
