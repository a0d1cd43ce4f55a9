"""What happened between two readings, whatever happened to sidecars meanwhile."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from mesh.canary.judge.counts import Counts
from mesh.canary.measure.counters import GIVEN_UP, Counters
from mesh.canary.measure.difference import Delta, NoData, difference
from mesh.canary.measure.source import Reading
from tests.canary.measure.readings import GATEWAY, ORDERS, counted, reading

BOTH = ("v1", "v2")
EARLIER = reading(100.0, {ORDERS: {"v1": counted(1000), "v2": counted(50, unavailable=5)}})


def delta(earlier: Reading, later: Reading) -> Delta:
    found = difference(earlier, later, BOTH)
    assert isinstance(found, Delta), found
    return found


def why(earlier: Reading, later: Reading) -> str:
    found = difference(earlier, later, BOTH)
    assert isinstance(found, NoData), found
    return found.why


def requests(found: Delta) -> tuple[int, int]:
    return found.versions["v1"].requests, found.versions["v2"].requests


def test_what_was_counted_in_between_is_counted_over_all_callers() -> None:
    earlier = reading(100.0, {ORDERS: {"v1": counted(10)}, GATEWAY: {"v1": counted(20), "v2": counted(3)}})
    later = reading(
        105.0,
        {
            ORDERS: {"v1": counted(15), "v2": counted(1)},
            GATEWAY: {"v1": counted(30), "v2": counted(4, unavailable=2, slow=1)},
        },
    )
    found = delta(earlier, later)
    assert (found.at, found.seconds, found.left_out) == (105.0, 5.0, ())
    assert found.versions["v1"] == Counts(15, 0, {"OK": 15}, found.versions["v1"].latency)
    v2 = found.versions["v2"]
    assert (v2.requests, v2.errors, v2.statuses) == (4, 2, {"OK": 2, "UNAVAILABLE": 2})
    assert (v2.latency.total, v2.latency.above(50.0)) == (4, 1)
    block = found.block(2, 25, "v1", "v2")
    assert (block.step, block.weight, block.baseline, block.canary) == (2, 25, found.versions["v1"], v2)


def test_an_answer_to_a_callers_mistake_is_no_error_and_one_that_a_retry_hid_is() -> None:
    later = reading(105.0, {ORDERS: {"v1": counted(1000, not_found=7), "v2": counted(60, unavailable=5, hidden=4)}})
    found = delta(EARLIER, later)
    assert (found.versions["v1"].requests, found.versions["v1"].errors) == (7, 0)
    assert (found.versions["v2"].requests, found.versions["v2"].errors) == (10, 4)


def test_a_version_that_only_hangs_has_requests_and_all_are_errors() -> None:
    hanging = counted(50, unavailable=5, given_up=30)
    found = delta(EARLIER, reading(105.0, {ORDERS: {"v1": counted(1010), "v2": hanging}})).versions["v2"]
    assert (found.requests, found.errors, found.statuses) == (30, 30, {GIVEN_UP: 30})


def test_no_requests_are_counted_as_none_and_no_statistics_are_no_data() -> None:
    again = replace(EARLIER, at=105.0)
    assert requests(delta(EARLIER, again)) == (0, 0)
    silent = reading(100.0, {ORDERS: {}})
    assert why(silent, replace(silent, at=105.0)) == "nothing is known of v1 and v2: no sidecar has statistics of it"


def test_a_version_that_was_never_called_has_no_requests() -> None:
    earlier, later = reading(100.0, {ORDERS: {"v1": counted(5)}}), reading(105.0, {ORDERS: {"v1": counted(9)}})
    assert requests(delta(earlier, later)) == (4, 0)


def test_a_sidecar_that_was_started_again_is_counted_from_zero() -> None:
    again = replace(ORDERS, life="process://9-900", began=102.0)
    found = delta(EARLIER, reading(105.0, {again: {"v1": counted(1200), "v2": counted(3)}}))
    assert requests(found) == (1200, 3)
    assert found.left_out == ("orders-1: gone with what it saw last",)


def test_a_start_in_the_second_of_the_earlier_reading_is_after_it() -> None:
    """Kubernetes rounds a start down to the second."""
    earlier = reading(100.7, {ORDERS: {"v1": counted(1)}})
    fresh = replace(GATEWAY, began=100.0)
    later = reading(105.0, {ORDERS: {"v1": counted(2)}, fresh: {"v1": counted(6)}})
    assert requests(delta(earlier, later)) == (7, 0)


def test_counters_that_have_become_smaller_have_begun_anew() -> None:
    """A Prometheus server does not know when a sidecar was started."""
    found = delta(EARLIER, reading(105.0, {ORDERS: {"v1": counted(40), "v2": counted(4, unavailable=1)}}))
    assert requests(found) == (40, 5)
    assert found.versions["v2"].errors == 1


def test_an_old_sidecar_that_is_seen_for_the_first_time_is_left_out() -> None:
    later = reading(105.0, {ORDERS: {"v1": counted(1001)}, GATEWAY: {"v1": counted(70_000), "v2": counted(1)}})
    found = delta(EARLIER, later)
    assert requests(found) == (1, 0)
    assert found.left_out == ("gateway-1: seen for the first time",)


def test_who_does_not_answer_is_left_out_by_name_and_all_of_them_are_no_data() -> None:
    earlier = reading(100.0, {ORDERS: {"v1": counted(1)}, GATEWAY: {"v1": counted(1)}})
    found = delta(earlier, reading(105.0, {ORDERS: {"v1": counted(3)}}, "gateway-1: its sidecar answers 503"))
    assert (requests(found), found.left_out) == ((2, 0), ("gateway-1: its sidecar answers 503",))
    everybody = ("orders-1: its sidecar answers 503", "gateway-1: its sidecar answers 503")
    assert why(earlier, reading(105.0, {}, *everybody)).endswith("; ".join(everybody))


def test_no_requests_are_no_data_while_somebody_does_not_answer() -> None:
    earlier = reading(100.0, {ORDERS: {"v1": counted(10)}, GATEWAY: {"v1": counted(20)}})
    silent = replace(reading(105.0, {ORDERS: {"v1": counted(10)}}), missing=("gateway-1: does not answer",))
    assert "gateway-1: does not answer" in why(earlier, silent)
    assert requests(delta(earlier, replace(silent, missing=(), pods={**earlier.pods}))) == (0, 0)


def test_two_readings_of_one_moment_say_nothing() -> None:
    assert why(EARLIER, EARLIER) == "no time has passed between the readings"


statuses = some.dictionaries(some.sampled_from(["OK", "UNAVAILABLE", "NOT_FOUND"]), some.integers(0, 1000))


@given(some.lists(statuses, min_size=3, max_size=3), some.integers(0, 5))
def test_nothing_is_counted_twice_or_lost_whichever_reading_is_left_out(growth: list[dict[str, int]], up: int) -> None:
    """Read at each of four times, or only at the first and the last: the same sum."""
    now = [counted(10)]
    for more in growth:
        last = now[-1]
        names = {*last.statuses, *more}
        grown = {name: last.statuses.get(name, 0) + more.get(name, 0) for name in names}
        now.append(Counters(grown, last.hidden, last.given_up + up))
    now[0] = replace(now[0], latency={})
    read = [reading(100.0 + place, {ORDERS: {"v1": each}}) for place, each in enumerate(now)]
    steps = [delta(earlier, later).versions["v1"] for earlier, later in pairwise(read)]
    assert sum(steps, start=Counts()) == delta(read[0], read[-1]).versions["v1"]
