"""The open loop on the real mesh: what it counts is what the servers count, with two proxies in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import argosy

pytestmark = pytest.mark.usefixtures("cluster")


def test_the_servers_have_counted_what_the_generators_sent(tmp_path: Path) -> None:
    numbers = tmp_path / "load.json"
    done = argosy("load", "run", "--rate", "40", "--for", "10s", "--generators", "2", "--json", str(numbers))
    document = json.loads(numbers.read_text())
    assert document["calls"] > 200, done.out
    assert len(document["reconciled"]) > 10
    assert {one["rpc"] for one in document["reconciled"] if one["says"] != "agree"} == set(), done.out
    assert document["kinds"]["refused"] == document["kinds"]["broken"] == 0, done.out
