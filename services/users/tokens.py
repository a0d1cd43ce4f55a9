"""What is given to who has signed in? An access token, which is signed, and a refresh token, which is remembered."""

from __future__ import annotations

from uuid import uuid4

import jwt
from shop.users.v1 import users_pb2 as pb

from services.hosting.access_tokens import ALGORITHM, AUDIENCE, ISSUER
from services.hosting.clock import timestamp
from services.users.account import Account
from services.users.refresh_tokens import RefreshToken, Session
from services.users.signing_keys import SigningKey
from services.users.throttle import SECOND


def issued(
    account: Account, key: SigningKey, session: Session, refresh: RefreshToken, *, now: int, life: int
) -> pb.Tokens:
    """Tokens for `account`; the access token is good for `life` microseconds from `now`."""
    begins = now // SECOND  # whole seconds, as RFC 7519 has them; rounded down, or it would begin too late
    ends = begins + life // SECOND
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": account.user_id,
        "role": account.role.value,
        "iat": begins,
        "nbf": begins,
        "exp": ends,
        "jti": uuid4().hex,
    }
    return pb.Tokens(
        access_token=jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid}),
        access_expire_time=timestamp(ends * SECOND),
        refresh_token=refresh.text,
        refresh_expire_time=timestamp(session.expires_at),
    )
