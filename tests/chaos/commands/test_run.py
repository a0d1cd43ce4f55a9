from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mesh.chaos.commands.group import chaos
from mesh.chaos.commands.results import Results, counted, exit_code
from mesh.chaos.verdict import Outcome, Verdict


def verdict(outcome: Outcome, *, control: bool = False) -> Verdict:
    return Verdict(run="r", experiment="doors", control=control, protection="both", outcome=outcome, reason="")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((Outcome.PASS, Outcome.PASS), 0),
        ((Outcome.PASS, Outcome.FAIL), 1),
        ((Outcome.INVALID, Outcome.FAIL), 3),
        ((Outcome.ABORTED, Outcome.INVALID), 4),
        ((Outcome.LEAKED, Outcome.ABORTED, Outcome.PASS), 5),
        ((), 3),
    ],
)
def test_the_worst_verdict_decides(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert exit_code([verdict(outcome) for outcome in outcomes]) == code


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.FAIL, Outcome.PASS),
        (Outcome.PASS, Outcome.INVALID),
        (Outcome.INVALID, Outcome.INVALID),
        (Outcome.LEAKED, Outcome.LEAKED),
    ],
)
def test_a_run_without_the_protection_has_to_fail(outcome: Outcome, counts: Outcome) -> None:
    assert counted(verdict(outcome, control=True)) is counts


def test_what_proved_nothing_and_was_done_again_is_written_down_and_does_not_count(tmp_path: Path) -> None:
    results = Results([verdict(Outcome.PASS)], {"windows": "there are none"}, [verdict(Outcome.INVALID)])
    results.write_json(tmp_path / "reports" / "chaos.json")
    found = json.loads((tmp_path / "reports" / "chaos.json").read_text())
    assert [each["outcome"] for each in (*found["verdicts"], *found["repeated"])] == ["PASS", "INVALID"]
    assert found["skipped"] == {"windows": "there are none"}
    assert exit_code(results.verdicts) == 0


@pytest.mark.parametrize("arguments", [[], ["payments-slow", "--all"], ["--all", "--fast"]])
def test_what_to_run_is_said_in_one_way(arguments: list[str]) -> None:
    ended = CliRunner().invoke(chaos, ["run", *arguments])
    assert ended.exit_code == 2
    assert "--all or --fast" in ended.output
