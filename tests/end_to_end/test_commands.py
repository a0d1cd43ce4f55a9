"""What operators type does what it says, also the second time and also when something was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest.shopper import Shopper
from tests.end_to_end.conftest import CHECKOUT, argosy

pytestmark = pytest.mark.usefixtures("cluster")


def part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(part for part in argosy("status", "--json").json["parts"] if part["name"] == name)
    return found


def all_ready() -> bool:
    return argosy("status", "--json").code == 0


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.5)


def test_up_on_a_running_cluster_changes_nothing() -> None:
    before = part("kube-apiserver")["pid"]
    assert argosy("up").code == 0
    assert part("kube-apiserver")["pid"] == before


@pytest.mark.parametrize("name", ["istiod", "node", "kube-controller-manager"])
async def test_a_killed_part_is_started_again_and_orders_go_on(shopper: Shopper, name: str) -> None:
    before = part(name)["pid"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: part(name)["pid"] not in (None, before))
    wait_for(all_ready)
    outcome = await shopper.place_order(timeout=5, presses=3)
    assert not outcome.failed, outcome


def test_doctor_finds_nothing_that_stops_a_running_cluster() -> None:
    report = argosy("doctor", "--json")
    assert report.code == 0, report.out
    assert {"ports", "memory"} <= {finding["subject"] for finding in report.json}


def test_the_audit_finds_nothing() -> None:
    done = argosy("audit", "--json")
    assert done.code == 0, done.out + done.err


def test_a_wrong_argument_is_a_usage_error() -> None:
    assert argosy("up", "--no-such-option").code == 2


def test_the_load_test_reports_and_passes(tmp_path: Path) -> None:
    page, numbers = tmp_path / "load.html", tmp_path / "load.json"
    command = [sys.executable, "-m", "loadtest.run", "--users", "5", "--rate", "5", "--run-time", "8s"]
    done = subprocess.run(
        [*command, "--html", str(page), "--json", str(numbers)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "PlaceOrder" in page.read_text()
    assert numbers.stat().st_size > 0
