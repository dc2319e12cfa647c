"""Turns any Flask app into an OAuth 2 authorization server, and protects its views with the tokens."""

from .client_metadata import ClientMetadataError
from .client_registry import ClientNotFound
from .config import ConfigurationError, ConfigurationWarning, Settings
from .extension import OAuthGateway
from .globals import current_gateway, current_token
from .protect import require_token
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
