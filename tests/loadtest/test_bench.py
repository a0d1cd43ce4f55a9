import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.bench import cluster, local_cluster
from loadtest.bench.__main__ import measure, table
from loadtest.bench.local_cluster import LocalCluster, running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from tests.loadtest.running import in_process


@pytest.mark.parametrize(("value", "at_most", "at_least"), [(1.9, True, False), (2.0, True, True), (2.1, False, True)])
def test_a_limit_may_be_reached_but_not_passed(value: float, at_most: bool, at_least: bool) -> None:
    assert Row.at_most("x", value, 2.0, "s") == Row("x", value, "s", "<= 2 s", at_most)
    assert Row.at_least("x", value, 2.0, "s") == Row("x", value, "s", ">= 2 s", at_least)


def test_a_row_without_a_target_always_holds() -> None:
    assert Row.context("x", 99, "ms").holds


async def test_a_bench_that_cannot_be_measured_is_named_and_the_others_go_on() -> None:
    async def missing(_say: Callable[[str], None]) -> list[Row]:
        raise BenchUnavailable("no machine")

    async def fine(say: Callable[[str], None]) -> list[Row]:
        say("measuring")
        return [Row.at_most("x", 1, 2, "s")]

    page = io.StringIO()
    rows, unmeasured = await measure({"first": missing, "second": fine}, Console(file=page))
    assert rows == [Row.at_most("x", 1, 2, "s")]
    assert unmeasured == ["first: no machine"]
    assert "second: measuring" in page.getvalue()


def test_the_table_says_which_row_does_not_hold() -> None:
    page = io.StringIO()
    Console(file=page, width=100).print(table([Row.at_most("slow", 3, 2, "s"), Row.context("size", 7, "MiB")]))
    assert "does not hold" in page.getvalue()
    assert "7 MiB" in page.getvalue()


async def test_an_unknown_bench_is_wrong_usage() -> None:
    code, said = await in_process(sys.executable, "-m", "loadtest.bench", "--only", "nonsense")
    assert code == 2
    assert "nonsense" in said


async def test_no_cluster_has_no_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_STATE", str(tmp_path))
    assert await LocalCluster(tmp_path).status() is None


def test_sidecars_are_the_pods_whose_record_has_a_proxy(tmp_path: Path) -> None:
    record = '{"name": "%s", "pod_ip": "127.10.0.%d", "admin_port": 15000, "containers": {%s}}'
    for number, containers in ((1, '"catalog": {}, "istio-proxy": {}'), (2, '"migration": {}')):
        folder = tmp_path / "pods" / f"uid-{number}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(record % (f"pod-{number}", number, containers))
    assert LocalCluster(tmp_path).sidecars() == {"pod-1": "127.10.0.1:15000"}


async def with_a_cluster(say: Callable[[str], None]) -> None:
    async with running_cluster(say):
        pytest.fail("there is no cluster")


@pytest.fixture
def argosy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a scripted `argosy` in the place of the real one: no cluster runs, and `up` does what is given."""

    def script(up: str) -> Path:
        program, calls = tmp_path / "python", tmp_path / "calls"
        program.write_text(f'#!/bin/sh\necho "$3" >> {calls}\ncase "$3" in status) exit 4;; up) {up};; esac\n')
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        return calls

    return script


@pytest.mark.parametrize("bench", [cluster.measure, with_a_cluster])
@pytest.mark.parametrize(
    ("up", "then"),
    [("exit 7", ["down"]), ("exec sleep 600", ["down"]), ("exit 3", [])],
    ids=["fails", "hangs", "is somebody else's"],
)
async def test_a_bench_leaves_no_cluster_behind_when_its_start_fails(
    argosy: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    bench: Callable[[Callable[[str], None]], Awaitable[object]],
    up: str,
    then: list[str],
) -> None:
    calls = argosy(up)
    if "sleep" in up:
        monkeypatch.setattr(local_cluster, "STARTS_WITHIN", 2.0)
    with pytest.raises(BenchUnavailable, match="argosy up"):
        await bench(lambda _: None)
    assert calls.read_text().split() == ["status", "up", *then]


async def test_an_interrupted_bench_leaves_no_cluster_behind(argosy: Callable[[str], Path]) -> None:
    calls = argosy("exec sleep 600")
    bench = asyncio.create_task(with_a_cluster(lambda _: None))
    while not calls.exists() or "up" not in calls.read_text():
        await asyncio.sleep(0.01)  # polling, bounded by the test's timeout
    bench.cancel()
    with pytest.raises(asyncio.CancelledError):
        await bench
    assert calls.read_text().split() == ["status", "up", "down"]
