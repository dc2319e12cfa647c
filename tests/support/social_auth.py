"""python-social-auth's OpenIdConnectAuth in a Flask app: what social-app-django brings for Django, as little as that may be."""

import warnings
from typing import Any, ClassVar
from urllib.parse import urljoin

from flask import Flask, Response, redirect, request, session

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # python3-openid tries one XML parser after the other
    from social_core.backends.open_id_connect import OpenIdConnectAuth
    from social_core.storage import BaseStorage
    from social_core.strategy import BaseStrategy


class Associations:
    """The nonces of requests, as social-core keeps them."""

    kept: ClassVar[dict[str, Any]] = {}

    @classmethod
    def store(cls, _: str, association: Any) -> None:
        association.id, association.is_expired = association.handle, lambda: False
        cls.kept[association.handle] = association

    @classmethod
    def get(cls, server_url: str, handle: str) -> list[Any]:
        return [cls.kept[handle]] if server_url and handle in cls.kept else []

    @classmethod
    def remove(cls, ids: list[str]) -> None:
        for each in ids:
            del cls.kept[each]


class Nonces:
    """What is good once: each `state`."""

    kept: ClassVar[dict[tuple[str, int, str], bool]] = {}

    @classmethod
    def use(cls, *nonce: Any) -> bool:
        return cls.kept.setdefault(nonce, True)

    @classmethod
    def consume(cls, *nonce: Any) -> bool:
        return cls.kept.pop(nonce, False)


class Storage(BaseStorage):  # type: ignore[misc]
    association = Associations  # type: ignore[assignment]
    nonce = Nonces  # type: ignore[assignment]


class Strategy(BaseStrategy[Any]):
    """The least that social-core asks of a framework, here Flask."""

    settings: ClassVar[dict[str, Any]] = {}

    def get_setting(self, name: str) -> Any:
        return self.settings[name]

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:
        return request.values.to_dict()

    def request_host(self) -> str:
        return request.host

    def session_get(self, name: str, default: Any = None) -> Any:
        return session.get(name, default)

    def session_set(self, name: str, value: Any) -> None:
        session[name] = value

    def session_pop(self, name: str) -> Any:
        return session.pop(name, None)

    def redirect(self, url: str) -> Any:
        return redirect(url)

    def html(self, content: str) -> Any:
        return Response(content)

    def build_absolute_uri(self, path: str | None = None) -> str:
        return urljoin(request.host_url, path)

    def authenticate(self, backend: Any, *args: Any, **kwargs: Any) -> Any:
        """The app's own part: here it knows everybody whom the backend knows."""
        return {"details": backend.get_user_details(kwargs["response"]), "claims": backend.id_token}


def add_views(app: Flask, settings: dict[str, Any], redirect_uri: str) -> None:
    """Add `/login/oidc/`, and the page that its users come back to, which shows what was learned of them."""

    def backend() -> Any:
        strategy = Strategy(Storage)
        strategy.settings = settings  # type: ignore[misc]
        return OpenIdConnectAuth(strategy, redirect_uri)

    app.add_url_rule("/login/oidc/", "login", lambda: backend().start())
    app.add_url_rule("/complete/oidc/", "complete", lambda: backend().auth_complete())
