"""The adaptive limit before a simulated bottleneck: it finds the knee, stays there, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import mean

import pytest

from mesh.resilience.limiter import AdaptiveLimit, Usual
from mesh.resilience.server_policy import LimitPolicy, Priority
from tests.resilience.bottleneck import Bottleneck, Work

# Minutes of traffic are simulated, which tracing makes eight times slower; test_limiter_steps passes every line.
pytestmark = pytest.mark.no_cover


def steady(seconds: float) -> Work:
    return lambda _: seconds


def varied(seconds: float) -> Work:
    return lambda random: random.expovariate(1 / seconds)


def now_and_then_much(seconds: float) -> Work:
    return lambda random: seconds / 1.7 * (8 if random.random() < 0.1 else 1)


SERVERS = [
    pytest.param(4, steady, 0.01, id="4 workers, 10 ms"),
    pytest.param(4, varied, 0.01, id="4 workers, 10 ms on average"),
    pytest.param(16, now_and_then_much, 0.05, id="16 workers, a tenth takes 8 times as long"),
    pytest.param(50, varied, 0.1, id="50 workers, 100 ms on average"),
]
Kind = Callable[[float], Work]


@pytest.mark.parametrize(("workers", "kind", "seconds"), SERVERS)
def test_three_times_too_many_calls_cost_neither_answers_nor_latency(workers: int, kind: Kind, seconds: float) -> None:
    server, capacity = Bottleneck(workers=workers, work=kind(seconds)), workers / seconds
    unloaded = server.run(30, rate=capacity / 2)
    server.run(2, rate=3 * capacity)
    overloaded = server.run(60, rate=3 * capacity)
    assert overloaded.answered / 60 > 0.9 * capacity
    assert overloaded.p99 < 2 * unloaded.p99


@pytest.mark.parametrize(("workers", "kind", "seconds"), SERVERS)
def test_without_the_limit_three_times_too_many_calls_leave_almost_no_answer(
    workers: int, kind: Kind, seconds: float
) -> None:
    server, capacity = Bottleneck(workers=workers, work=kind(seconds), adaptive=False), workers / seconds
    server.run(2, rate=3 * capacity)
    assert server.run(10, rate=3 * capacity).answered / 10 < 0.1 * capacity


@pytest.mark.parametrize(("workers", "kind", "seconds"), SERVERS)
def test_when_the_overload_is_over_nobody_is_refused_for_long(workers: int, kind: Kind, seconds: float) -> None:
    server, capacity = Bottleneck(workers=workers, work=kind(seconds)), workers / seconds
    server.run(30, rate=3 * capacity)
    server.run(5, rate=capacity / 2)
    calm = server.run(30, rate=capacity / 2)
    assert calm.refused < 0.02 * 30 * capacity / 2


def test_an_overload_of_ten_minutes_does_not_become_the_usual() -> None:
    server = Bottleneck(workers=4, work=steady(0.1))
    server.run(20, rate=20)
    early = server.run(30, rate=120)
    server.run(540, rate=120)
    late = server.run(30, rate=120)
    assert mean(late.limits) < 1.3 * mean(early.limits)
    assert late.answered > 0.9 * 30 * 40


def test_a_server_overloaded_from_its_first_call_finds_its_limit_as_well() -> None:
    server = Bottleneck(workers=50, work=varied(0.1))
    server.run(30, rate=1500)
    assert server.run(30, rate=1500).answered > 0.9 * 30 * 500


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_shrink_the_limit_of_a_server_with_time_to_spare(seed: int) -> None:
    def noisy(random: Random) -> float:
        return 0.01 * random.lognormvariate(0, 0.8) + (0.2 if random.random() < 0.002 else 0.0)

    server = Bottleneck(workers=20, work=noisy, seed=seed)
    seen = server.run(120, rate=500)
    assert seen.refused < 0.01 * 120 * 500


def test_a_limit_that_nobody_reaches_does_not_grow() -> None:
    server = Bottleneck(workers=20, work=steady(0.01))
    seen = server.run(60, rate=200)  # two in flight
    assert set(seen.limits) == {LimitPolicy().initial}


def test_latency_that_fewer_calls_do_not_mend_becomes_the_usual() -> None:
    server = Bottleneck(workers=20, work=steady(0.01))
    server.run(20, rate=200)
    server.run(90, rate=200, elsewhere=0.2)  # as slow alone as in company: no queue of ours
    assert server.run(20, rate=200, elsewhere=0.2).refused < 0.02 * 20 * 200


@pytest.mark.parametrize(("least", "most"), [(1, 3), (7, 7), (4, 1000)])
def test_the_limit_stays_between_least_and_most(least: int, most: int) -> None:
    limit = LimitPolicy(least=least, initial=least, most=most, normal_share=1.0)
    server = Bottleneck(workers=4, work=varied(0.01), limit=limit)
    seen = [server.run(10, rate=rate) for rate in (100, 400, 1200, 100)]
    limits = [limit for run in seen for limit in run.limits]
    # While it probes, half of the room is left; but always some.
    assert max(1, least // 2) <= min(limits)
    assert max(limits) <= most


def test_each_priority_has_its_share_of_the_room() -> None:
    limit = AdaptiveLimit(LimitPolicy(initial=10, low_share=0.3, normal_share=0.6), most=100)
    admitted = {priority: sum(limit.admits(priority, in_flight) for in_flight in range(20)) for priority in Priority}
    assert admitted == {Priority.LOW: 3, Priority.NORMAL: 6, Priority.HIGH: 10}


def test_there_is_always_room_for_one() -> None:
    limit = AdaptiveLimit(LimitPolicy(least=1, initial=1, low_share=0.1), most=100)
    assert limit.admits(Priority.LOW, 0)
    assert not limit.admits(Priority.LOW, 1)


def test_what_takes_less_than_five_milliseconds_is_not_told_apart() -> None:
    limit, usual = AdaptiveLimit(LimitPolicy(), most=1000), Usual()
    for call in range(2000):
        limit.learn(usual, 1e-6 if call < 1000 else 4e-3, calm=call % 2 == 0, now=call / 100)
    assert limit.limit == 100
