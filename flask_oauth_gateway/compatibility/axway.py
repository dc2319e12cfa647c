"""Answers as Axway API Gateway does: numbers as texts, `format`, four members of token information, its challenges."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.etree import ElementTree

from flask import Response, request

from ..errors import InsufficientScope, InvalidToken, MissingToken, OAuth2Error
from ..web.answers import error_response, json_response
from ..web.environ import FORM

if TYPE_CHECKING:
    from ..stores.approvals import ApprovalStore
    from ..stores.clients import ClientStore

REALM = "DefaultRealm"
NOT_FOUND = "Unable to find the access token in persistent storage."
#: Axway's sentence for each beginning of our descriptions.
REFUSALS = {
    "The access token expired": "The access token expired.",
    "The client of this access token": "The client app was not found or is disabled.",
}
LACKS_ONE = "The access token lacks a scope"  # where all of them are needed
OURS = frozenset({"client_id", "issued_at", "grant_type"})


def rewrite(clients: ClientStore, approvals: ApprovalStore, response: Response) -> Response:
    """An endpoint's answer in Axway's shape. Errors stay as they are: Axway's are RFC 6749's too."""
    if response.status_code != 200 or request.endpoint not in ("oauth.token", "oauth.tokeninfo"):
        return response
    body = response.get_json()
    if request.endpoint == "oauth.tokeninfo":
        if body["user_id"] is None:  # where no user takes part, Axway names the client
            body["user_id"] = body["client_id"]
        body["audience"] = body["client_id"]
        response.data = json.dumps({name: body[name] for name in body if name not in OURS})
        return response
    if "expires_in" in body:  # a grant of the app's own may leave it out
        body["expires_in"] = str(body["expires_in"])
    wanted = request.environ.get(FORM, {}).get("format") or request.args.get("format")
    if wanted in ("urlencoded", "query"):
        response.data, response.mimetype = urlencode(body), "application/x-www-form-urlencoded"
    elif wanted == "xml":
        response.data, response.mimetype = _xml(body), "application/xml"
    else:
        response.data = json.dumps(body)
    return response


def refuse(error: OAuth2Error) -> Response:
    """A protected view's refusal with Axway's challenge. The body is our own, as Axway's documentation shows none."""
    if isinstance(error, MissingToken):
        status, parameters = 400, {"error": "invalid_request", "description": "Unable to find token in the message."}
    elif isinstance(error, InvalidToken):
        sentence = next((theirs for ours, theirs in REFUSALS.items() if error.description.startswith(ours)), NOT_FOUND)
        status, parameters = 401, {"error": error.error, "description": sentence}
    elif isinstance(error, InsufficientScope):
        sentence = "scope(s) associated with access token are not valid to access this resource."
        status, parameters = 403, {"error": error.error, "description": sentence}
    else:
        return error_response(error)
    challenge = (
        f'Bearer realm="{REALM}", error="{parameters["error"]}", error_description="{parameters["description"]}"'
    )
    if isinstance(error, InsufficientScope):
        which = "All" if " " in error.needed and error.description.startswith(LACKS_ONE) else "Any"
        challenge += f', scope="Scopes must match {which} of these scopes:{error.needed}"'
    if error.algs:  # Axway has no DPoP: whoever uses it gets the challenge of RFC 9449 section 7.1 behind Axway's own
        challenge += f', DPoP realm="{REALM}", error="{parameters["error"]}", algs="{error.algs}"'
    body = {"error": parameters["error"], "error_description": parameters["description"]}
    return json_response(status, body, [("WWW-Authenticate", challenge)])


def _xml(body: dict[str, object]) -> bytes:
    """The members as XML elements. Axway's documentation doesn't name the element around them."""
    root = ElementTree.Element("oauth")
    for name, value in body.items():
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            ElementTree.SubElement(root, name).text = str(value)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
