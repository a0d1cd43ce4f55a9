from __future__ import annotations

from io import StringIO
from typing import cast

import pytest
from rich.console import Console

from mesh.demo import tour as the_tour
from mesh.demo.claims import Check, Result, Skipped, Step, at_least, at_most, exactly, within_binomial
from mesh.demo.page import Page
from mesh.demo.stage import Stage
from mesh.demo.tour import STEPS

HELD = Check("orders", "100", "100", holds=True)
BROKEN = Check("orders", "99", "100", holds=False)


def test_a_step_without_checks_has_not_passed() -> None:
    assert not Result(1, "t", "c").passed


def test_a_step_that_broke_has_not_passed_whatever_it_checked_before() -> None:
    assert not Result(1, "t", "c", [HELD], error="TimeoutError: ").passed


def test_one_check_that_fails_fails_the_step() -> None:
    assert Result(1, "t", "c", [HELD]).passed
    assert not Result(1, "t", "c", [HELD, BROKEN]).passed


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (exactly("x", 100, 100), True),
        (exactly("x", 99, 100), False),
        (at_least("x", 90.0, 90.0), True),
        (at_least("x", 89.9, 90.0), False),
        (at_most("x", 5.0, 5.0), True),
        (at_most("x", 5.1, 5.0), False),
    ],
)
def test_bounds_include_themselves_and_nothing_beyond(check: Check, holds: bool) -> None:
    assert check.holds is holds


@pytest.mark.parametrize(("seen", "holds"), [(30, True), (14, True), (8, False), (52, False), (0, False)])
def test_a_split_is_judged_by_what_chance_allows(seen: int, holds: bool) -> None:
    assert within_binomial("v2", seen, 300, 0.1).holds is holds


def test_a_whole_share_allows_no_chance() -> None:
    assert within_binomial("v2", 300, 300, 1.0).holds
    assert not within_binomial("v2", 299, 300, 1.0).holds


def test_the_page_shows_every_number_and_the_verdict() -> None:
    written = StringIO()
    page = Page(Console(file=written, width=120))
    page.begin(1, 8, STEPS[0])
    page.end(Result(1, "Orders", "all confirmed", [HELD, BROKEN], 1.5, "TimeoutError: nobody answered"))
    page.summary([Result(1, "Orders", "all confirmed", [HELD, BROKEN])], 10)
    for expected in ("wanted 100", "99", "FAIL", "nobody answered", "0 of 1 claims hold"):
        assert expected in written.getvalue()


def test_a_step_that_could_not_be_shown_has_neither_passed_nor_failed_and_says_why() -> None:
    skipped = Result(8, "The page", "somebody buys", skipped="no Chromium: npm is not on PATH")
    assert not skipped.passed
    assert not skipped.failed
    assert Result(1, "t", "c", [BROKEN]).failed
    written = StringIO()
    page = Page(Console(file=written, width=120))
    page.end(skipped)
    page.summary([skipped, Result(1, "t", "c", [HELD])], 10)
    for expected in ("not shown here: no Chromium: npm is not on PATH", "SKIP", "1 of 2 claims hold, 1 could not be"):
        assert expected in written.getvalue()


async def test_a_step_that_is_skipped_does_not_end_the_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cannot(_: Stage) -> list[Check]:
        raise Skipped("no browser")

    async def can(_: Stage) -> list[Check]:
        return [HELD]

    monkeypatch.setattr(the_tour, "STEPS", (Step("a", "a", cannot), Step("b", "b", can)))
    results = await the_tour.tour(cast("Stage", None), Page(Console(file=StringIO())))
    assert [(result.skipped, result.passed) for result in results] == [("no browser", False), ("", True)]


def test_brackets_are_shown_and_not_taken_for_markup() -> None:
    written = StringIO()
    page = Page(Console(file=written, width=120))
    page.say("lines[0] of [/spec]")
    page.end(Result(1, "t", "c", [Check("orders", "[seen]", "[wanted]", holds=True)], error="ApiError: [/spec/http/0]"))
    for expected in ("lines[0] of [/spec]", "[seen]", "[wanted]", "ApiError: [/spec/http/0]"):
        assert expected in written.getvalue()


def test_every_step_makes_a_different_claim() -> None:
    assert len({step.claim for step in STEPS}) == len(STEPS) == 9
