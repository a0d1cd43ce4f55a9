"""What does a caller get when there is no answer? A status that says why, and never more than it should."""

from __future__ import annotations

import logging
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse

from services.hosting import Host, Hosted
from services.hosting.errors import (
    Aborted,
    AlreadyExists,
    DependencyUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    Overloaded,
    PreconditionFailed,
    ShopError,
    Unauthenticated,
    Violation,
)
from tests.hosting.four import FOUR, GOOD, KINDS, Servicer, add_four, answer, four, raising, refused
from tests.hosting.running import access_lines, blamed, reason, serve, settings

# Bytes that are no message: a field of 127 bytes that are not there.
GARBAGE = b"\x0a\x7f"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest("WRONG", "text", field="a.b"), StatusCode.INVALID_ARGUMENT),
        (NotFound("WRONG", "text", field="a.b"), StatusCode.NOT_FOUND),
        (AlreadyExists("WRONG", "text", field="a.b"), StatusCode.ALREADY_EXISTS),
        (PreconditionFailed("WRONG", "text", field="a.b"), StatusCode.FAILED_PRECONDITION),
        (Unauthenticated("WRONG", "text", field="a.b"), StatusCode.UNAUTHENTICATED),
        (Forbidden("WRONG", "text", field="a.b"), StatusCode.PERMISSION_DENIED),
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
async def test_rule_21_an_unexpected_error_is_internal_tells_nothing_and_is_logged(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with four(raising(KeyError("s3cret"))) as channel:
        error = await refused(channel, kind)
    assert (error.code(), error.details()) == (StatusCode.INTERNAL, "internal error")
    # Not what asyncio says of streams that an earlier test left to the garbage collector.
    ours = [record for record in caplog.records if record.name == "services.hosting.interception"]
    logged = [record for record in ours if record.levelno == logging.ERROR]
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
async def test_rule_21_a_dependency_s_status_never_escapes_as_unknown(down: StatusCode, code: StatusCode) -> None:
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


async def test_rule_21_a_status_the_servicer_chose_itself_stays(caplog: pytest.LogCaptureFixture) -> None:
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
