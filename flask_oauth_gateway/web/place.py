"""Where the endpoints stand in an app that routes by host or by subdomain: where the issuer and the resources are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import has_request_context, request, url_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

HOST = "oauth_host"
ANY_HOST = f"<{HOST}>"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def place_of(app: Flask, url: str | None) -> dict[str, Any]:
    """The options of `add_url_rule` that put a route where a URL is: its host, or its subdomain of `SERVER_NAME`.

    With `Flask(host_matching=True)` and no URL: at `SERVER_NAME`, else at every host. Apps that don't route by host get
    no options.
    """
    host = _host_of(url or "")
    name = str(app.config["SERVER_NAME"] or "")
    if app.url_map.host_matching:
        return {"host": host or name or ANY_HOST}
    if app.subdomain_matching and name and host.endswith(f".{name}"):
        return {"subdomain": host.removesuffix(f".{name}")}
    return {}


def places_of(app: Flask, urls: Iterable[str | None]) -> list[dict[str, Any]]:
    """The different places of several URLs; every host, where one of them is everywhere."""
    places = [place_of(app, url) for url in urls] or [{}]
    if {"host": ANY_HOST} in places:
        return [{"host": ANY_HOST}]
    return [place for number, place in enumerate(places) if place not in places[:number]]


def know_any_host(app: Flask) -> None:
    """Take the host, of which the views have no need, out of what a rule for every host matched, and put it into URLs."""
    if not app.url_map.host_matching:
        return

    def forget(_: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values.pop(HOST, None)

    def fill_in(endpoint: str, values: dict[str, Any]) -> None:
        if has_request_context() and app.url_map.is_endpoint_expecting(endpoint, HOST):
            values.setdefault(HOST, request.host)

    app.url_value_preprocessor(forget)
    app.url_defaults(fill_in)


def path_for(endpoint: str, **values: Any) -> str:
    """An endpoint's path. For one that stands at another host than the request's, Flask's `url_for` gives a whole URL."""
    return urlsplit(url_for(endpoint, **values)).path


def _host_of(url: str) -> str:
    """A URL's host and port, as a request to it names them."""
    parts = urlsplit(url)
    host = parts.netloc.lower()
    return host.removesuffix(_DEFAULT_PORTS.get(parts.scheme, "")) if host else ""
