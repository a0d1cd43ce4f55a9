"""Around every RPC, of all four kinds: what a servicer may rely on, and when its work ends."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import grpc
import pytest
from grpc import StatusCode
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse, Product

from mesh.resilience import deadline, degraded, propagation
from mesh.resilience.server_policy import ServerMethodPolicy, ServerPolicy
from services.hosting import Hosted
from services.hosting.observation import status_name
from tests.hosting.four import BAD, FOUR, GOOD, KINDS, Servicer, add_four, answer, call, call_four, four, refused
from tests.hosting.running import access_lines, blamed, reason, serve


@pytest.mark.parametrize("kind", KINDS)
async def test_a_request_that_keeps_its_contract_is_answered(kind: str) -> None:
    async with four(answer) as channel:
        assert [response.product.id for response in await call(channel, kind)] == ["mug"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_request_that_breaks_its_contract_never_reaches_the_servicer(kind: str) -> None:
    seen: list[GetProductRequest] = []

    async def behave(request: GetProductRequest, _: Any) -> GetProductResponse:
        seen.append(request)
        return GetProductResponse()

    async with four(behave) as channel:
        error = await refused(channel, kind, BAD)
    assert (error.code(), reason(error), blamed(error)) == (
        StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        ["product_id"],
    )
    assert seen == []


@pytest.mark.parametrize("kind", KINDS)
async def test_every_answer_says_which_pod_and_version_gave_it(kind: str) -> None:
    async with four(answer, pod_name="catalog-1", service_version="v2") as channel:
        good = call_four(channel, kind)(iter([GOOD]) if kind.startswith("Stream") else GOOD, timeout=20)
        if kind.endswith("Stream"):
            assert [response async for response in good]
        trailers = dict(await good.trailing_metadata())
        error = await refused(channel, kind, BAD)
    for told in (trailers, dict(error.trailing_metadata() or ())):
        assert (told["argosy-pod"], told["argosy-version"]) == ("catalog-1", "v2")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_caller_s_deadline_is_adopted(kind: str) -> None:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        return GetProductResponse(product=Product(description=str(deadline.remaining())))

    async with four(behave) as channel:
        [response] = await call(channel, kind, timeout=30)
    assert 5 < float(response.product.description) < 31  # gRPC rounds what it sends up


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_deadline_unary_answers_get_the_default_and_listeners_none(kind: str) -> None:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        left = deadline.remaining()
        return GetProductResponse(product=Product(description="" if left is None else str(left)))

    async with four(behave, default_deadline_seconds=40) as channel:
        [response] = await call(channel, kind, timeout=None)
    bounded = kind.endswith("Unary")
    assert bool(response.product.description) is bounded
    assert not bounded or 5 < float(response.product.description) <= 40


@dataclass
class Endless:
    """A handler's work that ends only with its call."""

    ended: int = 0

    async def __call__(self, _: GetProductRequest, __: Any) -> GetProductResponse:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1
        raise AssertionError


async def test_the_default_deadline_ends_the_work() -> None:
    work = Endless()
    async with four(work, default_deadline_seconds=0.05) as channel:
        error = await refused(channel, "UnaryUnary", timeout=None)
    assert (error.code(), work.ended) == (StatusCode.DEADLINE_EXCEEDED, 1)


def policy_of(**given: Any) -> ServerPolicy:
    return ServerPolicy(methods={f"/{FOUR.full_name}/{kind}": ServerMethodPolicy(**given) for kind in KINDS})


@pytest.mark.parametrize(
    ("kind", "asked", "least", "most"),
    [
        ("UnaryUnary", 300, 20, 40),
        ("StreamUnary", 300, 20, 40),
        ("UnaryUnary", 10, 2, 11),
        ("UnaryUnary", None, 20, 40),
        ("UnaryStream", 300, 200, 301),  # who listens does so for as long as they like
        ("StreamStream", 300, 200, 301),
    ],
)
async def test_a_method_s_own_deadline_bounds_its_answer_when_it_is_the_sooner_one(
    kind: str, asked: float | None, least: float, most: float
) -> None:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        return GetProductResponse(product=Product(description=str(deadline.remaining())))

    hosted = Hosted([(FOUR, Servicer(behave), add_four)], policy=policy_of(deadline=40.0))
    async with serve(hosted, default_deadline_seconds=100) as channel:
        [response] = await call(channel, kind, timeout=asked)
    assert least < float(response.product.description) < most


