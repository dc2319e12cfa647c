"""What the example's web app believes of what calls itself a logout token: what its readers copy must refuse the rest."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from example_app.clients.logout_token import EVENT, LogoutTokens

ISSUER, CLIENT_ID = "https://accounts.example.com", "board"
KEY = RSAKey.generate_key(2048, {"kid": "ours", "alg": "RS256", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "ours", "alg": "RS256", "use": "sig"})
KEYS = {"keys": [KEY.as_dict(private=False)]}
LEFT_OUT = object()


def token(header: dict[str, Any] | None = None, key: RSAKey = KEY, **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "sub": "alice",
        "sid": "session",
        "iat": now,
        "exp": now + 120,
        "jti": "once",
        "events": {EVENT: {}},
        **changed,
    }
    kept = {name: value for name, value in claims.items() if value is not LEFT_OUT}
    return jwt.encode({"alg": "RS256", "kid": "ours", "typ": "logout+jwt"} | (header or {}), kept, key)


@pytest.fixture
def board() -> LogoutTokens:
    return LogoutTokens(ISSUER, CLIENT_ID)


def test_a_logout_token_is_read_once(board: LogoutTokens) -> None:
    text = token()
    assert board.read(text, KEYS)["sid"] == "session"
    with pytest.raises(ValueError, match="came before"):
        board.read(text, KEYS)
    assert board.read(token(jti="another"), KEYS)["sub"] == "alice"


@pytest.mark.parametrize("name", ["sid", "sub"])
def test_one_of_the_two_says_whose_session_it_is(board: LogoutTokens, name: str) -> None:
    assert name not in board.read(token(**{name: LEFT_OUT}), KEYS)


NOW = int(time.time())


@pytest.mark.parametrize(
    "changed",
    [
        *({name: LEFT_OUT} for name in ("iss", "aud", "iat", "exp", "jti", "events")),
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"exp": NOW - 3600},
        {"iat": NOW + 3600},
        {"nonce": "n"},
        {"sid": LEFT_OUT, "sub": LEFT_OUT},
        {"events": {}},
        {"events": EVENT},
        {"events": {"https://elsewhere.example": {}}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "at+jwt"}},
        {"key": OTHER},
    ],
    ids=" ".join,
)
def test_all_else_is_refused_and_may_come_right_later(board: LogoutTokens, changed: dict[str, Any]) -> None:
    with pytest.raises((JoseError, ValueError)):
        board.read(token(**changed), KEYS)
    assert board.read(token(), KEYS)["jti"] == "once", "what was refused has spent nothing"


@pytest.mark.parametrize("text", ["", "junk", "a.b.c", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_jwt_is_refused(board: LogoutTokens, text: str) -> None:
    with pytest.raises((JoseError, ValueError)):
        board.read(text, KEYS)
