"""Which stock does a new shop start with? That of SEED_FILE, once per product."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from sqlalchemy import Connection

from services.hosting.errors import CannotStart
from services.inventory import books


class SeededProduct(BaseModel):
    """What inventory reads of an entry; the rest of it is the catalog's."""

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    stock: Annotated[int, Field(ge=0, le=10**12, strict=True)]


_SEED = TypeAdapter(list[SeededProduct])


def read_seed(file: Path) -> list[SeededProduct]:
    """The products in `file`, a JSON list. Raises CannotStart naming what is wrong with it."""
    try:
        return _SEED.validate_json(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"SEED_FILE={file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, p['loc'])) or 'file'}: {p['msg']}" for p in error.errors()[:5])
        raise CannotStart(f"SEED_FILE={file} is not a list of products with id and stock: {where}") from error


def sow(connection: Connection, products: Sequence[SeededProduct]) -> int:
    """Open the books of products that have none; how many that were. Replicas may do it at once."""
    return sum(
        books.add_product(connection, product.id, product.stock) for product in sorted(products, key=lambda p: p.id)
    )
