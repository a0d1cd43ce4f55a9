"""How are the signing keys kept? In the database, which all replicas share; works of one transaction.

No lock is needed for a new one: its generation is its key, so of several processes that find it due one makes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm
from sqlalchemy import Connection, select

from services.hosting.access_tokens import ALGORITHM
from services.hosting.database import insert_new
from services.users.key_schedule import Period, Schedule
from services.users.tables import SIGNING_KEYS


@dataclass(frozen=True)
class SigningKey:
    """One key pair; only users ever sees the private half."""

    period: Period
    kid: str
    pem: str = field(repr=False)

    @cached_property
    def private(self) -> EllipticCurvePrivateKey:
        key = load_pem_private_key(self.pem.encode(), None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError(f"signing key {self.kid} is not one of an elliptic curve")
        return key

    @property
    def jwk(self) -> dict[str, object]:
        """The public half, as RFC 7517 writes it."""
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}


class Turn(NamedTuple):
    """What a look at the schedule came to."""

    keys: Sequence[SigningKey]  # in order
    made: Sequence[str]  # their kids
    forgotten: Sequence[str]


def known(connection: Connection) -> list[SigningKey]:
    """All keys, in order."""
    rows = connection.execute(select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.generation))
    return [SigningKey(Period(row.generation, row.signs_from), row.kid, row.private_key) for row in rows]


def signer(connection: Connection, schedule: Schedule, now: int) -> SigningKey:
    """The key that signs at `now`."""
    keys = known(connection)
    generation = schedule.signer([key.period for key in keys], now)
    return next(key for key in keys if key.period.generation == generation)


def turn(connection: Connection, schedule: Schedule, now: int) -> Turn:
    """Make the key that is due and forget those that are over, as the schedule says."""
    before = known(connection)
    periods = [key.period for key in before]
    made = []
    if due := schedule.next(periods, now):
        kid = uuid4().hex
        if insert_new(connection, SIGNING_KEYS, **due._asdict(), kid=kid, private_key=_new_pem()):
            made.append(kid)
    over = schedule.forgotten(periods, now)
    if over:
        connection.execute(SIGNING_KEYS.delete().where(SIGNING_KEYS.c.generation.in_(over)))
    forgotten = [key.kid for key in before if key.period.generation in over]
    return Turn(known(connection), made, forgotten)


def jwks(keys: Sequence[SigningKey]) -> str:
    """The public halves, as a JSON Web Key Set."""
    return json.dumps({"keys": [key.jwk for key in keys]}, separators=(",", ":"))


def _new_pem() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
