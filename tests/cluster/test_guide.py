"""Do the commands of docs/kubernetes.md do what it says, typed as written?"""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.conftest import CHECKOUT
from tests.end_to_end.typed_guide import blocks_of, typed


def test_a_newcomer_comes_from_a_cluster_to_a_promoted_canary(empty: None, tmp_path: Path) -> None:
    blocks = blocks_of(CHECKOUT / "docs" / "kubernetes.md")
    assert len(blocks) > 5
    done = typed(blocks, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
