"""The checks of an authorization request, in their order (RFC 6749 section 4.1.1).

Where a check fails, the client gets the error at its redirect URI.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..config import OFFLINE_ACCESS
from ..config.openid import OPENID, in_order, response_types_of
from ..errors import InvalidRequestError, InvalidScopeError, UnauthorizedClientError, clean
from ..permissions.scopes import names_of, resolve_scopes
from ..tokens.sign_in import AUTHORIZATION_DETAILS, NONCE
from .answer import gives_a_token, response_modes
from .asked import Asked
from .request import AuthorizationError, UnmetAuthenticationRequirements, checked_thumbprint
from .requested_claims import NEVER_TOO_OLD, for_id_tokens

if TYPE_CHECKING:
    from ..config import Settings
    from ..permissions.details import AuthorizationDetails
    from ..permissions.resources import Resources
    from ..tokens.lifetimes import Lifetimes
    from .asked import Found
    from .parameters import Parameters
    from .request import Authorization

PROMPTS = ("none", "login", "consent", "select_account")
CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CREATE = "create"  # Initiating User Registration via OpenID Connect 1.0
REQUEST_OBJECTS = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
WITH_A_CODE = ("code", "code id_token", "code token", "code id_token token")


class Check(NamedTuple):
    """One check. `response_types`: it applies only to requests with these; `None`: to every request."""

    look: Callable[[Asked], Found]
    response_types: tuple[str, ...] | None = None


class AuthorizationChecks:
    """Puts an authorization request through `CHECKS`."""

    def __init__(
        self,
        settings: Settings,
        resources: Resources,
        lifetimes: Lifetimes,
        details: AuthorizationDetails | None,
        with_hint: Callable[[Authorization, str], Authorization] | None = None,
    ) -> None:
        """`with_hint` reads an `id_token_hint`: `None` where that isn't known here."""
        self._parts = (settings, resources, lifetimes, details, response_types_of(settings))
        self._with_hint = with_hint

    def check(self, authorization: Authorization, parameters: Parameters) -> Authorization:
        """The request with all that it asks for. Raises an `OAuth2Error`, which the client gets."""
        asked = Asked(replace(authorization), parameters, *self._parts)
        checked = asked.authorization
        for each in CHECKS:
            if each.response_types is None or checked.response_type in each.response_types:
                for name, value in each.look(asked).items():
                    object.__setattr__(
                        checked, name, value
                    )  # this copy is nobody else's yet; another each time took longer
        hint = parameters.get("id_token_hint")
        if hint is None or self._with_hint is None or OPENID not in checked.scopes:
            return checked
        return self._with_hint(checked, hint)


def nothing_repeated(asked: Asked) -> Found:
    """No parameter is sent twice (RFC 6749 section 3.1)."""
    repeated = asked.parameters.repeated
    if repeated:
        raise InvalidRequestError(f"The parameter '{clean(min(repeated), 40)}' is repeated.")
    return {}


def redirect_uri(asked: Asked) -> Found:
    """`redirect_uri` is sent, where the profile wants it even of a client that has only one (FAPI 2.0 section 5.3.2.2)."""
    if not asked.authorization.redirect_uri_sent and asked.settings.in_profile.needs_redirect_uri:
        raise InvalidRequestError("The parameter 'redirect_uri' is missing.")
    return {}


def state(asked: Asked) -> Found:
    """`state` is not too long for the answer in which it is sent back; this error's answer is without it."""
    if asked.authorization.state is None and asked.parameters.get("state") is not None:
        raise InvalidRequestError("The parameter 'state' is so long that an answer with it could not be read.")
    return {}


def pushed(asked: Asked) -> Found:
    """The request was pushed, where the server or the client's registration asks for that (RFC 9126 sections 5 and 6).

    A client that may do nothing else may do nothing where that is off: what protects it doesn't end with a setting.
    """
    par, client = asked.settings.par, asked.authorization.client
    if asked.parameters.is_pushed or not (par == "required" or client.require_pushed_authorization_requests):
        return {}
    if not par:
        raise InvalidRequestError("This client is registered for pushed requests alone, and none are taken here.")
    raise InvalidRequestError(
        "The request was not pushed: send it to the pushed authorization request endpoint, and the browser with its"
        " request_uri."
    )


