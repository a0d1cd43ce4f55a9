"""Every pod is asked until it has answered, or the time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import cycle

import pytest
from argosy.resilience.v1 import resilience_admin_pb2 as pb
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from mesh.resilience import CircuitOpen
from services.operator.reaching import Refused, RollCall, call_the_roll

Answer = str | StatusCode


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def answering(*script: Answer) -> Callable[[], Awaitable[pb.State]]:
    """Whoever is next answers, over and over: a pod by its name, or the mesh by a status."""
    turns = cycle(script)

    async def ask() -> pb.State:
        answer = next(turns)
        if isinstance(answer, StatusCode):
            raise AioRpcError(answer, Metadata(), Metadata(), "scripted")
        return pb.State(service="orders", pod=answer)

    return ask


async def roll(*script: Answer, expected: str = "", seconds: float = 20.0) -> RollCall:
    pods = frozenset(expected.split())
    return await call_the_roll("orders", pods, answering(*script), seconds=seconds, sleep=at_once)


async def test_it_is_asked_until_each_has_answered() -> None:
    called = await roll("a", "a", "a", "b", expected="a b")
    assert (sorted(called.answers), called.complete) == (["a", "b"], True)


async def test_one_that_nobody_expected_counts_too() -> None:
    called = await roll("a", "new", expected="a")
    assert called.complete
    called = await roll("new", "a", expected="a")
    assert sorted(called.answers) == ["a", "new"]


async def test_with_nobody_expected_whoever_answers_is_enough() -> None:
    called = await roll(StatusCode.UNAVAILABLE, "a")
    assert (list(called.answers), called.complete) == (["a"], True)


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED])
async def test_a_failure_that_may_pass_is_outwaited(code: StatusCode) -> None:
    assert (await roll(code, code, "a", code, "b", expected="a b")).complete


async def test_who_never_answers_is_named_with_what_kept_the_last_one() -> None:
    called = await roll("a", StatusCode.UNAVAILABLE, expected="a b", seconds=0.2)
    assert (called.complete, called.missing, called.problem) == (False, ["b"], "UNAVAILABLE: scripted")


async def test_our_own_open_circuit_does_not_hide_what_opened_it() -> None:
    failures = iter([AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata(), "no healthy upstream")])

    async def ask() -> pb.State:
        raise next(failures, CircuitOpen("orders", "state", 5.0))

    called = await call_the_roll("orders", frozenset({"a"}), ask, seconds=0.1, sleep=at_once)
    assert called.problem == "UNAVAILABLE: no healthy upstream"


async def test_who_is_silent_is_named_too() -> None:
    async def silent() -> pb.State:
        await asyncio.Event().wait()
        raise AssertionError("it never ends")

    called = await call_the_roll("orders", frozenset({"a"}), silent, seconds=0.05, sleep=at_once)
    assert (called.missing, called.problem) == (["a"], "it did not answer within 0.05 s")


async def test_a_refusal_ends_the_asking() -> None:
    with pytest.raises(Refused) as caught:
        await roll("a", StatusCode.PERMISSION_DENIED, expected="a b")
    assert (caught.value.code, caught.value.details) == (StatusCode.PERMISSION_DENIED, "scripted")
