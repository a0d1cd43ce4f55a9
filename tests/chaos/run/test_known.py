from __future__ import annotations

from pathlib import Path

import pytest

from mesh.chaos.experiment import Change
from mesh.chaos.faults.known import kinds, made
from mesh.chaos.problems import BadExperiment
from tests.chaos.run.door import Door, door


def test_a_change_is_the_fault_it_names(tmp_path: Path) -> None:
    assert made(door(tmp_path, dark=True)) == Door(tmp_path, dark=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (Change(fault="flood"), "there is no fault flood; there are .*door"),
        (Change(fault="door"), "fault door, folder: Field required"),
        (Change(fault="door", arguments={"folder": "house", "colour": "red"}), "fault door takes no colour"),
        (Change(fault="door", arguments={"folder": "house", "jams": "perhaps"}), "fault door, jams: .*boolean"),
    ],
)
def test_what_is_no_fault_is_refused_with_the_reason(change: Change, complaint: str) -> None:
    with pytest.raises(BadExperiment, match=complaint):
        made(change)


def test_every_kind_is_called_as_it_calls_itself() -> None:
    assert {name: kind.kind for name, kind in kinds().items()} == {name: name for name in kinds()}
