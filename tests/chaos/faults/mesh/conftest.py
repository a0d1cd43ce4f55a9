"""What the faults of the mesh are tried on."""

from __future__ import annotations

import pytest

from mesh.chaos.faults.mesh import authorization, network, own_connections, server_fault, unprotected
from tests.chaos.faults.mesh.scripted_cluster import ScriptedCluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> ScriptedCluster:
    """Here configuration is in force at once."""
    for module in (authorization, network, own_connections, server_fault, unprotected):
        monkeypatch.setattr(module, "PROPAGATION", 0.0)
    return ScriptedCluster()
