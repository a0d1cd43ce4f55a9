"""Does every protection matter? With it an experiment is PASS; without it, on purpose, the same one is FAIL."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.conftest import argosy

long = pytest.mark.proof("a minute each")


@pytest.mark.parametrize(
    "experiment",
    [
        "payments-errors",
        pytest.param("catalog-killed", marks=long),
        pytest.param("payments-black-hole", marks=long),
        pytest.param("network-refused", marks=long),
        pytest.param("orders-killed-in-saga", marks=long),
    ],
)
def test_rule_36_taking_it_away_turns_a_pass_into_a_fail(experiment: str, tmp_path: Path) -> None:
    file = tmp_path / "chaos.json"
    ended = argosy("chaos", "run", experiment, "--control", "--tries", "3", "--json", str(file))
    found = json.loads(file.read_text())["verdicts"]
    assert [(one["control"], one["outcome"]) for one in found] == [(False, "PASS"), (True, "FAIL")], ended.out
    assert ended.code == 0


def test_every_fast_experiment_passes(tmp_path: Path) -> None:
    file = tmp_path / "chaos.json"
    ended = argosy("chaos", "run", "--fast", "--tries", "3", "--json", str(file))
    assert set(Counter(one["outcome"] for one in json.loads(file.read_text())["verdicts"])) == {"PASS"}, ended.out
