from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh.chosen_cluster import Cluster
from mesh.kubectl import Kubectl
from tests.gateway import tunnel
from tests.suspended_job.scripted_api import kubeconfig

Make = Callable[[int], Kubectl]


@pytest.fixture
def kubectl(tmp_path: Path) -> Make:
    """kubectl whose port-forward works so many times."""

    def make(times: int) -> Kubectl:
        memory, program, config = tmp_path / "memory", tmp_path / "kubectl", tmp_path / "kubeconfig"
        memory.write_text(str(times))
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {tunnel.__file__} {memory} "$@"\n')
        program.chmod(0o755)
        config.write_text(json.dumps(kubeconfig("https://10.0.0.1:6443")))
        return Kubectl(program, Cluster(config))

    return make
