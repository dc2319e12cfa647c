"""Answers as Apigee's OAuthV2 policy does with `RFCCompliantRequestResponse` off, its default.

Apigee's apps have values that clients here don't have. They are read from the client's attributes of the same name
(`developer.email`, `organization_name`, `api_product_list_json`, `application_name`), where the import puts them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..crypto.hashing import token_key
from ..errors import InsufficientScope, InvalidToken, MissingToken, OAuth2Error
from ..web.answers import error_response, json_response
from ..web.environ import CLIENT, FORM, PAGE_ERROR
from ..web.request import is_browser

if TYPE_CHECKING:
    from ..stores.approvals import ApprovalStore
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client

INVALID = ("Invalid Access Token", "keymanagement.service.invalid_access_token")
EXPIRED = ("Access Token expired", "keymanagement.service.access_token_expired")
#: Apigee's sentence for each beginning of our descriptions, where the sentence doesn't depend on the request.
SENTENCES = {
    "Client authentication failed": "Client credentials are invalid",
    "The 'redirect_uri' is missing": "Required param : redirect_uri",
    "The scope ": "Invalid Scope",
}
#: Errors that Apigee doesn't know: clients of DPoP go by the member `error` (RFC 9449 sections 5 and 8).
OF_DPOP = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
_MISSING = re.compile(r"The parameter '([a-z_]+)' is missing")


def rewrite(clients: ClientStore, approvals: ApprovalStore, response: Response) -> Response:
    """An endpoint's answer in Apigee's shape. Endpoints for which Apigee has no policy answer as ever."""
    if request.endpoint == "oauth.authorize" and PAGE_ERROR in request.environ:
        return response if is_browser() else _page_error(response)
    if request.endpoint not in ("oauth.token", "oauth.tokeninfo") or response.mimetype != "application/json":
        return response
    body = response.get_json()
    if response.status_code == 200:
        response.data = json.dumps(
            _token(approvals, body) if request.endpoint == "oauth.token" else _information(clients, body)
        )
    elif request.endpoint == "oauth.token" and body["error"] not in OF_DPOP:
        response.data = json.dumps(_error(approvals, body["error"], body["error_description"]))
    elif body["error"] == "invalid_token":
        response.data = json.dumps(_fault(*(EXPIRED if "expired" in body["error_description"] else INVALID)))
    return response


def refuse(error: OAuth2Error) -> Response:
    """A protected view's refusal as Apigee's fault, with the challenge that RFC 6750 asks for."""
    if isinstance(error, MissingToken):
        fault = ("Invalid access token", "oauth.v2.InvalidAccessToken")
    elif isinstance(error, InvalidToken):
        fault = EXPIRED if error.description == "The access token expired." else INVALID
    elif isinstance(error, InsufficientScope):
        fault = (f"Required scope(s): {error.needed}", "steps.oauth.v2.InsufficientScope")
    else:
        return error_response(error)
    return json_response(error.status_code, _fault(*fault), error.extra_headers())


def _token(approvals: ApprovalStore, body: dict[str, Any]) -> dict[str, Any]:
    """A token response with numbers as texts, times in milliseconds, and Apigee's members about app and developer."""
    now = str(time.time_ns() // 1_000_000)
    answer = {
        **body,
        "issued_at": now,
        "expires_in": str(body.get("expires_in", 0)),  # a grant of the app's own may leave it out
        "token_type": "BearerToken" if body.get("token_type") != "DPoP" else "DPoP",
        **_app(request.environ.get(CLIENT), {}),
        "refresh_token_expires_in": "0",
        "refresh_count": "0",
    }
    if "refresh_token" in body:
        row = approvals.find_refresh_token(token_key(body["refresh_token"]))
        answer["refresh_token_issued_at"] = now if row is None else f"{row.issued_at}000"
        answer["refresh_token_status"] = "approved"
        answer["refresh_token_expires_in"] = "0" if row is None else str(max(0, row.expires_at - int(time.time())))
        answer["refresh_count"] = "0" if row is None else str(approvals.refreshed(bytes(row.family)))
    return answer


def _information(clients: ClientStore, body: dict[str, Any]) -> dict[str, Any]:
    """Token information, by the names of Apigee's GetOAuthV2Info."""
    ours = ("client_id", "audience", "user_id", "scope", "expires_in", "issued_at", "grant_type")
    answer = {
        **{name: value for name, value in body.items() if name not in ours},
        "scope": body["scope"],
        "expires_in": str(body["expires_in"]),
        "issued_at": f"{body['issued_at']}000",
        "grant_type": body["grant_type"],
        **_app(clients.get(body["client_id"]), {"client_id": body["client_id"]}),
    }
    if body["user_id"] is not None:
        answer["app_enduser"] = body["user_id"]
    return answer


def _app(client: Client | None, known: Mapping[str, str]) -> dict[str, Any]:
    """The members about a token's app and its developer."""
    if client is None:
        return {"status": "approved", **known}
    attributes = client.attributes_in_force
    products = attributes.get("api_product_list_json", [])
    return {
        "status": "approved",
        "client_id": client.client_id,
        "application_name": attributes.get("application_name", client.client_name),
        "developer.email": attributes.get("developer.email", next(iter(client.contacts), "")),
        "organization_id": "0",
        "organization_name": attributes.get("organization_name", ""),
        "api_product_list": f"[{', '.join(map(str, products))}]",
        "api_product_list_json": products,
    }


def _error(approvals: ApprovalStore, error: str, description: str) -> dict[str, str]:
    """An error with `ErrorCode` and `Error`; Apigee answers invalid_request to nearly everything."""
    form = request.environ.get(FORM, {})
    missing = _MISSING.match(description)
    sentence = next((theirs for ours, theirs in SENTENCES.items() if description.startswith(ours)), description)
    if missing:
        sentence = f"Required param : {missing[1]}"
    elif description.startswith("The 'redirect_uri' is missing"):
        error = "invalid_request"
    elif error == "unsupported_grant_type":
        error, sentence = "invalid_request", f"Unsupported grant type : {form.get('grant_type', '')}"
    elif error == "invalid_grant":
        error = "invalid_request"
        if description.startswith("The 'redirect_uri' is not"):
            sentence = f"Invalid redirect_uri : {form.get('redirect_uri')}"
        elif "code" in form:
            sentence = "Invalid Authorization Code"
        elif "refresh_token" in form:
            sentence = (
                "Refresh Token expired" if _has_expired(approvals, form["refresh_token"]) else "Invalid Refresh Token"
            )
    return {"ErrorCode": error, "Error": sentence}


def _page_error(response: Response) -> Response:
    """The answer to a program where a browser sees an error page: Apigee's login app calls the authorize endpoint itself."""
    description, sent = request.environ[PAGE_ERROR], request.args
    missing = _MISSING.match(description)
    status = 400
    if description.startswith("The application that sent you"):
        status, sentence = 401, f"Invalid client id : {sent.get('client_id')}. ClientId is Invalid"
    elif description.startswith("The address to send you back to"):
        sentence = f"Invalid redirection uri {sent.get('redirect_uri')}"
    elif missing and missing[1] == "redirect_uri":
        sentence = "Redirection URI is required"
    elif missing:
        sentence = f"The request is missing a required parameter : {missing[1]}"
    else:
        return response
    return json_response(status, {"ErrorCode": "invalid_request", "Error": sentence})


def _has_expired(approvals: ApprovalStore, refresh_token: str) -> bool:
    row = approvals.find_refresh_token(token_key(refresh_token))
    caller = request.environ.get(CLIENT)
    return row is not None and caller is not None and row.client == caller.key and row.expires_at <= time.time()


def _fault(sentence: str, code: str) -> dict[str, Any]:
    return {"fault": {"faultstring": sentence, "detail": {"errorcode": code}}}
