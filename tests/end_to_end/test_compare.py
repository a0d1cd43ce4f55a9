"""`make compare` takes the shop's protection away, and gives it back when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT, PATIENCE, argosy, eventually, kubectl

KINDS = "virtualservices,destinationrules,envoyfilters,deployments"
INTERRUPTED = 130


def specs() -> dict[tuple[str, str], object]:
    found = kubectl("get", KINDS, "-o", "json").json["items"]
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in found}


@pytest.mark.local_only("make compare measures on the local cluster")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_leaves_everything_as_it_was(
    gateway: str, how: signal.Signals, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "loadtest.compare", "--only", "payments-slow", "--host", gateway]
    before, log = specs(), tmp_path / "log"
    with log.open("wb") as said:
        running = subprocess.Popen(command, cwd=CHECKOUT, stdout=said, stderr=said)
    try:
        end = time.monotonic() + 120
        while "protection: off" not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            assert running.poll() is None, log.read_text()
            time.sleep(0.2)
        assert specs() != before
        running.send_signal(how)
        assert running.wait(PATIENCE) == INTERRUPTED, log.read_text()
    finally:
        running.kill()
    assert specs() == before
    eventually("the pods without protection are gone, argosy status", lambda: argosy("status").code, 0)
