"""When does a step hold, and what is said of a curve?"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date

import pytest

from loadtest.capacity.curve import Curve, Step, step_of, verdict
from loadtest.capacity.document import document
from loadtest.capacity.plots import drawn
from loadtest.generator.seen import Seen
from loadtest.outcome import Kind
from loadtest.timeline import Timeline
from mesh.objectives.reading import Objective

PROMISES = {
    "GetProduct": Objective("/shop.catalog.v1.CatalogService/GetProduct", "", 30, 0.999, 0.1, 0.25),
    "WatchOrder": Objective("/shop.orders.v1.OrdersService/WatchOrder", "", 30, 0.995),
}


def seen(good: int, bad: int = 0, *, seconds: float = 0.02, rpc: str = "GetProduct", unsent: int = 0) -> Seen:
    """A run whose calls took that long, and of whose calls so many were never sent."""
    found = Seen(Timeline(10))
    for number in range(good + bad):
        found.punctuality.sent(number / 10, number / 10)
        kind, code = (Kind.OK, "OK") if number < good else (Kind.UNAVAILABLE, "UNAVAILABLE")
        found.tally.record(rpc, code, kind, seconds)
    for number in range(unsent):
        found.punctuality.drop((good + bad + number) / 10)
    return found


@pytest.mark.parametrize(
    ("run", "broken"),
    [
        (seen(100), ()),
        (seen(99, 1), ()),
        (seen(98, 2), ("98.0% answered (GetProduct UNAVAILABLE 2)",)),
        (seen(100, seconds=0.3), ("GetProduct p99 300 ms, promised 250 ms",)),
        (seen(100, seconds=3.0, rpc="WatchOrder"), ()),  # a stream lasts as long as it lasts
    ],
)
def test_a_step_holds_while_promises_are_kept(run: Seen, broken: tuple[str, ...]) -> None:
    step = step_of(10, 10, run, PROMISES)
    assert step.broken == broken
    assert step.holds is (not broken)


def test_a_generator_at_its_own_end_measures_nothing() -> None:
    step = step_of(10, 10, seen(90, unsent=10), PROMISES)
    assert not step.holds
    assert "90.0% of the rate asked for" in step.bound[0]


def test_nothing_answered_is_no_step() -> None:
    assert not step_of(10, 10, seen(0), PROMISES).holds


HELD = Step(100, 99.9, 0.01, 0.05)
BROKEN = Step(150, 120, 0.4, 2.0, ("80.0% answered",))
BOUND = Step(150, 120, 0.4, 2.0, ("80.0% answered",), ("it sent 80.0%",))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((HELD, BROKEN), "100/s, p99 50 ms; at 150/s 80.0% answered"),
        ((HELD, BOUND), "at least 100/s, p99 50 ms; at 150/s the load generator was at its own end: it sent 80.0%"),
        ((HELD,), "at least 100/s, p99 50 ms; not tried further"),
        ((BROKEN,), "not even 150/s: 80.0% answered"),
    ],
)
def test_a_curve_in_a_sentence(steps: tuple[Step, ...], said: str) -> None:
    assert verdict(Curve("catalog", "looks", steps)) == said


def test_the_page_has_every_step_and_no_long_line_of_prose() -> None:
    curves = [Curve("catalog", "looks", (HELD, BROKEN)), Curve("orders", "buys", (BROKEN,))]
    page = document(curves, 8, date(2026, 11, 21), "here")
    assert "| catalog | looks | 100/s | 10 ms | 50 ms | at 150/s 80.0% answered |" in page
    assert "| orders | buys | none |  |  | not even 150/s: 80.0% answered |" in page
    assert "| 150 | 120 | 400 ms | 2000 ms | 80.0% answered |" in page
    assert all(len(line) <= 120 for line in page.splitlines() if not line.startswith("|"))


def test_each_curve_has_a_plot() -> None:
    curves = [Curve(name, "", (HELD, BROKEN)) for name in ("catalog", "orders", "shop")]
    texts = [element.text for element in ET.fromstring(drawn(curves)).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert {"catalog", "orders", "shop"} <= set(texts)
    assert texts.count("knee: 100 a second") == 3
