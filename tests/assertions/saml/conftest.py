"""Apps that trust an identity provider. What depends on no database is on SQLite in memory, and most share one app."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.app import build_app, close_app
from tests.support.idp import NAME, Idp
from tests.support.relying import CONFIG, Relying


@pytest.fixture(scope="session")
def idp() -> Idp:
    return Idp()


@pytest.fixture(scope="session")
def shared(idp: Idp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relying]:
    folder = tmp_path_factory.mktemp("saml")
    app = build_app(
        **CONFIG, instance_path=str(folder), OAUTH_DATABASE_URI="sqlite://", OAUTH_SAML_ISSUERS={NAME: idp.entry}
    )
    yield Relying(app)
    close_app(app)


@pytest.fixture
def relying(shared: Relying, caplog: pytest.LogCaptureFixture) -> Relying:
    """An app that trusts `idp`; its clients stay from one test to the next."""
    shared.caplog = caplog
    return shared


@pytest.fixture
def make_relying(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Relying]]:
    """Builds a `Relying` of one's own; takes OAUTH_SAML_ISSUERS, and more configuration."""
    apps: list[Flask] = []

    def make_relying(issuers: dict[str, Any], **config: Any) -> Relying:
        defaults = {"instance_path": str(tmp_path), "OAUTH_DATABASE_URI": "sqlite://", "OAUTH_SAML_ISSUERS": issuers}
        apps.append(build_app(**CONFIG | defaults | config))
        return Relying(apps[-1], caplog)

    yield make_relying
    for app in apps:
        close_app(app)


@pytest.fixture
def stored(make_app: Callable[..., Flask], idp: Idp, caplog: pytest.LogCaptureFixture) -> Relying:
    """The same as `relying` on each database."""
    return Relying(make_app(**CONFIG, OAUTH_SAML_ISSUERS={NAME: idp.entry}), caplog)
