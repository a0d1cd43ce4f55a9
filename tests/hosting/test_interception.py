"""Around every RPC, of all four kinds: what is refused, with which status, and what a servicer may rely on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse, Product

from mesh.resilience import deadline, propagation
from services.hosting import Host, Hosted
from services.hosting.errors import (
    Aborted,
    AlreadyExists,
    DependencyUnavailable,
    InvalidRequest,
    NotFound,
    Overloaded,
    PreconditionFailed,
    ShopError,
    Violation,
)
from services.hosting.observation import _code
from tests.hosting.four import (
    BAD,
    FOUR,
    GOOD,
    KINDS,
    Servicer,
    add_four,
    answer,
    call,
    call_four,
    four,
    raising,
    refused,
)
from tests.hosting.running import blamed, reason, serve, settings

# Bytes that are no message: a field of 127 bytes that are not there.
GARBAGE = b"\x0a\x7f"


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.name == "argosy.access"]


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
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest("WRONG", "text", field="a.b"), StatusCode.INVALID_ARGUMENT),
        (NotFound("WRONG", "text", field="a.b"), StatusCode.NOT_FOUND),
        (AlreadyExists("WRONG", "text", field="a.b"), StatusCode.ALREADY_EXISTS),
        (PreconditionFailed("WRONG", "text", field="a.b"), StatusCode.FAILED_PRECONDITION),
        (Aborted("WRONG", "text", field="a.b"), StatusCode.ABORTED),
        (Overloaded("WRONG", "text", field="a.b"), StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_shop_error_arrives_with_code_reason_and_field(kind: str, error: ShopError, code: StatusCode) -> None:
    async with four(raising(error)) as channel:
        got = await refused(channel, kind)
    assert (got.code(), got.details(), reason(got), blamed(got)) == (code, "text", "WRONG", ["a.b"])


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unexpected_error_is_internal_tells_nothing_and_is_logged(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with four(raising(KeyError("s3cret"))) as channel:
        error = await refused(channel, kind)
    assert (error.code(), error.details()) == (StatusCode.INTERNAL, "internal error")
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == 1
    assert logged[0].exc_info


@pytest.mark.parametrize(
    ("down", "code"),
    [
        (StatusCode.UNAVAILABLE, StatusCode.UNAVAILABLE),
        (StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE),
        (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE),
        (StatusCode.CANCELLED, StatusCode.UNAVAILABLE),
        (StatusCode.NOT_FOUND, StatusCode.INTERNAL),
        (StatusCode.UNIMPLEMENTED, StatusCode.INTERNAL),
    ],
)
async def test_a_dependency_s_status_never_escapes_as_unknown(down: StatusCode, code: StatusCode) -> None:
    error = AioRpcError(down, grpc.aio.Metadata(), grpc.aio.Metadata(), "inside")
    async with four(raising(error)) as channel:
        got = await refused(channel, "UnaryUnary")
    assert (got.code(), "inside" in (got.details() or "")) == (code, False)


@pytest.mark.parametrize(("retry_in", "pushback"), [(None, "-1"), (0.25, "250")])
async def test_an_unavailable_dependency_says_whether_to_try_again(retry_in: float | None, pushback: str) -> None:
    async with four(raising(DependencyUnavailable("payments", retry_in=retry_in))) as channel:
        error = await refused(channel, "UnaryUnary")
    trailers = dict(error.trailing_metadata() or ())
    assert (error.code(), error.details()) == (StatusCode.UNAVAILABLE, "payments does not answer")
    assert (trailers["grpc-retry-pushback-ms"], reason(error)) == (pushback, "DEPENDENCY_UNAVAILABLE")


async def test_a_status_the_servicer_chose_itself_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def behave(_: GetProductRequest, context: Any) -> GetProductResponse:
        await context.abort(StatusCode.DATA_LOSS, "chosen")
        raise AssertionError

    async with four(behave) as channel:
        error = await refused(channel, "UnaryUnary")
    assert (error.code(), error.details()) == (StatusCode.DATA_LOSS, "chosen")
    assert [line["code"] for line in access_lines(caplog)] == ["DATA_LOSS"]


async def test_many_violations_still_fit_into_the_trailers() -> None:
    violations = [
        Violation(f"lines[{place}].product_id", "must not be empty", "string.min_len") for place in range(999)
    ]
    async with four(raising(InvalidRequest.of(violations))) as channel:
        error = await refused(channel, "UnaryUnary")
    assert error.code() == StatusCode.INVALID_ARGUMENT
    assert 50 < len(blamed(error)) < 999


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


async def test_a_method_nobody_has_is_unimplemented_and_counted_under_one_name() -> None:
    host = Host(settings())
    async with serve(Hosted([(FOUR, Servicer(answer), add_four)]), host) as channel:
        for name in ("/test.v1.Four/A", "/test.v1.Four/B", "/made.up/C"):
            with pytest.raises(AioRpcError) as caught:
                await channel.unary_unary(name, GetProductRequest.SerializeToString)(GOOD, timeout=20)
            assert caught.value.code() == StatusCode.UNIMPLEMENTED
            assert "argosy-pod" in dict(caught.value.trailing_metadata() or ())
    labels = {"method": "unknown", "code": "UNIMPLEMENTED"}
    assert host.registry.get_sample_value("argosy_server_handled_total", labels) == 3


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


async def test_the_default_deadline_ends_the_work() -> None:
    ended: list[bool] = []

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        raise AssertionError

    async with four(behave, default_deadline_seconds=0.05) as channel:
        error = await refused(channel, "UnaryUnary", timeout=None)
    assert (error.code(), ended) == (StatusCode.DEADLINE_EXCEEDED, [True])


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
    assert _code(asyncio.CancelledError(), cast("Any", Leaving(remaining))) is code


async def test_what_may_travel_on_is_adopted() -> None:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        return GetProductResponse(product=Product(description=json.dumps(propagation.outgoing(()))))

    metadata = (("x-request-id", "7"), ("x-envoy-max-retries", "9"), ("authorization", "s3cret"))
    async with four(behave) as channel:
        [response] = await call(channel, "UnaryUnary", metadata=metadata)
    assert json.loads(response.product.description) == [["x-request-id", "7"]]


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_beyond_the_limit_are_shed_and_probes_still_answered(kind: str) -> None:
    busy, release = asyncio.Semaphore(0), asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        busy.release()
        await release.wait()
        return GetProductResponse()

    async with four(behave, max_concurrent_rpcs=2) as channel:
        admitted = [asyncio.create_task(call(channel, kind)) for _ in range(2)]
        for _ in admitted:
            await busy.acquire()
        error = await refused(channel, kind)
        health = health_pb2_grpc.HealthStub(channel)
        probe = await health.Check(health_pb2.HealthCheckRequest(service=FOUR.full_name), timeout=20)
        release.set()
        assert len(await asyncio.gather(*admitted)) == 2
        assert len(await call(channel, kind)) == 1  # the slots are free again
    assert (error.code(), reason(error)) == (StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
    assert probe.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_flood_is_shed_with_resource_exhausted_and_nothing_else() -> None:
    release = asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        await release.wait()
        return GetProductResponse()

    async with four(behave, max_concurrent_rpcs=5) as channel:
        calls = [asyncio.create_task(call(channel, "UnaryUnary")) for _ in range(1000)]
        while sum(task.done() for task in calls) < 995:
            await asyncio.wait([task for task in calls if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        release.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    codes = [end.code() if isinstance(end, AioRpcError) else StatusCode.OK for end in ended]
    assert {code: codes.count(code) for code in set(codes)} == {StatusCode.RESOURCE_EXHAUSTED: 995, StatusCode.OK: 5}


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


@pytest.mark.parametrize("kind", KINDS)
async def test_bytes_that_are_no_request_are_refused_like_any_other(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with four(answer) as channel:
        error = await refused(channel, kind, GARBAGE)
    assert (error.code(), reason(error)) == (StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST")
    assert [line["code"] for line in access_lines(caplog)] == ["INVALID_ARGUMENT"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_servicer_that_answers_nothing_is_internal_and_logged(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def forget(_: GetProductRequest, __: Any) -> Any:
        return None

    async with four(forget) as channel:
        error = await refused(channel, kind)
    assert (error.code(), error.details()) == (StatusCode.INTERNAL, "internal error")
    assert "unexpected error" in caplog.text
