"""The ways to break a request on purpose: what the button says, when there is one, what it changes, and why that is refused."""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from ..flows.keys import Key

ELSEWHERE = "https://evil.example/callback"


@dataclass
class Sent:
    """A request in parts that can be changed."""

    method: str
    url: str
    headers: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)
    json: dict[str, object] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").partition(" ")[2] if self.path.startswith("/api") else ""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Break(NamedTuple):
    """A way to break a request; `ends`: it takes from the walk what it needs to go on, and this is why."""

    label: str
    fits: Callable[[Sent], object]
    change: Callable[[Sent], object]
    why: str
    ends: Callable[[Sent], str] = lambda _: ""


def forged(text: str) -> str:
    """A JWT of which one letter of the signature is another, or any text with another letter in its middle."""
    at = text.rfind(".") + 10 if text.count(".") == 2 else len(text) // 2
    return f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}"


def forged_xml(assertion: str) -> str:
    """A SAML assertion in which somebody has written bob."""
    text = urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)).decode().replace("alice", "bob")
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def other_key(sent: Sent) -> None:
    token = sent.headers.get("Authorization", "").partition(" ")[2] or None
    sent.headers["DPoP"] = Key().proof(sent.method, sent.url, token)


def as_bearer(sent: Sent) -> None:
    sent.headers["Authorization"] = f"Bearer {sent.token}"
    del sent.headers["DPoP"]


def wrong_secret(sent: Sent) -> None:
    name = urlsafe_b64decode(sent.headers["Authorization"].partition(" ")[2].encode()).decode().partition(":")[0]
    sent.headers["Authorization"] = f"Basic {b64encode(f'{name}:guessed'.encode()).decode()}"


def is_basic(sent: Sent) -> bool:
    return sent.headers.get("Authorization", "").startswith("Basic ")


def is_jwt(text: str) -> bool:
    return text.count(".") == 2


def grant(sent: Sent) -> str:
    return sent.form.get("grant_type", "") if sent.path == "/oauth/token" else ""


def uses_code(sent: Sent) -> bool:
    return grant(sent) == "authorization_code"


def asks_user(sent: Sent) -> bool:
    """Whether a browser brings it, with all that is asked for in plain."""
    return sent.path == "/oauth/authorize" and "redirect_uri" in sent.query


def once(sent: Sent) -> str:
    """What in a request is good once."""
    names = ("code", "refresh_token", "device_code", "assertion", "client_assertion")
    found = next((name for name in names if grant(sent) and name in sent.form), "")
    return found or ("DPoP" if "DPoP" in sent.headers else "")


def carries_once(sent: Sent) -> bool:
    """Whether it is signed for this one request: if that is used up by a broken one, the walk has none to go on with."""
    return "DPoP" in sent.headers or "client_assertion" in sent.form


