"""Does a command gate say what its command says, in time, and leave nothing behind?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.canary.plan import Gate
from mesh.canary.run.gates import Gates
from mesh.canary.run.sight import Answer

pytestmark = pytest.mark.processes


@pytest.fixture
async def gates() -> AsyncIterator[Gates]:
    made = Gates({"PATH": os.environ["PATH"]})
    yield made
    await made.close()


async def _answer(gates: Gates, command: str, timeout: float = 60.0, **facts: str) -> Answer:
    gates.ask(Gate(kind="cmd", command=command, timeout=timeout), facts)
    while not (answers := gates.answers()):
        await asyncio.sleep(0.01)
    return answers[f"cmd:{command}"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("echo fine", Answer(passed=True, output="fine")),
        ("echo 2 of 3 >&2; exit 1", Answer(passed=False, output="2 of 3")),
        ("exit 3", Answer(passed=False, output="`exit 3` ended with 3")),
    ],
)
async def test_a_command_agrees_by_ending_with_0_and_its_words_are_kept(
    gates: Gates, command: str, answer: Answer
) -> None:
    assert await _answer(gates, command) == answer


async def test_a_command_that_cannot_be_started_has_not_agreed(gates: Gates) -> None:
    answer = await _answer(gates, "true", service="x" * 200_000)  # more than the kernel takes
    assert not answer.passed
    assert "could not be started" in answer.output


async def test_a_command_is_told_about_the_run(gates: Gates) -> None:
    answer = await _answer(
        gates, "echo $ARGOSY_CANARY_SERVICE at $ARGOSY_CANARY_WEIGHT", service="catalog", weight="10"
    )
    assert answer.output == "catalog at 10"


async def test_of_many_words_the_last_are_kept(gates: Gates) -> None:
    answer = await _answer(gates, "seq 100000")
    assert answer.output.endswith("\n100000")
    assert len(answer.output) <= 2000


async def test_a_command_that_does_not_end_has_not_agreed(gates: Gates) -> None:
    answer = await _answer(gates, "sleep 600", timeout=0.2)
    assert not answer.passed
    assert "did not end" in answer.output


async def test_what_a_command_has_started_ends_with_it(gates: Gates, tmp_path: Path) -> None:
    """Negative control: only its shell would be killed, and its child go on."""
    pid = tmp_path / "pid"
    await _answer(gates, f"sleep 600 >/dev/null 2>&1 & echo $! > {pid}")
    await _gone(int(pid.read_text()))


async def test_a_run_that_ends_takes_its_commands_along(tmp_path: Path) -> None:
    gates, pid = Gates({"PATH": os.environ["PATH"]}), tmp_path / "pid"
    gates.ask(Gate(kind="cmd", command=f"echo $$ > {pid}; sleep 600"), {})
    while not (pid.exists() and pid.read_text().strip()):
        await asyncio.sleep(0.01)
    await gates.close()
    await _gone(int(pid.read_text()))


async def test_a_manual_gate_runs_nothing(gates: Gates) -> None:
    gates.ask(Gate(kind="manual"), {})
    assert not gates.answers()


async def _gone(pid: int) -> None:
    """Returns when the process has ended; a zombie has."""
    async with asyncio.timeout(30):
        while _state(pid) not in {"", "Z"}:
            await asyncio.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
