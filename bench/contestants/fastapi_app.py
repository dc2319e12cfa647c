"""FastAPI and joserfc, as people write it by hand today: a token endpoint that signs JWTs, and a view that verifies them.

There is no database; the option `jwt` is the algorithm. Its requests and keys are the floor's.
"""

import hashlib
import secrets
import time
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import Claims

from . import CLIENT_ID, CLIENT_SECRET, options
from .floor import HOUR, key, prepare, seed

__all__ = ["make_app", "prepare", "seed"]

CLIENTS = {CLIENT_ID: hashlib.sha256(CLIENT_SECRET.encode()).digest()}
CHECKS = jwt.JWTClaimsRegistry(exp={"essential": True}, scope={"essential": True})
basic, bearer = HTTPBasic(), HTTPBearer()


async def client(given: Annotated[HTTPBasicCredentials, Depends(basic)]) -> str:
    expected = CLIENTS.get(given.username, b"")
    if not secrets.compare_digest(hashlib.sha256(given.password.encode()).digest(), expected):
        raise HTTPException(401, "invalid_client")
    return given.username


def make_app() -> FastAPI:
    app = FastAPI()
    own, algorithm = key(), options()["jwt"]

    async def claims(given: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> Claims:
        try:
            found = jwt.decode(given.credentials, own, algorithms=[algorithm]).claims
            CHECKS.validate(found)
        except (JoseError, ValueError) as error:
            raise HTTPException(401, "invalid_token") from error
        return found

    @app.post("/oauth/token")
    async def token(
        who: Annotated[str, Depends(client)], grant_type: Annotated[str, Form()], scope: Annotated[str, Form()]
    ) -> dict[str, str | int]:
        if grant_type != "client_credentials":
            raise HTTPException(400, "unsupported_grant_type")
        now = int(time.time())
        made = jwt.encode(
            {"alg": algorithm, "typ": "at+jwt"},
            {"client_id": who, "sub": who, "scope": scope, "iat": now, "exp": now + HOUR, "jti": secrets.token_hex(16)},
            own,
        )
        return {"access_token": made, "token_type": "Bearer", "expires_in": HOUR, "scope": scope}

    @app.get("/api")
    async def api(token: Annotated[Claims, Depends(claims)]) -> dict[str, str]:
        return {"for": token["client_id"]}

    return app
