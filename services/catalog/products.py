"""What is a product? Its content, and an etag that is equal exactly for equal content."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True)
class Product:
    """What a shopkeeper decides about one thing the shop sells."""

    id: str
    name: str
    description: str
    currency_code: str
    units: int
    nanos: int

    @property
    def etag(self) -> str:
        """The same in every replica and every version of the service."""
        facts = (self.id, self.name, self.description, self.currency_code, self.units, self.nanos)
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()

    @property
    def searched(self) -> str:
        """The text that searches look at."""
        return folded(f"{self.name}\n{self.description}")


@dataclass(frozen=True)
class Stored:
    """A product as it is in the books."""

    product: Product
    etag: str
    updated_at: int  # microseconds since 1970


def folded(text: str) -> str:
    """`text` so that upper and lower case are the same, also outside ASCII: STRASSE finds Straße."""
    return text.casefold()
