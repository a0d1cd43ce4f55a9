"""`make demo` holds what it claims."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import argosy


@pytest.mark.usefixtures("cluster")
def test_every_claim_of_the_tour_holds(tmp_path: Path) -> None:
    written = tmp_path / "demo.json"
    done = argosy("demo", "--json", str(written))
    results = json.loads(written.read_text())["steps"]
    failed = {step["title"]: step["checks"] + [step["error"]] for step in results if not step["passed"]}
    assert failed == {}
    assert done.code == 0
    assert len(results) == 9
