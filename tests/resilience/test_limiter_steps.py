"""The adaptive limit step by step, without a simulation: how far it goes, when it probes, what a probe proves."""

import pytest

from mesh.resilience.limiter import AdaptiveLimit, Usual
from mesh.resilience.server_policy import LimitPolicy, Priority

USUAL = 0.1  # seconds


class Limited:
    """A limit of 100 that knows the usual latency of its one method."""

    def __init__(self) -> None:
        self._limit = AdaptiveLimit(LimitPolicy(initial=100, least=4, most=1000), most=1000)
        self._now = 0.0
        self.usual = Usual()
        self.calls(USUAL, in_flight=0)

    @property
    def room(self) -> int:
        return self._limit.limit

    def calm(self, in_flight: int) -> bool:
        return self._limit.calm(Priority.HIGH, in_flight)

    def pass_by(self, seconds: float) -> None:
        self._now += seconds

    def calls(self, seconds: float, *, in_flight: int, number: int = 10, after: float = 0.1) -> None:
        """As many calls as make a step, beside so many others."""
        self._now += after
        for _ in range(number):
            self._limit.admits(Priority.HIGH, in_flight)
            calm = self._limit.calm(Priority.HIGH, in_flight)
            self._limit.learn(self.usual, seconds, calm=calm, now=self._now)

    def probed(self, seconds: float) -> None:
        """The calm calls that end a probe."""
        self.calls(seconds, in_flight=1, number=20)


@pytest.mark.parametrize(("slowness", "room"), [(1.0, 100), (2.0, 89), (4.0, 60), (40.0, 60)])
def test_the_slower_the_smaller_and_with_caution_until_it_has_doubled(slowness: float, room: int) -> None:
    limited = Limited()
    limited.calls(slowness * USUAL, in_flight=60)
    assert limited.room == room


def test_it_grows_by_its_root_with_caution_where_it_is_reached() -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=99)
    limited.probed(USUAL)
    assert limited.room == 103


def test_a_crowded_server_is_given_half_the_room_until_the_probe_is_over() -> None:
    limited = Limited()
    limited.calls(2 * USUAL, in_flight=99)
    assert limited.room == 44
    limited.probed(2 * USUAL)
    assert limited.room == 89


def test_latency_that_a_probe_does_not_mend_becomes_the_usual() -> None:
    limited = Limited()
    limited.calls(2 * USUAL, in_flight=99)
    limited.probed(2 * USUAL)
    assert limited.usual.seconds == pytest.approx(2 * USUAL)


def test_a_usual_that_contained_a_queue_is_mended_by_the_probe() -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=99)
    limited.probed(USUAL / 2)
    assert limited.usual.seconds == pytest.approx(USUAL / 2)


def test_latency_that_a_probe_mends_in_part_is_a_queue_and_not_the_usual() -> None:
    limited = Limited()
    limited.calls(8 * USUAL, in_flight=99)
    limited.probed(3 * USUAL)
    assert limited.usual.seconds == pytest.approx(USUAL)


@pytest.mark.parametrize(
    ("found", "later", "probes"), [(1.0, 0.0, False), (1.0, 1.5, False), (1.0, 10.5, True), (0.5, 1.5, True)]
)
def test_the_next_probe_is_soon_only_where_half_the_calls_were_much_quicker(
    found: float, later: float, probes: bool
) -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=99)
    limited.probed(found * USUAL)
    before = limited.room
    limited.pass_by(later)
    limited.calls(found * USUAL, in_flight=before)
    assert (limited.room < before) == probes


def test_the_first_window_is_a_tenth_of_a_second_and_ten_calls() -> None:
    limited = Limited()  # after a tenth of a second
    limited.calls(2 * USUAL, in_flight=60, number=9, after=0.0)
    assert limited.room == 100
    limited.calls(2 * USUAL, in_flight=60, number=1, after=0.0)
    assert limited.room == 89


def test_many_calls_at_once_are_one_step() -> None:
    limited = Limited()
    limited.calls(2 * USUAL, in_flight=60, number=100)
    assert limited.room == 89


def test_one_slow_call_of_ten_is_a_tenth_of_the_slowness() -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=60, number=9)
    limited.calls(11 * USUAL, in_flight=60, number=1, after=0.0)
    assert limited.room == 89


def test_answers_quicker_than_usual_let_it_grow_no_faster() -> None:
    limited = Limited()
    limited.calls(USUAL / 2, in_flight=99)
    limited.probed(USUAL)
    assert limited.room == 103


@pytest.mark.parametrize(("in_flight", "crowded"), [(79, False), (80, True)])
def test_it_limits_from_eight_tenths_of_the_room(in_flight: int, crowded: bool) -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=in_flight)
    limited.probed(USUAL)
    assert limited.room == (103 if crowded else 100)


def test_it_does_not_grow_a_little_at_a_time_where_it_is_not_reached() -> None:
    limited = Limited()
    for _ in range(10):
        limited.calls(1.196 * USUAL, in_flight=60)  # a step of 0.6 up
    assert limited.room == 100


def test_it_asks_what_is_usual_once_it_has_halved() -> None:
    limited = Limited()
    limited.calls(4 * USUAL, in_flight=60)
    limited.calls(4 * USUAL, in_flight=40)  # not crowded
    assert limited.room == 18  # half of 37


@pytest.mark.parametrize(("calm", "probes"), [(19, True), (20, False)])
def test_twenty_calm_calls_are_as_good_as_a_probe(calm: int, probes: bool) -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=1, number=calm)
    limited.calls(USUAL, in_flight=99)
    assert (limited.room < 100) == probes


@pytest.mark.parametrize(("priority", "half"), [(Priority.HIGH, 50), (Priority.NORMAL, 40), (Priority.LOW, 25)])
def test_calm_is_below_half_of_what_a_priority_may_use(priority: Priority, half: int) -> None:
    limit = AdaptiveLimit(LimitPolicy(initial=100), most=1000)
    assert [limit.calm(priority, in_flight) for in_flight in (half - 1, half)] == [True, False]


@pytest.mark.parametrize("peak", [0, 9])
def test_calm_is_what_was_in_use_before(peak: int) -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=peak)
    assert [limited.calm(peak), limited.calm(peak + 1)] == [True, False]


def test_each_twenty_calm_calls_count_from_nothing() -> None:
    limited = Limited()
    limited.calls(USUAL, in_flight=1, number=20)
    limited.pass_by(9.0)
    limited.calls(USUAL, in_flight=1, number=19)
    limited.pass_by(1.0)
    limited.calls(USUAL, in_flight=99)
    assert limited.room < 100  # ten seconds after the twenty: it probes
