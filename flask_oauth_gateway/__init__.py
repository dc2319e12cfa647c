"""Turns any Flask app into an OAuth 2 authorization server, and protects its views with the tokens."""

from .clients.members import ClientMetadataError
from .clients.registry import ClientNotFound
from .config import ConfigurationError, ConfigurationWarning, Settings
from .extension import OAuthGateway, current_gateway
from .protection.guard import current_token
from .protection.require_token import require_token
from .stores.applications import ApplicationInUse, ApplicationNotFound

__all__ = [
    "ApplicationInUse",
    "ApplicationNotFound",
    "ClientMetadataError",
    "ClientNotFound",
    "ConfigurationError",
    "ConfigurationWarning",
    "OAuthGateway",
    "Settings",
    "current_gateway",
    "current_token",
    "require_token",
]
