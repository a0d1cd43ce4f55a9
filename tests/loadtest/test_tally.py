import json
from pathlib import Path

import pytest

from loadtest.outcome import Kind
from loadtest.tally import Tally, load_tallies


def test_tallies_of_several_processes_add_up(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tally = Tally()
        tally.record("GetProduct", "OK", Kind.OK, 0.002)
        tally.record("GetProduct", "UNAVAILABLE", Kind.UNAVAILABLE, 1.0)
        tally.errors["ValueError: x"] += 1
        tally.cut_off = 2
        (tmp_path / f"{name}.json").write_text(json.dumps(tally.to_json()))
    total = load_tallies(tmp_path.glob("*.json"))
    assert (total.calls, total.cut_off, total.errors) == (4, 4, {"ValueError: x": 2})
    assert total.count(Kind.UNAVAILABLE, rpc="GetProduct") == 2
    assert total.latency("GetProduct").longest == pytest.approx(1.0, rel=0.001)


def test_latency_can_be_that_of_answered_calls_alone() -> None:
    tally = Tally()
    tally.record("GetProduct", "OK", Kind.OK, 0.002)
    tally.record("GetProduct", "DEADLINE_EXCEEDED", Kind.UNAVAILABLE, 2.0)
    assert (tally.latency("GetProduct").count, tally.latency("GetProduct", Kind.OK).count) == (2, 1)
    assert tally.latency("GetProduct", Kind.OK).longest < 1
