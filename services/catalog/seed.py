"""Which products does a new shop start with? Those of SEED_FILE, held to the contract's own rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.json_format import ParseDict, ParseError
from shop.catalog.v1 import catalog_pb2 as pb

from services.catalog.products import Product
from services.catalog.servicer import from_message
from services.hosting.errors import CannotStart
from services.hosting.validation import message_check

# The file is shared with inventory, which reads `stock`.
FIELDS = frozenset({"id", "name", "description", "price", "category", "picture"})


def read_seed(file: Path) -> list[Product]:
    """The products in `file`, a JSON list. Raises CannotStart naming what is wrong with it."""
    try:
        return list(_products(json.loads(file.read_text())))
    except OSError as error:
        raise CannotStart(f"SEED_FILE={file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, ParseError) as error:
        raise CannotStart(f"SEED_FILE={file} is not a list of products: {error}") from error


def _products(entries: object) -> Iterator[Product]:
    if not isinstance(entries, list):
        raise TypeError("it holds something else")
    check = message_check(pb.Product.DESCRIPTOR)
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise TypeError(f"entry {place} is not an object")
        message = ParseDict({name: value for name, value in entry.items() if name in FIELDS}, pb.Product())
        if broken := check(message):
            raise ValueError(f"entry {place}: {broken[0].field} {broken[0].description}")
        yield from_message(message)
