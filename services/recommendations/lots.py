"""Which of two equally good products comes first? The seed draws lots.

Each product has a number, and a seed multiplies all of them by a factor of its own, modulo a prime: another order for
each seed, the same for the same seed, and one that a database can sort by as well.
"""

from __future__ import annotations

from hashlib import blake2b

PRIME = 2**31 - 1  # the product of two numbers below it fits into a database's 64 bits


def number(product_id: str) -> int:
    """The product's number: 1 to PRIME - 1."""
    return _number(product_id.encode())


def factor(seed: int) -> int:
    """What the seed multiplies by: 1 to PRIME - 1."""
    return _number(b"seed %d" % seed)


def lot(number: int, factor: int) -> int:
    """The lot drawn; the lowest comes first."""
    return number * factor % PRIME


def _number(text: bytes) -> int:
    return 1 + int.from_bytes(blake2b(text, digest_size=8).digest()) % (PRIME - 1)
