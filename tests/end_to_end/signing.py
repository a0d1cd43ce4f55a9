"""Who can make tokens that the mesh believes? A test, while the mesh holds the test's key in the place of users'."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from grpc import StatusCode
from jwt.algorithms import ECAlgorithm

from services.hosting.access_tokens import ALGORITHM
from tests.end_to_end.at_the_gateway import bearer, browser, rpc, status
from tests.end_to_end.conftest import eventually, kubectl

OPEN = "/shop.catalog.v1.CatalogService/ListCategories"
LIST = "/shop.orders.v1.OrdersService/ListOrders"
RULE = "/spec/jwtRules/0"


@dataclass(frozen=True)
class Signer:
    """Somebody with a key."""

    kid: str = "of-a-test"
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def token(self, **claims: Any) -> str:
        """A token as users makes them, but for the claims given."""
        now = int(time.time())
        whole: dict[str, Any] = {"iss": "argosy", "aud": "shop", "sub": "user-of-a-test", "role": "customer"}
        whole |= {"jti": "1", "iat": now, "nbf": now, "exp": now + 600, **claims}
        return jwt.encode(whole, self.key, algorithm=ALGORITHM, headers={"kid": self.kid})

    @property
    def jwks(self) -> str:
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]})


@contextmanager
def believed(signer: Signer, gateway: str) -> Iterator[None]:
    """Have the mesh believe the signer instead of users. Every other field stays as it is delivered."""
    found = kubectl("get", "requestauthentication", "customers", "-o", "jsonpath={.spec.jwtRules[0].jwksUri}")
    address = found.out
    assert address.startswith("http"), found
    _replace("jwksUri", "jwks", signer.jwks)
    try:
        _wait(signer, gateway, StatusCode.OK)
        yield
    finally:
        _replace("jwks", "jwksUri", address)
        _wait(signer, gateway, StatusCode.UNAUTHENTICATED)


def _replace(before: str, after: str, value: str) -> None:
    operations = [
        {"op": "remove", "path": f"{RULE}/{before}"},
        {"op": "add", "path": f"{RULE}/{after}", "value": value},
    ]
    done = kubectl("patch", "requestauthentication", "customers", "--type=json", "-p", json.dumps(operations))
    assert done.code == 0, done.err


def _wait(signer: Signer, gateway: str, code: StatusCode) -> None:
    """Until the gateway and the sidecars behind it, which learn it each by itself, say so several times in a row."""
    for _ in range(5):
        for path in (OPEN, LIST):
            eventually("the key", partial(_code, gateway, path, signer), code)
        eventually("the key", partial(_page, gateway, signer), 200 if code is StatusCode.OK else 401)


def _code(gateway: str, path: str, signer: Signer) -> StatusCode:
    return rpc(gateway, path, metadata=bearer(signer.token())).code


def _page(gateway: str, signer: Signer) -> int:
    with browser(gateway) as page:  # a connection that is there already keeps what it was opened with
        return status(page, "GET", "/", bearer(signer.token()))