async def test_a_method_s_own_deadline_ends_the_work() -> None:
    work = Endless()
    hosted = Hosted([(FOUR, Servicer(work), add_four)], policy=policy_of(deadline=0.05))
    async with serve(hosted) as channel:
        error = await refused(channel, "UnaryUnary", timeout=60)
    assert (error.code(), work.ended) == (StatusCode.DEADLINE_EXCEEDED, 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_made_without_a_peer_says_so_and_so_does_its_line(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def behave(request: GetProductRequest, _: Any) -> GetProductResponse:
        if request.product_id == "old":
            degraded.note("payments")
            degraded.note("catalog")
        return GetProductResponse()

    async with four(behave) as channel:
        for product_id in ("old", "fresh"):
            request = GetProductRequest(product_id=product_id)
            made = call_four(channel, kind)(iter([request]) if kind.startswith("Stream") else request, timeout=20)
            if kind.endswith("Stream"):
                assert [response async for response in made]
            trailers = dict(await made.trailing_metadata())
            assert trailers.get("argosy-degraded") == ("catalog,payments" if product_id == "old" else None)
            assert "argosy-pod" in trailers
    assert [line.get("degraded") for line in access_lines(caplog)] == ["catalog,payments", None]


@pytest.mark.parametrize("kind", KINDS)
async def test_work_for_a_caller_that_has_left_is_cancelled_and_said_so(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    began, ended = asyncio.Event(), asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with four(behave) as channel:
        task = asyncio.create_task(call(channel, kind))
        await began.wait()
        task.cancel()
        await ended.wait()
        await asyncio.gather(task, return_exceptions=True)
    assert [line["code"] for line in access_lines(caplog)] == ["CANCELLED"]


async def test_a_passed_deadline_is_counted_as_such(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ended = asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with four(behave) as channel:
        error = await refused(channel, "UnaryUnary", timeout=1.0)
        await ended.wait()
    assert error.code() == StatusCode.DEADLINE_EXCEEDED
    # On a busy machine the request may have been on its way for so long that the caller seems to have left early.
    (line,) = access_lines(caplog)
    assert line["code"] in {"DEADLINE_EXCEEDED", "CANCELLED"}


class Leaving:
    """The context of a call whose caller has gone, with so many seconds left."""

    def __init__(self, remaining: float | None) -> None:
        self._remaining = remaining

    def time_remaining(self) -> float | None:
        return self._remaining


@pytest.mark.parametrize(
    ("remaining", "code"),
    [
        (-0.5, StatusCode.DEADLINE_EXCEEDED),
        (0.05, StatusCode.DEADLINE_EXCEEDED),
        (0.5, StatusCode.CANCELLED),
        (None, StatusCode.CANCELLED),
    ],
)
def test_who_leaves_at_the_end_of_his_time_has_run_out_of_it(remaining: float | None, code: StatusCode) -> None:
    assert status_name(asyncio.CancelledError(), cast("Any", Leaving(remaining))) == code.name


async def test_what_may_travel_on_is_adopted() -> None:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        return GetProductResponse(product=Product(description=json.dumps(propagation.outgoing(()))))

    metadata = (("x-request-id", "7"), ("x-envoy-max-retries", "9"), ("authorization", "s3cret"))
    async with four(behave) as channel:
        [response] = await call(channel, "UnaryUnary", metadata=metadata)
    assert json.loads(response.product.description) == [["x-request-id", "7"]]


async def test_a_stream_whose_listener_leaves_is_closed_at_once() -> None:
    closed = asyncio.Event()

    class Endless(Servicer):
        async def UnaryStream(self, request: Any, context: Any) -> AsyncIterator[GetProductResponse]:
            try:
                while True:
                    yield await self._behave(request, context)
            finally:
                closed.set()

    async with serve(Hosted([(FOUR, Endless(answer), add_four)])) as channel:
        listening = call_four(channel, "UnaryStream")(GOOD, timeout=30)
        assert await listening.read() != grpc.aio.EOF
        listening.cancel()
        await closed.wait()
