"""What `templates/oauth/_ready_settings.html` shows: a client's credentials, this one time, and what it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..descriptions.ready import ready_settings
from ..descriptions.ready.first_requests import Step, discovery_url, first_requests
from ..errors import NotConfigured
from ..features import ENDPOINTS
from ..web.place import path_for
from .rendering import explain
from .translations import translate

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client


def settings_for(server: AuthorizationServer, client: Client) -> dict[str, Any]:
    """The values of the template: `client`, its first requests as `steps`, and the `snippets` to paste.

    `discovery` is where the server's metadata are; empty where the server doesn't know its own name: the one step says so, and
    nothing names a URL. The secret is shown all the same.
    """
    settings = server.settings
    try:
        issuer, urls = server.issuer.identifier(), _urls(server)
    except NotConfigured as error:
        steps, discovery = [Step(explain(error.description))], ""
        snippets = ready_settings(client, settings, "", "", {})[:1]
    else:
        discovery = discovery_url(issuer, settings)
        steps = [each._replace(sentence=translate(each.sentence)) for each in first_requests(client, settings, urls)]
        snippets = ready_settings(client, settings, issuer, discovery, urls)
    fields = [("client_id", "client_id", client.client_id)]
    fields += [("client_secret", "client_secret", client.client_secret)] if client.client_secret else []
    fields += [("discovery", translate("Discovery URL"), discovery)] if discovery else []
    return {"client": client, "fields": fields, "discovery": discovery, "steps": steps, "snippets": snippets}


def _urls(server: AuthorizationServer) -> dict[str, str]:
    """The URLs of the endpoints that a client's first requests go to. Raises `NotConfigured`."""
    named = ("token", "authorize", "device_authorization", "device", "introspect", "verify")
    base = server.issuer.url(path_for("oauth.token")).removesuffix(ENDPOINTS["token"].path)
    return {name: base + ENDPOINTS[name].path for name in named}
