"""Is this access token one of ours, and whose? Its signature, audience, issuer and times say so.

A token is a JWT (RFC 7519) signed with ES256 by users (services/users/tokens.py). In the mesh every sidecar
verifies it and services read what it found (customer.py); this is for whoever must know it without a sidecar.
The algorithm is ours to choose, never the token's: one that asks for `none`, or for HMAC with a public key as its
secret, is refused before anything else is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.types import Options

from services.hosting.errors import Unauthenticated

ALGORITHM = "ES256"
ISSUER = "argosy"
AUDIENCE = "shop"
SKEW_SECONDS = 60
"""How far the clock of whoever has signed a token may be ahead; Envoy allows as much."""

PublicKeys = Mapping[str, EllipticCurvePublicKey]
"""By the `kid` of the tokens they verify."""

_CHECKED: Options = {
    "require": ["iss", "aud", "sub", "role", "iat", "nbf", "exp", "jti"],
    # Whether it is too early or too late is asked of our caller's clock, below.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of its bearer."""

    customer_id: str
    role: str
    expires_at: int  # seconds since 1970


def bearer_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """The token that a call with this metadata carries. Raises Unauthenticated (TOKEN_MISSING)."""
    found = [str(value) for key, value in metadata or () if key == "authorization"]
    scheme, _, token = found[0].partition(" ") if len(found) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise Unauthenticated("TOKEN_MISSING", "an access token is needed: sign in first")
    return token


def public_keys(jwks: str) -> PublicKeys:
    """The keys of a JSON Web Key Set (RFC 7517)."""
    return {str(key.key_id): key.key for key in jwt.PyJWKSet.from_json(jwks).keys}


def verified(token: str, keys: PublicKeys, now: datetime) -> Claims:
    """What `token` claims. Raises Unauthenticated: TOKEN_EXPIRED, or TOKEN_INVALID whatever else is wrong with it."""
    try:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=_CHECKED)
    except (jwt.InvalidTokenError, KeyError):
        raise _invalid() from None
    seconds = now.timestamp()
    if claims["nbf"] > seconds + SKEW_SECONDS:
        raise _invalid()
    if claims["exp"] <= seconds:
        raise Unauthenticated("TOKEN_EXPIRED", "the access token has expired: refresh it")
    return Claims(claims["sub"], claims["role"], claims["exp"])


def _invalid() -> Unauthenticated:
    return Unauthenticated("TOKEN_INVALID", "the access token is not one of ours")
