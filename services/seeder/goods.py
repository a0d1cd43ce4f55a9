"""What is to be sold? The entries of a seed file, held to the contracts of those who will keep them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2

from services.hosting.validation import Check, message_check

STOCK = "stock"
_SHOWN = 5


class NotGoods(Exception):
    """The file is no list of products with stock; `problems` has a sentence for each of the first few."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - _SHOWN
        super().__init__("; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else ""))
        self.problems = problems


@dataclass(frozen=True)
class Goods:
    """A product and how many pieces of it a new shop has."""

    product: catalog_pb2.Product
    stock: int


def read_goods(file: Path) -> list[Goods]:
    """The goods in `file`, a JSON list. Raises NotGoods."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotGoods([f"{file} cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise NotGoods([f"{file} is not JSON: {error}"]) from error
    return parse(entries)


def parse(entries: object) -> list[Goods]:
    """The goods that `entries` describe. Raises NotGoods."""
    if not isinstance(entries, list):
        raise NotGoods(["it is no list"])
    parser = _Parser()
    goods = [made for place, entry in enumerate(entries) if (made := parser.goods(place, entry))]
    ids = Counter(one.product.id for one in goods)
    problems = [*parser.problems, *(f"{product} is there {times} times" for product, times in ids.items() if times > 1)]
    if problems:
        raise NotGoods(problems)
    return goods


class _Parser:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self._product = message_check(catalog_pb2.Product.DESCRIPTOR)
        self._line = message_check(inventory_pb2.StockLine.DESCRIPTOR)

    def goods(self, place: int, entry: Any) -> Goods | None:
        """What an entry describes; None, and a problem more, when that is not allowed."""
        if not isinstance(entry, dict):
            self.problems.append(f"entry {place} is no object")
            return None
        stock = entry.get(STOCK)
        if type(stock) is not int:  # true is an int as well
            self.problems.append(f"entry {place}: {STOCK} is no whole number")
            return None
        try:
            product = ParseDict({key: value for key, value in entry.items() if key != STOCK}, catalog_pb2.Product())
            line = inventory_pb2.StockLine(product_id=product.id, quantity=stock or 1)
        except (ParseError, ValueError) as error:
            self.problems.append(f"entry {place}: {error}")
            return None
        broken = [*_broken(self._product, product), *_broken(self._line, line)]
        self.problems += [f"entry {place}: {problem}" for problem in dict.fromkeys(broken)]
        return None if broken else Goods(product, stock)


def _broken(check: Check, message: Any) -> Iterator[str]:
    for violation in check(message):
        field = {"product_id": "id", "quantity": STOCK}.get(violation.field, violation.field)
        yield f"{field} {violation.description}"
