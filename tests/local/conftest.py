from pathlib import Path

import pytest

from tests.local.scripted import ScriptedCluster


@pytest.fixture
def cluster(tmp_path: Path) -> ScriptedCluster:
    return ScriptedCluster(tmp_path)
