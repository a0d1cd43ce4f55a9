"""A list is read to its last page, and no page before it is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from services.hosting.pages import Unreadable, pages


@dataclass
class Page:
    rows: list[int]
    next_page_token: str


class Listed:
    """A list of three pages that remembers what it was asked."""

    def __init__(self, refusal: StatusCode | None = None) -> None:
        self.asked: list[str] = []
        self._refusal = refusal
        self._pages = {"": Page([1, 2], "second"), "second": Page([], "third"), "third": Page([3], "")}

    async def fetch(self, token: str) -> Page:
        self.asked.append(token)
        if self._refusal and token:
            raise AioRpcError(self._refusal, Metadata(), Metadata(), "scripted")
        return self._pages[token]


async def test_every_page_is_read_an_empty_one_in_between_too() -> None:
    listed = Listed()
    assert [row async for page in pages("orders", listed.fetch) for row in page.rows] == [1, 2, 3]
    assert listed.asked == ["", "second", "third"]


async def test_who_has_read_enough_asks_for_no_more() -> None:
    listed = Listed()
    reading = pages("orders", listed.fetch)
    assert (await anext(reading)).rows == [1, 2]
    await reading.aclose()
    assert listed.asked == [""]


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        (StatusCode.UNAVAILABLE, True),
        (StatusCode.DEADLINE_EXCEEDED, True),
        (StatusCode.PERMISSION_DENIED, False),
        (StatusCode.INTERNAL, False),
    ],
)
async def test_a_page_that_cannot_be_had_says_whose_and_whether_to_try_again(code: StatusCode, transient: bool) -> None:
    with pytest.raises(Unreadable, match=f"orders: {code.name}: scripted") as caught:
        _ = [page async for page in pages("orders", Listed(code).fetch)]
    assert caught.value.transient is transient
