from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults.processes.scripted_pods import ScriptedPods


@pytest.fixture
def pods(tmp_path: Path) -> ScriptedPods:
    return ScriptedPods(tmp_path)