def response_type(asked: Asked) -> Found:
    """`response_type` is one of this server's, and the client is registered for its grant (RFC 6749 section 3.1.1)."""
    given, client = asked.parameters.get("response_type"), asked.authorization.client
    if given is None:
        raise InvalidRequestError("The parameter 'response_type' is missing.")
    if given not in asked.response_types:
        given = in_order(given)
    grants = asked.response_types.get(given)
    if grants is None:
        raise AuthorizationError("unsupported_response_type", f"The response type '{clean(given, 40)}' is not on here.")
    # A token for a client that could have got it with its secret is for sign-ins alone.
    is_registered = all(map(client.check_grant_type, grants)) and (given != "token" or client.is_public)
    if not is_registered or (client.response_types and given not in client.response_types):
        raise UnauthorizedClientError(f"This client is not registered for the response type '{given}'.")
    return {"response_type": given}


def response_mode(asked: Asked) -> Found:
    """`response_mode` is known, and fits the response type (OAuth 2.0 Multiple Response Types section 2.1)."""
    mode, known = asked.parameters.get("response_mode"), response_modes(asked.settings.jarm)
    if mode is not None and mode not in known:
        raise InvalidRequestError(f"The parameter 'response_mode' must be {', '.join(known[:-1])} or {known[-1]}.")
    if mode in ("query", "query.jwt") and gives_a_token(asked.authorization.response_type):
        raise InvalidRequestError("A token is never sent in a query: use the response mode fragment or form_post.")
    return {}


def request_object(asked: Asked) -> Found:
    """No request object stands here any more: one that is taken was read before. And it is signed where it must be.

    One that isn't taken could differ from the parameters beside it (OIDC Core section 6; RFC 9101 section 10.5).
    """
    for name, error in REQUEST_OBJECTS.items():
        if asked.parameters.get(name) is not None and (name != "registration" or asked.settings.oidc):
            raise AuthorizationError(error, f"The parameter '{name}' is not supported here.")
    if not asked.parameters.is_signed:
        if asked.settings.jar == "required":
            raise InvalidRequestError("The request is not signed: this server takes signed ones alone (RFC 9101).")
        if asked.authorization.client.require_signed_request_object:
            raise InvalidRequestError("The request is not signed: this client is registered for signed ones alone.")
    return {}


def pkce(asked: Asked) -> Found:
    """The code challenge and its method (RFC 7636 section 4.3). A challenge without a method means plain."""
    challenge, method = asked.parameters.get("code_challenge"), asked.parameters.get("code_challenge_method")
    settings = asked.settings
    if challenge is None:
        if method is not None:
            raise InvalidRequestError("The parameter 'code_challenge' is missing.")
        if _needs_pkce(asked):
            raise InvalidRequestError("The parameter 'code_challenge' is missing: this server asks for PKCE.")
        return {}
    if (method or "plain") not in settings.pkce_methods:
        raise InvalidRequestError(
            f"The parameter 'code_challenge_method' must be {' or '.join(settings.pkce_methods)}."
        )
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("The 'code_challenge' must be 43 to 128 letters, digits, '-', '.', '_' and '~'.")
    return {"code_challenge": challenge, "code_challenge_method": method or "plain"}


def _needs_pkce(asked: Asked) -> bool:
    """Whether a code is given for a proof alone. With OpenID Connect the `nonce` does as well (RFC 9700 section 2.1.1)."""
    client, required = asked.authorization.client, asked.settings.require_pkce
    if client.is_public:
        return required is not False
    if required == "public":
        return False
    is_excused = client.require_pkce is False and not asked.settings.in_profile.pkce_for_all
    if required == "nonce" or (required and is_excused):
        scope = names_of(asked.parameters.get("scope") or "", asked.settings)
        has_nonce = asked.settings.oidc and OPENID in scope and asked.parameters.get(NONCE) is not None
        return not has_nonce
    return bool(required)


def binding(asked: Asked) -> Found:
    """The key to which the code is bound (RFC 9449 section 10). A token that must be bound never comes from this endpoint."""
    client, dpop = asked.authorization.client, asked.settings.dpop
    must = dpop == "required" or client.binds_tokens
    if must and "token" in asked.authorization.response_type.split():
        raise UnauthorizedClientError("A token must be bound to a key here, and one from this endpoint can't be.")
    jkt = checked_thumbprint(asked.parameters.get("dpop_jkt")) if dpop else None
    if jkt is not None and asked.authorization.confirmation.get("jkt", jkt) != jkt:  # that of the proof that was pushed
        raise AuthorizationError("invalid_dpop_proof", "The proof is of another key than 'dpop_jkt'.")
    return {} if jkt is None else {"confirmation": {"jkt": jkt}}


