from __future__ import annotations

import json
from pathlib import Path

import pytest

from mesh.local.node.config import InvalidConfig, dump, load
from tests.node.pods import config_in


def test_what_is_dumped_is_loaded_as_an_equal_value(tmp_path: Path) -> None:
    config = config_in(tmp_path, pod_cidr="127.20.0.0/16")
    path = tmp_path / "node.json"
    path.write_text(dump(config))
    assert load(path) == config


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    given = json.loads(dump(config_in(tmp_path)))
    del given["name"]
    given |= {
        "state_dir": "relative",
        "pod_cidr": "10.0.0.0/16",
        "log_address": "nowhere",
        "colour": "blue",
        "checkout": 3,
    }
    path = tmp_path / "node.json"
    path.write_text(json.dumps(given))
    with pytest.raises(InvalidConfig) as caught:
        load(path)
    assert sorted(problem.split()[0].rstrip(":") for problem in caught.value.problems) == [
        "checkout",
        "colour",
        "log_address",
        "name",
        "pod_cidr",
        "state_dir",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "node.json"
    path.write_text(text)
    with pytest.raises(InvalidConfig):
        load(path)
