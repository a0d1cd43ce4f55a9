"""Which access tokens must nobody believe? One of each kind, made from a true one and from what is public."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.hosting.access_tokens import ALGORITHM, PublicKeys

ADMIN = {"role": "admin"}


def forged(true: str, keys: PublicKeys) -> Mapping[str, str]:
    """Tokens that pretend to be of our issuer, by what is wrong with them."""
    header, claims = jwt.get_unverified_header(true), content(true)
    theirs = generate_private_key(SECP256R1())
    public = keys[header["kid"]].public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body, signature = true.rsplit(".", 1)
    return {
        "no algorithm": f"{part({**header, 'alg': 'none'})}.{part(claims | ADMIN)}.",
        "no algorithm, in capitals": f"{part({**header, 'alg': 'NONE'})}.{part(claims | ADMIN)}.",
        "no algorithm, a true signature": f"{part({**header, 'alg': 'none'})}.{part(claims | ADMIN)}.{signature}",
        "the public key as a secret": with_secret(header | {"alg": "HS256"}, claims | ADMIN, public),
        "another's key": sign(claims | ADMIN, theirs, header["kid"]),
        "another's key, named in the token": sign(claims | ADMIN, theirs, "theirs"),
        "another curve": jwt.encode(
            claims | ADMIN, generate_private_key(SECP384R1()), algorithm="ES384", headers={"kid": header["kid"]}
        ),
        "no kid": jwt.encode(claims | ADMIN, theirs, algorithm=ALGORITHM),
        "other claims under a true signature": f"{body.split('.')[0]}.{part(claims | ADMIN)}.{signature}",
        "no signature": f"{body}.",
        "half a signature": f"{body}.{signature[: len(signature) // 2]}",
        "not a token": "x",
        "two dots": "..",
        "nothing": "",
        "a header that is a list": f"{part([])}.{part(claims)}.{signature}",
        "a kid that is a list": f"{part({**header, 'kid': []})}.{part(claims)}.{signature}",
        "deep JSON": f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.{part(claims)}.{signature}",
    }


def unfit(true: str, key: EllipticCurvePrivateKey) -> Mapping[str, str]:
    """Tokens under a true signature which are for somebody else, from somebody else, or not whole."""
    kid, claims = jwt.get_unverified_header(true)["kid"], content(true)
    wrong = {
        "another audience": {"aud": "bank"},
        "another issuer": {"iss": "bank"},
        "not yet": {"nbf": claims["nbf"] + 3600},
    }
    tokens = {name: sign(claims | change, key, kid) for name, change in wrong.items()}
    for claim in claims:
        without = {name: value for name, value in claims.items() if name != claim}
        tokens[f"no {claim}"] = sign(without, key, kid)
    return tokens


def sign(claims: Mapping[str, Any], key: EllipticCurvePrivateKey, kid: str) -> str:
    return jwt.encode(dict(claims), key, algorithm=ALGORITHM, headers={"kid": kid})


def content(token: str) -> dict[str, Any]:
    """The claims of a token, whoever has signed it."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def with_secret(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """What libraries refuse to make: a token signed by HMAC with a public key."""
    body = f"{part(header)}.{part(claims)}"
    signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