def scopes(asked: Asked) -> Found:
    """The scopes. OIDC's `offline_access` asks for a refresh token, and is passed over where none comes of the request."""
    given, client = asked.parameters.get("scope"), asked.authorization.client
    offline = OFFLINE_ACCESS in (given or "") and asked.authorization.response_type in WITH_A_CODE
    offline = offline and asked.lifetimes.gives_refresh_tokens(client)
    return {"scopes": resolve_scopes(given, client, asked.settings, offline=offline)}


def resources(asked: Asked) -> Found:
    """The resources that the token is to be for (RFC 8707 section 2.1), and those of the scopes that are given for them."""
    named, known = asked.authorization.audience, asked.resources
    audience = known.resolve(named) if named else ()
    if not known.have_terms:
        return {"audience": audience} if named else {}
    return {"audience": audience, "scopes": known.within(asked.authorization.scopes, audience)}


def details(asked: Asked) -> Found:
    """What is asked for beyond scopes, each of a type that this client may ask for (RFC 9396 section 5)."""
    given = asked.parameters.get(AUTHORIZATION_DETAILS)
    if given is None or asked.details is None:
        return {}
    return {"authorization_details": asked.details.asked(given, asked.authorization.client)}


def prompt(asked: Asked) -> Found:
    """Whether the user must sign in again or be asked again (OIDC Core section 3.1.2.1)."""
    prompts = tuple((asked.parameters.get("prompt") or "").split())
    known = (*PROMPTS, CREATE) if asked.settings.oidc and asked.settings.signup_url else PROMPTS
    for name in prompts:
        if name not in known:
            raise InvalidRequestError(f"The prompt '{clean(name, 40)}' is not supported here.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequestError("The prompt 'none' goes with no other.")
    return {"prompt": prompts}


def sign_in(asked: Asked) -> Found:
    """How recently, how strongly and as whom the user must have signed in (OIDC Core section 3.1.2.1)."""
    given = asked.parameters.get("max_age")
    if given is not None and not re.fullmatch(r"[0-9]{1,9}", given):
        raise InvalidRequestError("The parameter 'max_age' is a number of seconds.")
    max_age = None if given is None else int(given)
    acr_values = tuple((asked.parameters.get("acr_values") or "").split())
    if asked.settings.oidc:  # what the client registered for requests that don't say it (Registration section 2)
        client = asked.authorization.client
        max_age = client.default_max_age if max_age is None else max_age
        max_age = NEVER_TOO_OLD if max_age is None and client.require_auth_time else max_age
        acr_values = acr_values or tuple(client.default_acr_values)
    strong_enough = asked.settings.strong_enough(acr_values) if acr_values else frozenset()
    if asked.settings.acr_values and acr_values and not strong_enough:
        raise UnmetAuthenticationRequirements("None of the 'acr_values' is known here.")
    return {
        "max_age": max_age,
        "login_hint": asked.parameters.get("login_hint"),
        "acr_values": acr_values,
        "strong_enough": strong_enough,
        "wants_sign_in": bool(asked.authorization.prompt or max_age is not None or acr_values),
    }


def openid(asked: Asked) -> Found:
    """What an ID token is to hold: the nonce, and the claims that are asked for by name (OIDC Core sections 3.1.2.1, 5.5)."""
    if asked.settings.oidc and OPENID in asked.authorization.scopes:
        return for_id_tokens(asked)
    if "id_token" in asked.authorization.response_type:
        raise InvalidScopeError("An ID token needs the scope 'openid'.")
    return {}


CHECKS = (
    Check(nothing_repeated),
    Check(redirect_uri),
    Check(state),
    Check(pushed),
    Check(response_type),
    Check(response_mode),
    Check(request_object),
    Check(pkce, response_types=WITH_A_CODE),
    Check(binding),
    Check(scopes),
    Check(resources),
    Check(details),
    Check(prompt),
    Check(sign_in),
    Check(openid),
)
