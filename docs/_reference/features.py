"""`docs/features.md`, from the table of features."""

from __future__ import annotations

from collections.abc import Iterator

from flask_oauth_gateway.config import PREFIX
from flask_oauth_gateway.features import FEATURES
from flask_oauth_gateway.features.feature import Endpoint, Feature

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/features/. Change it there. -->

# Features

Every part of the protocol that an app may have, how it is turned on, and where it stands. What is off is not routed, not
advertised in the server's [metadata](discovery.md), and not imported.

| feature | on where | endpoints under `/oauth` | from |
| --- | --- | --- | --- |"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(row(name, feature) for name, feature in FEATURES.items())]) + "\n"


def row(name: str, feature: Feature) -> str:
    endpoints = ", ".join(dict.fromkeys(map(address, feature.endpoints.values())))
    on = " and ".join(conditions(feature)) or "always"
    return f"| [{title(name)}]({feature.page}) | {on} | {endpoints} | {feature.source} |"


def title(name: str) -> str:
    return name.removesuffix("_client").replace("_", " ")


def address(endpoint: Endpoint) -> str:
    methods = ", ".join(endpoint.methods) or "any method"
    return f"`{methods} {endpoint.path}`".replace("<", "{").replace(">", "}").replace("path:", "")


def conditions(feature: Feature) -> Iterator[str]:
    """What the settings have to say."""
    if feature.grant_type is not None:
        yield f"`{PREFIX}GRANT_TYPES` holds `{feature.grant_type}`"
    if feature.method is not None:
        yield f"`{PREFIX}CLIENT_AUTH_METHODS` holds `{feature.method}`"
    if feature.setting is not None:
        yield f"`{PREFIX}{feature.setting.upper().removesuffix('_SCOPE')}` is set"
    if feature.grants:
        yield "one of the grants is on in which a person takes part"
