import json
from pathlib import Path

from mesh.local.kinds import condense, read_condensed, with_newest_version_only

OLD = {"name": "v1beta1", "served": True, "storage": True}
NEW = {"name": "v1", "storage": False}
KIND = {"metadata": {"name": "telemetries"}, "spec": {"group": "g", "versions": [NEW, OLD]}}


def test_a_kind_keeps_its_newest_version_which_is_then_the_stored_one() -> None:
    assert with_newest_version_only(KIND) == {
        "metadata": {"name": "telemetries"},
        "spec": {"group": "g", "versions": [{"name": "v1", "served": True, "storage": True}]},
    }


def test_the_definition_given_is_left_as_it_was() -> None:
    before = json.dumps(KIND)
    with_newest_version_only(KIND)
    assert json.dumps(KIND) == before


def test_a_file_of_several_kinds_becomes_one_list(tmp_path: Path) -> None:
    file = tmp_path / "crds.yaml"
    file.write_text("\n---\n".join(["# generated", json.dumps(KIND), json.dumps(KIND)]))
    condensed = tmp_path / "crds.json"
    condensed.write_text(condense(file))
    assert read_condensed(condensed) == [with_newest_version_only(KIND)] * 2
