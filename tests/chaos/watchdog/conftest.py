from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from mesh.chaos.run.place import Run
from mesh.local.process_identity import identify

NAME = "20261121-154500-payments-slow"


@pytest.fixture
def runner() -> Iterator[Popen[bytes]]:
    """A process that does nothing for an hour."""
    with Popen([sys.executable, "-c", "import time; time.sleep(3600)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def run(runner: Popen[bytes], tmp_path: Path) -> Run:
    """Its run."""
    process = identify(runner.pid)
    assert process
    return Run(
        name=NAME,
        experiment="payments-slow",
        file=str(tmp_path / "payments-slow.yaml"),
        control=True,
        protection="off",
        by="anna@laptop pid 1 chaos",
        pid=process.pid,
        started=process.started,
        seconds=3600.0,
        targets=("payments",),
        kubeconfig=str(tmp_path / "kubeconfig"),
        context="",
        local=True,
        namespace="shop",
    )