#: What happens to a code that fails a check.
SPENT = (
    "The code is spent by that, so that nobody can go on trying: a real app would begin anew. Here the playground has put it"
    " back in the server's database, for you to go on."
)
#: By name, in the order of their buttons: those of the request that is next.
BREAKS = {
    "verifier": Break(
        "Another verifier", lambda sent: "code_verifier" in sent.form and not carries_once(sent),
        lambda sent: sent.form.update(code_verifier=secrets.token_urlsafe(32)),
        f"Whoever has stolen the code lacks the verifier: its hash isn't the challenge that came with the request. {SPENT}",
    ),
    "redirect_uri": Break(
        "Another redirect URI", lambda sent: (uses_code(sent) and not carries_once(sent)) or asks_user(sent),
        lambda sent: (sent.query if asks_user(sent) else sent.form).update(redirect_uri=ELSEWHERE),
        "Codes go to addresses that the app has registered, and are redeemed with the very address that they went to. Otherwise"
        " anybody could have them sent to themselves.",
    ),
    "client": Break(
        "As another app", lambda sent: uses_code(sent) and not carries_once(sent),
        lambda sent: sent.form.update(
            client_id="weather-app-jwt" if sent.form["client_id"] == "weather-app" else "weather-app"
        ),
        f"A code is for the app that asked for it. To another app it is as unknown as any made-up text. {SPENT}",
    ),
    "expired": Break(
        "With a code that is too old",
        lambda sent: (uses_code(sent) or "device_code" in sent.form) and not carries_once(sent), lambda _: None,
        "The playground had set the code's end back, in the server's database. A code is good for a short time, so that one which"
        " is found later, in a log or a history, is worth nothing.",
    ),
    "secret": Break(
        "With a wrong secret", is_basic, wrong_secret,
        "The answer doesn't say whether there is such a client, or only its secret is wrong. Wrong secrets are counted, so that"
        " nobody can go on guessing.",
    ),
    "password": Break(
        "With a wrong password", lambda sent: "password" in sent.form and grant(sent),
        lambda sent: sent.form.update(password="guessed"),
        "The answer doesn't say which of the two was wrong, the name or the password. Wrong ones are counted.",
    ),
    "scope": Break(
        "For more than it may",
        lambda sent: not carries_once(sent) and ("scope" in sent.form or (asks_user(sent) and "scope" in sent.query)),
        lambda sent: (sent.form if "scope" in sent.form else sent.query).update(scope="weather:control"),
        "No client gets a scope that it isn't registered for, whoever might allow it.",
    ),
    "challenge": Break(
        "Without PKCE",
        lambda sent: not carries_once(sent) and ("code_challenge" in sent.query or "code_challenge" in sent.form),
        lambda sent: [part.pop(name, None) for part in (sent.query, sent.form)
                      for name in ("code_challenge", "code_challenge_method")],
        "A code without a challenge could be used by whoever catches it. So this server takes no such request.",
    ),
    "pushed": Break(
        "With a name that was guessed", lambda sent: "request_uri" in sent.query,
        lambda sent: sent.query.update(request_uri=forged(sent.query["request_uri"])),
        "The name of a request that was handed over is random, and good for one client and one answer.",
    ),
    "request": Break(
        "With a changed signature", lambda sent: "request" in sent.query,
        lambda sent: sent.query.update(request=forged(sent.query["request"])),
        "What is signed can't be changed on its way. The server trusts nothing in such a request: it sends no browser anywhere.",
    ),
    "logout": Break(
        "To another address", lambda sent: "post_logout_redirect_uri" in sent.query,
        lambda sent: sent.query.update(post_logout_redirect_uri=ELSEWHERE),
        "A browser is only sent to addresses that the app has registered: else a link to the server could lead anywhere.",
    ),
    "assertion": Break(
        "With a forged assertion", lambda sent: "assertion" in sent.form,
        lambda sent: sent.form.update(
            assertion=(forged if is_jwt(sent.form["assertion"]) else forged_xml)(sent.form["assertion"])
        ),
        "The identity provider's signature covers every letter. The refusal is short on purpose; the server's log says more.",
    ),
    "credentials": Break(
        "With a forged signature of the app", lambda sent: "client_assertion" in sent.form,
        lambda sent: sent.form.update(client_assertion=forged(sent.form["client_assertion"])),
        "Only the app's own key can say who the app is. There is no secret that could be guessed.",
    ),
    "key": Break(
        "With another key", lambda sent: "DPoP" in sent.headers and "client_assertion" not in sent.form, other_key,
        "The proof is good in itself, but by another key than the one that the code or token is bound to: a thief's.",
    ),
    "proof": Break(
        "With a changed proof", lambda sent: "DPoP" in sent.headers and "client_assertion" not in sent.form,
        lambda sent: sent.headers.update(DPoP=forged(sent.headers["DPoP"])),
        "The signature doesn't fit any more: somebody has written at the proof.",
    ),
    "bearer": Break(
        "As a plain token", lambda sent: "DPoP" in sent.headers and sent.token, as_bearer,
        "Whoever finds a bound token has only half of what it takes. Without a proof of the key it is refused.",
    ),
    "certificate": Break(
        "Without the certificate", lambda sent: "X-SSL-Client-Cert" in sent.headers,
        lambda sent: [sent.headers.pop(name) for name in ("X-SSL-Client-Cert", "X-SSL-Client-Verify")],
        "Neither the program nor its token is worth anything without the certificate, and the key that only the program has.",
    ),
    "token": Break(
        "With one letter changed",
        lambda sent: sent.headers.get("Authorization", "").startswith("Bearer "),
        lambda sent: sent.headers.update(Authorization=forged(sent.headers["Authorization"])),
        "Of an opaque token the server knows only the hash, and a JWT is signed: a token with another letter is none.",
    ),
    "ended": Break(
        "With a token that has ended",
        lambda sent: sent.token and not is_jwt(sent.token) and not carries_once(sent), lambda _: None,
        "The playground had set the token's end back, in the server's database. Tokens end soon: one that is found later, in a"
        " log or a backup, is worth nothing.",
    ),
    "registration": Break(
        "With an address that is a script", lambda sent: "redirect_uris" in sent.json,
        lambda sent: sent.json.update(redirect_uris=["javascript:alert(1)"]),
        "Whoever registers may say many things, but codes only go to addresses of which the server knows what they are.",
    ),
    "signer": Break(
        "With a wrong user", lambda sent: sent.path.startswith("/idp/"),
        lambda sent: sent.form.update(password="guessed"),
        "The identity provider vouches for nobody who can't sign in there.",
    ),
}  # fmt: skip
#: The request that was answered just now, once more.
REPLAY = Break(
    "Send the last request once more", once, lambda _: None,
    "What it carries is good once, and whoever comes second may be a thief. The server can't know which of the two is, so a code"
    " or a refresh token that comes twice ends all that it gave.",
    lambda sent: "All that the code or refresh token gave has ended, so this walk ends here."
    if once(sent) in ("code", "refresh_token") and not carries_once(sent) else "",
)  # fmt: skip
