"""The processes of an open loop: what each one does, and that what they have seen adds up to what a server saw."""

import asyncio
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from grpc import StatusCode

from loadtest.generator.plan import Pattern, Plan, processes_for
from loadtest.generator.processes import GeneratorLost, run
from loadtest.outcome import Kind
from tests.loadtest.scripted_shop import ScriptedShop, fail

SECONDS = 2.0


def planned(target: str = "", *, rate: float = 100.0, processes: int = 1, pattern: Pattern = Pattern.POISSON) -> Plan:
    return Plan(target, "browsing", rate, SECONDS, pattern, warm_up=0.5, processes=processes)


def moments(plan: Plan) -> list[float]:
    return list(takewhile(lambda moment: moment < 100, plan.arrivals()()))


@pytest.mark.parametrize("pattern", Pattern)
def test_the_parts_of_a_run_send_its_rate_together(pattern: Pattern) -> None:
    whole = planned(processes=4, pattern=pattern)
    parts = [moments(part) for part in whole.parts()]
    assert sum(map(len, parts)) == pytest.approx(100 * whole.rate, rel=0.05)
    assert [part.number for part in whole.parts()] == [0, 1, 2, 3]


def test_what_comes_by_chance_comes_in_every_process_by_another() -> None:
    one, other = planned(processes=2).parts()
    assert moments(one) != moments(other)


def test_a_plan_survives_a_command_line() -> None:
    plan = planned("127.0.0.1:1", processes=3, pattern=Pattern.CONSTANT)
    assert Plan.parse(plan.to_json()) == plan


@pytest.mark.parametrize(("rate", "cores", "processes"), [(0.5, 4, 1), (1000, 4, 1), (1001, 4, 2), (9999, 4, 4)])
def test_a_rate_takes_as_many_processes_as_can_make_it(rate: float, cores: int, processes: int) -> None:
    assert processes_for(rate, cores) == processes


def silent(_seconds: float) -> None:
    """Nobody looks at the progress."""


@pytest.mark.processes
async def test_several_processes_have_seen_together_what_the_server_saw(shop: ScriptedShop, tmp_path: Path) -> None:
    seen = await run(planned(shop.target, processes=2), tmp_path, silent)
    assert seen.answers.ok == shop.calls, "the warm-up included"
    assert 0 < seen.tally.calls < shop.calls.total(), "the warm-up excluded"
    assert seen.tally.count(Kind.OK) == seen.tally.calls == seen.punctuality.due
    assert sum(each.calls for _, each in seen.timeline.slices()) == seen.tally.calls
    assert seen.punctuality.lag.count


@pytest.mark.processes
async def test_failures_are_counted_and_end_no_process(shop: ScriptedShop, tmp_path: Path) -> None:
    shop.scripts["ListProducts"] = fail(StatusCode.UNAVAILABLE)
    seen = await run(planned(shop.target), tmp_path, silent)
    assert seen.tally.count(Kind.UNAVAILABLE) > 0
    assert sum(each.failed for _, each in seen.timeline.slices()) == seen.tally.count(Kind.UNAVAILABLE)


@pytest.mark.processes
async def test_a_generator_that_fails_is_not_passed_over(shop: ScriptedShop, tmp_path: Path) -> None:
    (tmp_path / "1.json").mkdir()  # so that the second one cannot leave what it has seen
    with pytest.raises(GeneratorLost, match="exit code 1"):
        await run(planned(shop.target, processes=2), tmp_path, silent)


@pytest.mark.processes
async def test_a_generator_ends_when_whoever_started_it_is_gone(shop: ScriptedShop, tmp_path: Path) -> None:
    plan, file = Plan(shop.target, "browsing", 50, seconds=3600, warm_up=0), tmp_path / "0.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.generator", plan.to_json(), str(file)),
        stdin=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    while not shop.calls:
        await asyncio.sleep(0.05)
    process.stdin.close()
    assert await process.wait() == 0
    assert not file.exists(), "half a run is none"
