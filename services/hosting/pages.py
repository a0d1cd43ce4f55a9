"""How is a list read that is longer than a page? From the page without a token to the one without a next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol, TypeVar

from grpc import StatusCode
from grpc.aio import AioRpcError

PAGE_SIZE = 500
"""The largest orders fit 500 times into gRPC's 4 MiB."""


class HasNext(Protocol):
    """What every List response has."""

    next_page_token: str


Page = TypeVar("Page", bound=HasNext)


class Unreadable(Exception):
    """A service does not answer (then it is `transient`), or refuses."""

    def __init__(self, service: str, code: StatusCode, details: str | None) -> None:
        super().__init__(f"{service}: {code.name}: {details}")
        self.service, self.code = service, code
        self.transient = code in {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED}


async def pages(service: str, fetch: Callable[[str], Awaitable[Page]]) -> AsyncGenerator[Page, None]:
    """The pages of one of `service`'s lists, each fetched when the one before was used. Raises Unreadable."""
    token = ""
    while True:
        try:
            page = await fetch(token)
        except AioRpcError as error:
            raise Unreadable(service, error.code(), error.details()) from error
        yield page
        if not (token := page.next_page_token):
            return
