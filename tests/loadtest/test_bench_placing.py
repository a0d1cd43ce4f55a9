"""What the bench of orders makes of its numbers; the numbers themselves need a cluster."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from loadtest.bench.cpu_shares import CONTROL, DATABASE, LOAD, MESH, PYTHON, used
from loadtest.bench.placing import Step, pinned, rows
from loadtest.bench.row import BenchUnavailable
from services.hosting.lanes import Lane

CPU = {DATABASE: 5.0, MESH: 4.0, PYTHON: 10.0, CONTROL: 0.5, LOAD: 0.5}


@pytest.mark.parametrize(
    ("confirmed", "p99", "holds"), [(100.0, 0.2, True), (99.0, 0.5, True), (98.9, 0.2, False), (100.0, 0.51, False)]
)
def test_a_step_holds_while_nearly_all_are_confirmed_and_soon(confirmed: float, p99: float, *, holds: bool) -> None:
    assert Step(100.0, confirmed, p99, CPU).holds is holds


def test_the_rows_tell_rate_latency_shares_and_whether_the_target_was_kept_up() -> None:
    knee = Step(80.0, 79.5, 0.25, CPU)
    told = {row.name: row for row in rows(knee, Step(61.8, 61.5, 0.2, CPU), discrepancies=0)}
    assert all(row.holds for row in told.values())
    assert told["placing: orders a second at the knee, two cores"].value == 80
    assert told["placing: p99 at the knee"].value == 250
    assert [told[f"placing: share of {role}"].value for role in CPU] == [25, 20, 50, 2.5, 2.5]
    missed = rows(knee, Step(61.8, 59.9, 0.2, CPU), discrepancies=1)
    assert [row.name for row in missed if not row.holds] == [
        "placing: confirmed, kept up for a minute",
        "placing: discrepancies afterwards",
    ]


def test_a_process_is_pinned_with_all_its_threads_and_let_go_again() -> None:
    before, done = os.sched_getaffinity(0), threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pinned(1):
            assert len(os.sched_getaffinity(other.native_id or 0)) == len(os.sched_getaffinity(0)) == 1
        assert os.sched_getaffinity(other.native_id or 0) == os.sched_getaffinity(0) == before
    finally:
        done.set()
        other.join()


def test_fewer_cores_than_are_asked_for_cannot_be_measured() -> None:
    with pytest.raises(BenchUnavailable, match="cores are needed"), pinned(len(os.sched_getaffinity(0)) + 1):
        pass


async def test_transactions_count_for_the_database_and_the_rest_of_a_service_for_python(tmp_path: Path) -> None:
    container = {"name": "catalog", "pid": os.getpid()}
    status = {"pods": [{"containers": [container]}], "parts": [], "supervisor": {"pid": None}}
    lane = Lane(create_engine(f"sqlite:///{tmp_path}/rows.db"), "writer", 1)

    def spin(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass

    before = used(status)
    await lane.run(spin)
    after = used(status)
    await lane.close()
    assert after[DATABASE] - before[DATABASE] >= 0.15
    assert after[PYTHON] >= before[PYTHON] > 0
