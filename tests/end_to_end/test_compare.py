"""`make compare` takes the shop's protection away, and gives it back when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mesh.local.addresses import LOOPBACK, addresses_of
from mesh.local.settings import read_settings
from tests.end_to_end.conftest import CHECKOUT, PATIENCE, argosy, eventually, kubectl

KINDS = "virtualservices,destinationrules,envoyfilters,deployments"
INTERRUPTED = 130


def specs() -> dict[tuple[str, str], object]:
    found = kubectl("get", KINDS, "-o", "json").json["items"]
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in found}


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_leaves_everything_as_it_was(how: signal.Signals, tmp_path: Path) -> None:
    gateway = f"{LOOPBACK}:{addresses_of(read_settings(os.environ).instance).gateway}"
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
