"""What is a product? Its content, and an etag that is equal exactly for equal content."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from services.catalog.words import words

_FILED_BYTES = 100  # a page token holds them, and an id


@dataclass(frozen=True)
class Product:
    """What a shopkeeper decides about one thing the shop sells."""

    id: str
    name: str
    description: str
    currency_code: str
    units: int
    nanos: int
    category: str = ""
    picture: str = ""

    @property
    def etag(self) -> str:
        """The same in every replica and every version of the service."""
        facts: tuple[object, ...] = (
            self.id,
            self.name,
            self.description,
            self.currency_code,
            self.units,
            self.nanos,
        )
        if self.category or self.picture:  # which the first version did not know
            facts += (self.category, self.picture)
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()

    @property
    def filed_under(self) -> str:
        """Where it comes in a list by name."""
        return " ".join(words(self.name)).encode()[:_FILED_BYTES].decode(errors="ignore")


@dataclass(frozen=True)
class Stored:
    """A product as it is in the books."""

    product: Product
    etag: str
    updated_at: int  # microseconds since 1970
