"""What is an account? Who a customer is, and an etag that is equal exactly for equal content."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from uuid import uuid4

from services.hosting.customer import REGISTERED


class Role(StrEnum):
    """What an account may do; also the claim in its tokens."""

    CUSTOMER = "customer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """One customer."""

    user_id: str
    email: str  # folded
    name: str
    address: str
    role: Role
    password_hash: str = field(repr=False)
    created_at: int  # microseconds since 1970

    @property
    def etag(self) -> str:
        """The same in every replica and every version of the service."""
        facts = (self.user_id, self.email, self.name, self.address, self.role.value)
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def new_user_id() -> str:
    """What nobody else is called."""
    return f"{REGISTERED}{uuid4()}"


def folded(email: str) -> str:
    """`email` so that upper and lower case are the same."""
    return email.lower()
