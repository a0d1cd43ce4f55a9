"""Whatever ends an experiment early, nothing of it stays: the runner undoes it, or its watchdog does."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mesh.chaos.problems import ABORTED, REFUSED
from mesh.chaos.run.place import folder_of
from tests.end_to_end.chaos.conftest import specs
from tests.end_to_end.conftest import ARGOSY, CHECKOUT, CLUSTER, argosy, eventually

EXPERIMENT = Path(__file__).with_name("no-recommendations.yaml")


class Running:
    """`argosy chaos run` at work, and the folder of its run."""

    def __init__(self, log: Path) -> None:
        before = set(self._runs())
        self._log = log
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [ARGOSY, "chaos", "run", EXPERIMENT], cwd=CHECKOUT, stdout=said, stderr=said
            )
        self._until("a run", lambda: set(self._runs()) - before)
        [self.folder] = set(self._runs()) - before

    def _runs(self) -> list[Path]:
        return list(folder_of(CLUSTER).glob("*-no-recommendations"))

    def until_injected(self) -> None:
        """Wait until it is written down, and done."""
        self._until("an injection", lambda: (self.folder / "undo.jsonl").exists() and not recommendations())

    def _until(self, what: str, seen: Callable[[], Any]) -> None:
        end = time.monotonic() + 120
        while not seen():
            assert time.monotonic() < end, f"{what}: {self._log.read_text()}"
            assert self.process.poll() is None, self._log.read_text()
            time.sleep(0.2)

    @property
    def outcome(self) -> str | None:
        """Of the verdict; None while there is none."""
        verdict = self.folder / "verdict.json"
        return str(json.loads(verdict.read_text())["outcome"]) if verdict.exists() else None


def recommendations() -> int:
    """How many pods there are to be."""
    return int(specs()["Deployment", "recommendations-v1"]["replicas"])


@pytest.fixture
def running(cluster: None, tmp_path: Path) -> Running:
    running = Running(tmp_path / "log")
    running.until_injected()
    return running


def test_rule_37_after_a_sigkill_the_watchdog_undoes_it_and_meanwhile_nobody_else_begins(running: Running) -> None:
    other = argosy("chaos", "run", "payments-slow")
    assert (other.code, "hurting" in other.err) == (REFUSED, True), other.err
    running.process.send_signal(signal.SIGKILL)
    assert running.process.wait() == -signal.SIGKILL
    eventually("the verdict", lambda: running.outcome, "ABORTED")
    assert recommendations() == 1


@pytest.mark.proof("half a minute each")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_runner_undoes_it_when_it_is_asked_to_end(running: Running, how: signal.Signals) -> None:
    running.process.send_signal(how)
    assert running.process.wait(timeout=200) == ABORTED
    assert (running.outcome, recommendations()) == ("ABORTED", 1)


@pytest.mark.proof("half a minute")
def test_a_runner_that_hangs_is_cleaned_up_after_when_it_is_killed(running: Running) -> None:
    running.process.send_signal(signal.SIGSTOP)
    running.process.kill()
    eventually("the verdict", lambda: running.outcome, "ABORTED")
    running.process.wait()
