"""Whatever is admitted is settled; what an answer's time says is learned, and what a refusal's says is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from grpc import StatusCode

from mesh.resilience.admission import Admission, Door, Reason
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.events import CallEnded
from mesh.resilience.server_policy import LimitPolicy, Priority, ServerMethodPolicy, ServerPolicy
from mesh.resilience.waiting import WaitListener
from tests.resilience.fake_time import FakeTime

BROWSE, LOOK, BUY = "/shop.Shop/Browse", "/shop.Shop/Look", "/shop.Shop/Buy"
POLICY = ServerPolicy(
    methods={
        BROWSE: ServerMethodPolicy(priority=Priority.LOW),
        BUY: ServerMethodPolicy(priority=Priority.HIGH),
    },
    limit=LimitPolicy(initial=10, least=10, most=10),
)


TIME = FakeTime()


def admission(*, most: int = 100, adaptive: bool = True, jitter: float = 0.5) -> Admission:
    return Admission(POLICY, most=most, adaptive=adaptive, clock=TIME, jitter=lambda: jitter)


def door(server: Admission, method: str = LOOK, *, streams: bool = False) -> Door:
    return server.door(method, streams=streams)


@contextmanager
def occupied(entrance: Door, number: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(entrance.place(None))
        yield


def refused(entrance: Door, left: float | None = None) -> NotAdmitted:
    with pytest.raises(NotAdmitted) as caught:
        entrance.place(left).__enter__()
    return caught.value


def answer(entrance: Door, seconds: float, left: float | None = None) -> None:
    with entrance.place(left):
        TIME.pass_by(seconds)


def fail(entrance: Door, seconds: float, error: BaseException) -> None:
    with suppress(type(error)), entrance.place(None):
        TIME.pass_by(seconds)
        raise error


@pytest.mark.parametrize(
    "error",
    [KeyError(), asyncio.CancelledError(), TimeoutError(), GeneratorExit()],
    ids=lambda each: type(each).__name__,
)
def test_however_a_call_ends_its_place_is_free_again(error: BaseException) -> None:
    server = admission(most=1)
    fail(door(server), 1.0, error)
    assert (server.places, server.in_flight) == (0, 0)
    answer(door(server), 1.0)


def test_a_refused_call_has_no_place() -> None:
    server = admission(most=10)
    with occupied(door(server, BUY), 10):
        no = refused(door(server, BUY))
        assert (no.method, no.reason) == (BUY, Reason.PLACES)
        assert (server.places, server.in_flight) == (10, 10)
    assert (server.places, server.in_flight) == (0, 0)


@pytest.mark.parametrize(("method", "share"), [(BROWSE, 5), (LOOK, 8), (BUY, 10)])
def test_each_priority_is_refused_where_its_share_ends(method: str, share: int) -> None:
    server = admission()
    with occupied(door(server, method), share):
        assert refused(door(server, method)).reason is Reason.LIMIT


def test_who_buys_is_let_in_where_browsing_has_filled_its_share() -> None:
    server = admission()
    with occupied(door(server, BROWSE), 5), occupied(door(server, BUY), 5):
        assert refused(door(server, BUY)).reason is Reason.LIMIT


def test_not_adaptive_there_is_the_hard_bound_and_nothing_else() -> None:
    server = admission(most=20, adaptive=False)
    for _ in range(60):
        answer(door(server), 5.0)
    with occupied(door(server, BROWSE), 20):
        assert refused(door(server, BUY)).reason is Reason.PLACES
    answer(door(server), 5.0, left=0.1)
    assert (server.limit, server.in_flight) == (20, 0)


def test_streams_count_against_the_hard_bound_alone() -> None:
    server = admission(most=20)
    with occupied(door(server, LOOK, streams=True), 19):
        assert (server.places, server.in_flight) == (19, 0)
        with occupied(door(server, BROWSE), 1):
            assert refused(door(server, LOOK, streams=True)).reason is Reason.PLACES


def test_too_little_time_is_refused_for_good_and_only_where_it_was_learned() -> None:
    server = admission()
    slow, unknown = door(server), door(server, BUY)
    for _ in range(60):
        answer(slow, 5.0)
    never = refused(slow, left=1.0)
    assert (never.method, never.reason, never.retry_in) == (LOOK, Reason.TIME, None)
    answer(slow, 5.0, left=10.0)
    answer(slow, 5.0, left=None)
    answer(unknown, 0.1, left=1.0)


def test_just_enough_time_is_enough() -> None:
    entrance = door(admission())
    for _ in range(60):
        answer(entrance, 5.0)
    for _ in range(20):  # one of 16 with too little time would be let in as well
        answer(entrance, 5.0, left=entrance.quick.seconds)


def test_an_estimate_that_has_become_too_high_does_not_last() -> None:
    server = admission()
    entrance = door(server)
    for _ in range(60):
        answer(entrance, 5.0)
    turned_away = 0
    for _ in range(100):
        try:
            answer(entrance, 0.1, left=1.0)
        except NotAdmitted:
            turned_away += 1
    assert turned_away == 15


@pytest.mark.parametrize("error", [KeyError(), ValueError()])
def test_a_failure_s_time_is_not_learned(error: Exception) -> None:
    entrance = door(admission())
    for _ in range(60):
        fail(entrance, 0.001, error)
    assert (entrance.usual.calls, entrance.quick.seconds) == (0, 0.0)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TimeoutError()])
def test_a_call_that_was_cut_short_is_learned_from_once_it_was_long(error: BaseException) -> None:
    entrance = door(admission())
    for _ in range(60):
        answer(entrance, 1.0)
    fail(entrance, 0.5, error)
    assert entrance.usual.seconds == 1.0
    fail(entrance, 3.0, error)
    assert entrance.usual.seconds > 1.0


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TimeoutError()])
def test_what_a_method_takes_is_learned_from_its_timeouts_too_when_nobody_waits_for_an_answer(
    error: BaseException,
) -> None:
    entrance = door(admission())
    for _ in range(60):
        answer(entrance, 1.0)
    quick = entrance.quick.seconds
    for _ in range(60):
        fail(entrance, 3.0, error)
    assert entrance.usual.seconds > 2.5
    assert entrance.quick.seconds > 1.5 * quick


def test_waiting_for_others_is_not_held_against_this_server() -> None:
    entrance = door(admission())
    answer(entrance, 0.5)
    with entrance.place(None):
        TIME.pass_by(2.5)
        called = CallEnded("payments", "/shop.Payments/Charge", StatusCode.OK, attempts=1, seconds=2.0, allowed=5.0)
        WaitListener(TIME)(called)
    assert entrance.usual.seconds == pytest.approx(0.5)


def test_the_pause_grows_with_the_share_of_refused_calls_and_is_bounded() -> None:
    server = admission()
    with occupied(door(server, BUY), 10):
        pauses = [refused(door(server)).retry_in or 0.0 for _ in range(2000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(0.05, rel=0.1)
    assert pauses[-1] == 2.0


def test_the_pause_follows_the_share_of_refused_calls_down_again() -> None:
    server = admission()
    answer(door(server, BUY), 0.1)
    with occupied(door(server, BUY), 10):
        for _ in range(200):
            refused(door(server))
        busy = refused(door(server)).retry_in or 0.0
    for _ in range(400):
        answer(door(server, BUY), 0.1)
    with occupied(door(server, BUY), 10):
        assert (refused(door(server)).retry_in or 0.0) < busy / 5


def test_half_the_calls_refused_is_twice_the_pause() -> None:
    server = admission()
    entrance = door(server)
    answer(entrance, 0.2)
    for _ in range(100):
        with occupied(door(server, BUY), 8):
            pauses = [refused(entrance).retry_in for _ in range(8)]
    assert pauses[-1] == pytest.approx(2 * 0.2, rel=0.1)


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.025), (1.0, 0.075)])
def test_the_pause_is_jittered_so_that_callers_do_not_come_back_in_step(jitter: float, pause: float) -> None:
    server = admission(jitter=jitter)
    with occupied(door(server, BUY), 10):
        assert refused(door(server)).retry_in == pytest.approx(pause, rel=0.1)


def test_refusals_are_counted_by_method_reason_and_priority() -> None:
    server = admission(most=10)
    with occupied(door(server, BROWSE), 5):
        refused(door(server, BROWSE))
        refused(door(server, BROWSE))
        with occupied(door(server, BUY), 5):
            refused(door(server, BUY))
    assert dict(server.shed) == {
        (BROWSE, Reason.LIMIT, Priority.LOW): 2,
        (BUY, Reason.PLACES, Priority.HIGH): 1,
    }
