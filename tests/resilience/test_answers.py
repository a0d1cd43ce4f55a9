"""Who answered is noted while somebody collects, refusals too, and costs nothing otherwise."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from mesh.resilience import answers


class Answered:
    """A call that has an answer."""

    def __init__(self, *trailers: tuple[str, str]) -> None:
        self._trailers = trailers

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return "response"

    async def trailing_metadata(self) -> Any:
        return self._trailers


async def test_where_nobody_collects_nothing_is_put_between() -> None:
    def send(_: float) -> Any:
        return Answered()

    assert answers.noting("catalog", send) is send


async def test_answers_are_noted_also_those_of_tasks() -> None:
    def send(_: float) -> Any:
        return Answered(("argosy-pod", "catalog-v1-x"))

    with answers.collect() as noted:
        assert await answers.noting("catalog", send)(1.0) == "response"
        await asyncio.create_task(answers.noting("cart", send)(1.0))  # type: ignore[arg-type]
    assert [(answer.peer, answer.trailers["argosy-pod"]) for answer in noted] == [
        ("catalog", "catalog-v1-x"),
        ("cart", "catalog-v1-x"),
    ]


async def test_a_refusal_is_an_answer() -> None:
    async def send(_: float) -> Any:
        raise AioRpcError(StatusCode.NOT_FOUND, Metadata(), Metadata(("argosy-version", "v2")))

    with answers.collect() as noted, pytest.raises(AioRpcError):
        await answers.noting("catalog", send)(1.0)
    assert [answer.trailers for answer in noted] == [{"argosy-version": "v2"}]
