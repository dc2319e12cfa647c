"""The addresses of django-oauth-toolkit's endpoints and of the protected view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource


@protected_resource(scopes=["read"])
def api(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    return JsonResponse({"sky": "clear"})


urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")), path("api", api)]
