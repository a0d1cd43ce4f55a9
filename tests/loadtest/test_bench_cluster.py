import asyncio
import sys
from typing import Any

from loadtest.bench.cluster import memory, pids
from loadtest.bench.routes import taken_over

MIB = 2**20
HOLD = "import sys; held = bytearray(b'x' * {mib} * 2**20); print('ready', flush=True); sys.stdin.read()"


async def hold(mib: int) -> asyncio.subprocess.Process:
    """A process that holds so much memory until its input ends."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", HOLD.format(mib=mib))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_memory_counts_a_process_once_however_often_it_is_named() -> None:
    process = await hold(64)
    found = memory([process.pid, process.pid])
    await process.communicate(b"")
    assert 64 * MIB < found < 2 * 64 * MIB


async def test_memory_of_a_process_that_has_ended_is_nothing() -> None:
    process = await hold(1)
    await process.communicate(b"")
    assert memory([process.pid]) == 0


def test_every_process_of_the_status_is_counted_and_missing_ones_are_not() -> None:
    status: dict[str, Any] = {
        "supervisor": {"pid": 10},
        "parts": [{"pid": 11}, {"pid": None}],
        "pods": [{"containers": [{"pid": 12}, {"pid": 13}]}, {"containers": []}],
    }
    assert pids(status) == {10, 11, 12, 13}


def routes(name: str, updated: str) -> dict[str, Any]:
    hosts = [{"name": "catalog", "routes": [{"name": name}]}]
    return {"last_updated": updated, "route_config": {"name": "50051", "virtual_hosts": hosts}}


def test_a_change_counts_from_when_the_last_of_its_routes_was_taken_over() -> None:
    old, new = routes("mesh-bench-1", "2026-11-20T10:00:00.000Z"), routes("mesh-bench-10", "2026-11-20T10:00:01.250Z")
    newest = routes("primary-bench-10", "2026-11-20T10:00:01.500Z")
    base = taken_over({"configs": [old]}, "bench-1")
    assert base is not None
    assert taken_over({"configs": [old, new, newest]}, "bench-10") == base + 1.5
    assert taken_over({"configs": [new]}, "bench-1") is None
    assert taken_over({}, "bench-1") is None
