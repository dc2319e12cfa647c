"""A Django site whose settings are those of docs/sign-in/django.md signs Alice in, with mozilla-django-oidc as it comes."""

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import requests
from django.conf import settings
from django.contrib import auth
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path

from tests.docs.accounts import DOCS, Accounts, accounts_in, arrive
from tests.support.serving import Form, serving

PAGE = DOCS.joinpath("sign-in", "django.md").read_text(encoding="utf-8")
SETTINGS, URLS, SIGNING_OUT = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
#: The middleware and apps of a new Django project, as far as they matter here.
PROJECT = {
    "SECRET_KEY": "a long random text",
    "ALLOWED_HOSTS": ["127.0.0.1"],
    "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    "ROOT_URLCONF": __name__,
    "SESSION_COOKIE_NAME": "shop",  # cookies ignore ports
    "USE_TZ": True,
}

urlpatterns: list[Any] = []


def home(request: HttpRequest) -> HttpResponse:
    button = f'<form method=post action="/oidc/logout/"><input name="csrfmiddlewaretoken" value="{get_token(request)}"></form>'
    signed_in = f"Signed in: {request.user.email} {button}" if request.user.is_authenticated else "Nobody is signed in."
    return HttpResponse(signed_in)


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    with accounts_in(tmp_path) as accounts:
        yield accounts


def shop(url: str, accounts: Accounts, folder: Path) -> Any:
    client_id, client_secret = accounts.register(PAGE.replace("https://shop.example", url))
    secrets = {"OIDC_RP_CLIENT_ID": client_id, "OIDC_RP_CLIENT_SECRET": client_secret}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "shop.db"}
    names: dict[str, Any] = {**PROJECT, "DATABASES": {"default": database}, "os": type("os", (), {"environ": secrets})}
    exec(SETTINGS.replace("https://accounts.example.com", accounts.url), names)  # noqa: S102  # what a reader pastes
    settings.configure(**{name: value for name, value in names.items() if name.isupper()})
    signing_out = types.ModuleType("shop.signing_out")
    exec(SIGNING_OUT.replace("https://accounts.example.com", accounts.url), signing_out.__dict__)  # noqa: S102
    sys.modules.update({"shop": types.ModuleType("shop"), "shop.signing_out": signing_out})
    django.setup()
    exec(URLS, {"urlpatterns": urlpatterns, "path": path, "include": include})  # noqa: S102
    urlpatterns.append(path("", home))
    call_command("migrate", verbosity=0)
    return get_wsgi_application()


def test_a_django_site_signs_alice_in_and_out(accounts: Accounts, tmp_path: Path) -> None:
    with serving(lambda url: shop(url, accounts, tmp_path)) as (url, _), requests.Session() as browser:
        assert browser.get(f"{url}/").text == "Nobody is signed in."
        page = arrive(browser, f"{url}/oidc/authenticate/")
        assert "Signed in: alice@example.com" in page.text
        form = Form(page)
        page = browser.post(str(form.action), data=form.fields)
        assert (page.url, page.text) == (f"{url}/", "Nobody is signed in.")
    assert [user.email for user in auth.get_user_model().objects.all()] == ["alice@example.com"]
