"""What may a refresh token still do? One Refresh; used again later, it was stolen.

A token is two random parts: the family is the same in all that descend from one Login, the secret is new in each.
Only hashes of the parts are stored. They need no salt and no slow hash, for nobody can guess what they are made of.

    the current secret                        RENEWED   the family gets a new one
    the one before, within RACE of its use    RACED     two tabs of a browser at once: the other one has the new token
    any other                                 REUSED    the token has been used by somebody else: the family is void
    past the end of the session               OVER

RACE gives a thief nothing: whoever comes second gets no token, and who comes later voids them all.
Pure, but for the randomness; times are microseconds since 1970.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import NamedTuple

FAMILY_BYTES, SECRET_BYTES = 16, 32
RACE = 10_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a customer holds to stay signed in."""

    family: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """As it is sent."""
        return urlsafe_b64encode(self.family + self.secret).decode()

    @property
    def family_hash(self) -> str:
        return sha256(self.family).hexdigest()

    @property
    def secret_hash(self) -> str:
        return sha256(self.secret).hexdigest()

    def successor(self) -> RefreshToken:
        """The next of its family."""
        return RefreshToken(self.family, token_bytes(SECRET_BYTES))


def new_family() -> RefreshToken:
    """The first token after a Login."""
    return RefreshToken(token_bytes(FAMILY_BYTES), token_bytes(SECRET_BYTES))


def parsed(text: str) -> RefreshToken | None:
    """The token that was sent as `text`; None when it cannot be one of ours."""
    try:
        parts = b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(parts) != FAMILY_BYTES + SECRET_BYTES:
        return None
    return RefreshToken(parts[:FAMILY_BYTES], parts[FAMILY_BYTES:])


class Session(NamedTuple):
    """What is stored of a family."""

    family: str
    user_id: str
    current: str
    previous: str  # empty before the first Refresh
    renewed_at: int
    expires_at: int


class Verdict(Enum):
    RENEWED = "renewed"
    RACED = "raced"
    REUSED = "reused"
    OVER = "over"


def judged(session: Session, secret_hash: str, now: int) -> Verdict:
    """What a token of the session's family may do at `now`."""
    if now >= session.expires_at:
        return Verdict.OVER
    if compare_digest(secret_hash, session.current):
        return Verdict.RENEWED
    if compare_digest(secret_hash, session.previous) and now < session.renewed_at + RACE:
        return Verdict.RACED
    return Verdict.REUSED
