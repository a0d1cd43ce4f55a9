"""What a person, the page in docs/ and a program see of a comparison."""

import io
import json
import sys
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.compare.__main__ import as_json, holds
from loadtest.compare.cell import NEVER
from loadtest.compare.document import document
from loadtest.compare.page import page
from loadtest.compare.run import Found
from tests.loadtest.cells import cell, crowd, four
from tests.loadtest.running import in_process

FOUND = Found([*four(140, 140, 198, 198).values()], [crowd("off", p50=2.1, looks=19)])
NOTHING = Found([cell("off", objection="the fault was never met")], [])


def shown(found: Found) -> str:
    out = io.StringIO()
    Console(file=out, width=140).print(page(found))
    return out.getvalue()


def test_the_table_has_a_line_for_each_protection_and_says_what_it_means() -> None:
    said = shown(FOUND)
    assert "catalog: 30 % UNAVAILABLE" in said
    assert [title for title in ("off", "mesh only", "app only", "both") if title not in said] == []
    assert "70.0%" in said
    assert "App only is as good as both" in said
    assert "does not hold" not in said


def test_a_cell_that_proves_nothing_shows_why_and_no_numbers() -> None:
    said = shown(NOTHING)
    assert "the fault was never met" in said
    assert "%" not in said.split("verdicts")[0].split("protection")[1]
    assert "does not hold" in said


def test_the_page_says_when_where_and_how_it_was_measured_and_by_which_command() -> None:
    text = document(FOUND, date(2026, 11, 21), "4 x some processor")
    assert text.startswith("<!-- Written by `make compare`")
    assert "Measured on 2026-11-21: 4 x some processor." in text
    assert "| off | 14.0 | 70.0% | 0.05 s | 0.20 s | 1.00 | 0.0 s |" in text
    assert "| off | +2 s | 27.0 | 27.0 | 2.10 s | 19 |" in text
    assert "- App only is as good as both" in text
    assert text.endswith("|\n")


def test_every_row_of_the_page_has_as_many_columns_as_its_heading() -> None:
    columns: list[int] = []
    for line in document(FOUND, date(2026, 11, 21), "here").splitlines():
        columns = [*columns, line.count("|")] if line.startswith("|") else []
        assert len(set(columns)) <= 1, line


def test_no_line_is_wider_than_the_house_allows() -> None:
    lines = document(FOUND, date(2026, 11, 21), "here").splitlines()
    assert [line for line in lines if len(line) > 120] == []


def test_a_program_gets_every_number_and_no_infinity() -> None:
    found = Found([cell("both", recovery=NEVER)], FOUND.crowds)
    said = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert said["cells"][0] | {"recovery": None, "share": 1.0, "goodput": 20.0} == said["cells"][0]
    assert said["crowds"][0]["slow"]["p50"] == 2.1
    assert not all(claim["holds"] for claim in said["claims"])


@pytest.mark.parametrize(("found", "good"), [(FOUND, True), (NOTHING, False), (Found(), False)])
def test_a_comparison_is_good_when_something_was_measured_and_every_claim_holds(found: Found, good: bool) -> None:
    assert holds(found) is good


async def test_an_unknown_fault_is_wrong_usage(tmp_path: Path) -> None:
    options = ("--json", str(tmp_path / "json"), "--write", str(tmp_path / "page"), "--only", "nonsense")
    code, said = await in_process(sys.executable, "-m", "loadtest.compare", *options)
    assert code == 2
    assert "nonsense" in said
