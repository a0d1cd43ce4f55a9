"""What operators type does what it says, also the second time and also when something was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtest.shopper import Shopper
from mesh.local.addresses import addresses_of
from mesh.local.belongings import belonging_to
from mesh.local.settings import read_settings
from tests.end_to_end.conftest import CHECKOUT, STATE, argosy

pytestmark = pytest.mark.usefixtures("cluster")

# Their processes are on this machine on the local cluster only.
with_its_processes = pytest.mark.local_only("a cluster's own processes are its operator's")
NOT_READY_IN_TIME = 8  # exit code of argosy


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


@with_its_processes
def test_up_on_a_running_cluster_changes_nothing() -> None:
    before = part("kube-apiserver")["pid"]
    assert argosy("up").code == 0
    assert part("kube-apiserver")["pid"] == before


async def assert_orders_are_taken(shopper: Shopper) -> None:
    outcome = await shopper.place_order(timeout=5, presses=3)
    assert not outcome.failed, outcome


def wait_for_the_next(name: str, before: int) -> None:
    wait_for(lambda: part(name)["pid"] not in (None, before))
    wait_for(all_ready)


@with_its_processes
@pytest.mark.parametrize("name", ["kube-apiserver", "etcd", "istiod", "kube-controller-manager"])
async def test_a_killed_part_is_started_again_and_orders_go_on_meanwhile(shopper: Shopper, name: str) -> None:
    before = part(name)["pid"]
    os.kill(before, signal.SIGKILL)
    await assert_orders_are_taken(shopper)
    wait_for_the_next(name, before)
    await assert_orders_are_taken(shopper)


@with_its_processes
async def test_a_killed_node_is_started_again_with_its_pods_and_orders_go_on(shopper: Shopper) -> None:
    before = part("node")["pid"]
    os.kill(before, signal.SIGKILL)
    wait_for_the_next("node", before)
    await assert_orders_are_taken(shopper)


def supervisor_of_a_ready_cluster() -> int | None:
    done = argosy("status", "--json")
    return done.json["supervisor"]["pid"] if done.code == 0 else None


@with_its_processes
@pytest.mark.parametrize("guardian", ["supervisor", "standby"])
async def test_a_killed_guardian_is_replaced_and_nobody_has_to_type_anything(shopper: Shopper, guardian: str) -> None:
    before = supervisor_of_a_ready_cluster()
    victim = before if guardian == "supervisor" else part("standby")["pid"]
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: supervisor_of_a_ready_cluster() not in (None, victim) and part("standby")["pid"] != victim)
    await assert_orders_are_taken(shopper)
    assert (supervisor_of_a_ready_cluster() == before) == (guardian == "standby")


@with_its_processes
def test_up_at_a_frozen_api_server_ends_when_its_time_is_over() -> None:
    frozen = part("kube-apiserver")["pid"]
    os.kill(frozen, signal.SIGSTOP)
    try:
        done = argosy("up", "--timeout", "3", patience=60)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert done.code == NOT_READY_IN_TIME, done.err
    assert "kube-apiserver does not say" in done.err
    wait_for(all_ready)


@with_its_processes
def test_nothing_of_the_cluster_listens_beyond_loopback() -> None:
    ours = {process.pid for process in belonging_to(STATE)}
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.net_connections(kind="tcp")
        if connection.laddr and connection.pid in ours and connection.status == psutil.CONN_LISTEN
    }
    ports = addresses_of(read_settings(os.environ).instance).ports().values()
    assert set(ports) <= {port for _, port in listening}
    assert [(address, port) for address, port in listening if not ip_address(address).is_loopback] == []


@with_its_processes
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
    assert "ListProducts" in page.read_text()
    assert numbers.stat().st_size > 0
