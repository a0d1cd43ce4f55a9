"""Do the commands of docs/chaos.md do what it says, typed as written?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT
from tests.end_to_end.typed_guide import blocks_of, typed


@pytest.mark.local_only("the guide begins with `argosy up`")
@pytest.mark.proof("a whole experiment, which others run, too")
def test_an_operator_comes_from_the_list_to_a_report(tmp_path: Path) -> None:
    blocks = blocks_of(CHECKOUT / "docs" / "chaos.md")
    assert len(blocks) >= 4
    done = typed(blocks, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (verdict,) = json.loads((CHECKOUT / "reports" / "network-refused.json").read_text(encoding="utf-8"))["verdicts"]
    assert (verdict["experiment"], verdict["outcome"]) == ("network-refused", "PASS")
    assert "network-refused: PASS" in (CHECKOUT / "reports" / "failure-modes.md").read_text(encoding="utf-8")
