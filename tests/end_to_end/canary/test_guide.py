"""Do the commands of docs/canary.md do what it says, typed as written?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT
from tests.end_to_end.typed_guide import blocks_of, typed


@pytest.mark.local_only("the guide begins with `argosy up`")
def test_an_operator_comes_from_a_plan_to_a_report_and_back(tmp_path: Path) -> None:
    blocks = blocks_of(CHECKOUT / "docs" / "canary.md")
    assert len(blocks) >= 5
    done = typed(blocks, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = (CHECKOUT / "reports" / "catalog.html").read_text(encoding="utf-8")
    assert "<title>Canary of catalog: promoted</title>" in report
    assert "<svg" in report
