"""django-oauth-toolkit with its defaults, in the smallest Django project that can hold it.

`tuned` has client secrets in clear and keeps connections; by default most time is spent on PBKDF2 and on connecting.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from typing import Any

import django
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.conf import settings
from sqlalchemy import make_url

from . import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, VERIFIER, options, standard_request

_tuned = options().get("tuned", False)
_url = make_url(os.environ["BENCH_DATABASE"])
settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.contestants.toolkit_urls",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider",
    ],
    # The parts that `django-admin startproject` switches on and that concern an API.
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": _url.database, "USER": _url.username or "postgres",
            "PASSWORD": _url.password or "", "HOST": _url.host or "127.0.0.1", "PORT": str(_url.port or 5432),
            "CONN_MAX_AGE": None if _tuned else 0,
        }
    },
    OAUTH2_PROVIDER={"SCOPES": {"read": "Read", "introspection": "Introspect"}},
)  # fmt: skip
django.setup()
ADDRESSES: dict[str, Any] = {"prefix": "/o", "slash": "/", "names": {"revoke": "revoke_token"}}


def make_app() -> Any:
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def prepare() -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("alice")
    for client_id, grant in ((CLIENT_ID, "client-credentials"), (f"{CLIENT_ID}-code", "authorization-code")):
        Application.objects.create(
            client_id=client_id, client_secret=CLIENT_SECRET, client_type="confidential", user=user,
            authorization_grant_type=grant, redirect_uris=REDIRECT_URI, algorithm="", hash_client_secret=not _tuned,
        )  # fmt: skip


def seed(work: str, number: int) -> list[bytes]:
    from django.contrib.auth.models import User
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

    client = f"{CLIENT_ID}-code" if work in ("code", "refresh") else CLIENT_ID
    if work == "token":
        return [standard_request(work, "", **ADDRESSES)]
    values = [secrets.token_urlsafe(32) for _ in range(number)]
    application, user = Application.objects.get(client_id=client), User.objects.get()
    ends = timezone.now() + timedelta(hours=1)
    common = {"application": application, "user": user}
    if work == "code":
        challenge = {"code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256"}
        Grant.objects.bulk_create(
            Grant(code=value, expires=ends, redirect_uri=REDIRECT_URI, scope="read", **challenge, **common)
            for value in values
        )
    else:
        own = [secrets.token_urlsafe(32) for _ in values] if work == "refresh" else values
        made = AccessToken.objects.bulk_create(
            AccessToken(token=token, expires=ends, scope="read introspection", **common) for token in own
        )
        if work == "refresh":
            RefreshToken.objects.bulk_create(
                RefreshToken(token=value, access_token=token, **common)
                for value, token in zip(values, made, strict=True)
            )
    return [standard_request(work, value, client_id=client, **ADDRESSES) for value in values]
