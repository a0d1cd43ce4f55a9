"""Which claims hold, and what do the cells say? Every claim has numbers that break it."""

from dataclasses import replace

import pytest

from loadtest.compare.cell import NEVER, Cell
from loadtest.compare.crowd import Crowd
from loadtest.compare.verdicts import Claim, by_fault, claims, crowd_readings, differ, readings
from tests.loadtest.cells import TITLES, cell, crowd, four

GOOD = four(140, 140, 198, 198)
CROWDS = [crowd("off", p50=2.1, looks=19), crowd("both", p50=0.05, looks=78)]


def broken(cells: dict[str, Cell], crowds: list[Crowd]) -> list[str]:
    return [claim.what for claim in claims(list(cells.values()), crowds) if not claim.holds]


def test_numbers_as_they_should_be_hold() -> None:
    decided = claims(list(GOOD.values()), CROWDS)
    assert len(decided) == 8
    assert [claim for claim in decided if not claim.holds] == []


@pytest.mark.parametrize(
    ("protection", "changed", "claim"),
    [
        ("off", {"confirmed": 161}, "without protection at most 80% confirmed"),
        ("both", {"confirmed": 179}, "with both at least 90% confirmed"),
        ("both", {"tries": 1.21}, "with both at most 1.2 tries per order"),
        ("both", {"recovery": NEVER}, "with both the shop recovers"),
        ("mesh only", {"objection": "the fault was never met"}, "mesh only: measured"),
    ],
)
def test_a_cell_that_is_not_as_it_should_be_breaks_its_claim(
    protection: str, changed: dict[str, object], claim: str
) -> None:
    cells = GOOD | {protection: replace(GOOD[protection], **changed)}  # type: ignore[arg-type]
    [found] = broken(cells, CROWDS)
    assert claim in found


@pytest.mark.parametrize(
    ("crowds", "claim"),
    [
        ([crowd("off", p50=1.8, looks=19)], "off: PlaceOrder at least 1.8 s slower"),
        ([crowd("off", p50=2.1, looks=41)], "off: browsing at most 50% of before"),
        ([crowd("both", p50=0.51, looks=80)], "both: PlaceOrder answered within 0.5 s"),
        ([crowd("both", p50=0.05, looks=63)], "both: browsing at least 80% of before"),
    ],
)
def test_a_crowd_that_is_not_as_it_should_be_breaks_its_claim(crowds: list[Crowd], claim: str) -> None:
    [found] = broken({}, crowds)
    assert claim in found


def test_a_cell_that_proves_nothing_decides_no_other_claim() -> None:
    assert claims([cell("off", confirmed=0, objection="no")], []) == [
        Claim("catalog-failing, off: measured", "no", holds=False)
    ]


@pytest.mark.parametrize(("one", "other", "told"), [(140, 141, False), (140, 155, False), (140, 165, True)])
def test_a_difference_that_chance_could_make_is_none(one: int, other: int, told: bool) -> None:
    assert differ(cell(confirmed=one), cell(confirmed=other)) is told


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (four(140, 140, 198, 198), "App only is as good as both"),
        (four(140, 198, 140, 198), "Mesh only is as good as both"),
        (four(140, 198, 198, 198), "Either layer alone is as good as both"),
        (four(100, 140, 150, 198), "It takes both"),
        (four(200, 200, 200, 200), "No difference can be told from chance: 100% are confirmed"),
        (four(150, 130, 160, 160), "No difference can be told from chance: 75% are confirmed in time without prot"),
        (four(200, 0, 0, 0), "Protection costs orders here: 100% are confirmed in time without, 0% with it"),
    ],
)
def test_the_first_sentence_says_which_layer_did_it(cells: dict[str, Cell], said: str) -> None:
    assert readings(cells)[0].startswith(said)


def test_what_protection_costs_is_said() -> None:
    cells = GOOD | {"both": cell(confirmed=190, recovery=9.0, tries=1.15, degraded=30)}
    said = " ".join(readings(cells))
    assert "Recovery is slower with protection: 9.0 s against 0.0 s" in said
    assert "1.15 tries per order at the sick service instead of 1.00" in said
    assert "30 of the 190 confirmed orders used prices that were known from before" in said


def test_tries_that_a_frozen_server_never_counted_are_no_saving() -> None:
    cells = four(180, 190, 200, 200) | {"off": cell("off", confirmed=180, tries=0.9)}
    assert "tries per order" not in " ".join(readings(cells))


def test_the_order_of_the_lines_does_not_depend_on_the_order_of_the_measurements() -> None:
    backwards = by_fault([cell(title) for title in TITLES[::-1]])
    assert list(backwards["catalog-failing"]) == ["off", "mesh only", "app only", "both"]


def test_a_layer_that_does_harm_is_named() -> None:
    assert "Mesh only confirms fewer orders than no protection at all (20%)." in readings(four(140, 40, 198, 198))


def test_what_was_not_measured_whole_is_not_read() -> None:
    assert readings({title: GOOD[title] for title in TITLES[:3]}) == []
    assert readings(GOOD | {"off": cell("off", objection="no")}) == []


def test_the_crowds_are_read_with_what_was_lost() -> None:
    [said] = crowd_readings([crowd("off", p50=2.1, looks=20)])
    assert said == (
        "Off: orders are answered after 2.10 s, browsing goes on at 25% of its rate, "
        "and 27.0 of 27.0 orders a second are still sold."
    )
