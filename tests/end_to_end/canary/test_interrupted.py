"""Whatever dies while a canary runs, it ends as it would have, or where nobody can be hurt. Under real load."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from loadtest.canary_run import following
from loadtest.server_fault import failing
from loadtest.shopper import Shopper
from mesh.canary.journal.entry import Kind, verified
from mesh.canary.problems import INCONCLUSIVE, PROMOTED, ROLLED_BACK
from mesh.running_shop import Shop
from tests.end_to_end.canary.customers import shopping
from tests.end_to_end.canary.journals import journal, runs
from tests.end_to_end.canary.route import BASELINE, CANARY, taken_back, weights
from tests.end_to_end.canary.terminal import argosy, eventually

DYING = Path(__file__).with_name("dying.py")
GET = "/shop.catalog.v1.CatalogService/GetProduct"
KILLED = -signal.SIGKILL
MOST_LIVES = 100
WEIGHTS, EVERYTHING = r"virtualservices \d", ""


class Lives:
    """A canary of catalog whose process is killed at each write that matches, and typed again, until it ends."""

    def __init__(self, which: str, died: Path, options: tuple[str, ...]) -> None:
        self._died, self._options = died, options
        self._program = (sys.executable, str(DYING), str(died), which)
        self.said = ""
        died.touch()

    @property
    def moments(self) -> list[str]:
        """Where it was killed, in order."""
        return self._died.read_text().splitlines()

    def killed_at(self, when: str) -> set[str]:
        """The writes "before" or "after" which it was killed."""
        return {moment.removeprefix(f"{when} ") for moment in self.moments if moment.startswith(when)}

    async def live(self) -> int:
        """The exit code of the life that was not cut short."""
        before, command = await runs("catalog"), ("start", "catalog", *self._options)
        for _ in range(MOST_LIVES):
            async with following(*command, program=self._program) as run:
                code, self.said = await run.end(), run.said
                if code != KILLED:
                    return code
            if await runs("catalog") != before:  # it has begun: its first entry was kept
                command = ("resume", "catalog")
        raise AssertionError(f"still being killed: {self.moments}")


WHICH = [
    pytest.param(WEIGHTS, id="of weights", marks=pytest.mark.proof("ten lives")),
    pytest.param(EVERYTHING, id="of all", marks=pytest.mark.proof("fifty lives")),
]


@pytest.mark.parametrize("which", WHICH)
async def test_a_runner_killed_at_every_write_promotes_what_it_would_have_promoted(
    shopper: Shopper, quick: tuple[str, str], tmp_path: Path, which: str
) -> None:
    lives = Lives(which, tmp_path / "died", quick)
    async with shopping(shopper) as customers:
        assert await lives.live() == PROMOTED, (lives.moments, lives.said)
        assert await weights("catalog") == CANARY
        entries = verified(await journal("catalog"))
        await taken_back("catalog")
    assert customers.turned_away == []
    assert lives.killed_at("before") == lives.killed_at("after")
    assert {f"PATCH virtualservices {share}" for share in ("80/20", "50/50", "0/100")} <= lives.killed_at("after")
    applied = [entry.facts["weights"]["v2"] for entry in entries if entry.kind is Kind.APPLIED]
    assert applied == sorted(applied)
    assert [entry.facts["outcome"] for entry in entries if entry.kind is Kind.ENDED] == ["promoted"]


@pytest.mark.proof("fifty lives")
async def test_a_runner_killed_at_every_write_rolls_back_what_it_would_have_rolled_back(
    shop: Shop, shopper: Shopper, quick: tuple[str, str], tmp_path: Path
) -> None:
    lives = Lives(EVERYTHING, tmp_path / "died", quick)
    async with failing(shop.client, "catalog", [GET], percent=30, version="v2"), shopping(shopper):
        assert await lives.live() == ROLLED_BACK, (lives.moments, lives.said)
        assert await weights("catalog") == BASELINE
    assert lives.killed_at("before") == lives.killed_at("after")
    assert {"PATCH virtualservices 100/0", "PATCH configmaps ended"} <= lives.killed_at("after")
    entries = verified(await journal("catalog"))
    assert max(entry.facts["weights"]["v2"] for entry in entries if entry.kind is Kind.APPLIED) == 20


@pytest.mark.proof("a lock expires first")
async def test_the_watchdog_rolls_back_what_nobody_resumes(shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper) as customers:
        async with following("start", "catalog", *quick) as run:
            await run.until(Kind.OBSERVED, step=0)
            run.process.kill()
        await eventually("the weights after the runner was killed", lambda: weights("catalog"), BASELINE)
        await eventually("how the run has ended", outcome, "rolled-back")
    assert customers.turned_away == []
    assert "watchdog" in (await journal("catalog"))[-1].by


async def outcome() -> object:
    return (await journal("catalog"))[-1].facts.get("outcome")


@pytest.mark.proof("two runs")
async def test_ctrl_c_pauses_and_resume_goes_on(shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper) as customers:
        async with following("start", "catalog", *quick) as run:
            await run.until(Kind.OBSERVED, step=0)
            run.process.send_signal(signal.SIGINT)
            assert await run.end() == INCONCLUSIVE, run.said
        assert "argosy canary resume catalog" in run.said
        assert await weights("catalog") == {"v1": 80, "v2": 20}
        async with following("resume", "catalog") as run:
            assert await run.end() == PROMOTED, run.said
        await taken_back("catalog")
    assert customers.turned_away == []


@pytest.mark.local_only("the API server is a process of this machine")
@pytest.mark.proof("a restart of the API server")
async def test_a_canary_survives_the_api_server(shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper, ordering=1) as customers, following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        os.kill(await api_server(), signal.SIGKILL)
        assert await run.end() == PROMOTED, run.said
        assert await weights("catalog") == CANARY
        await taken_back("catalog")
    assert customers.turned_away == []


async def api_server() -> int:
    status = (await argosy("status", "--json")).json
    (part,) = [part for part in status["parts"] if part["name"] == "kube-apiserver"]
    return int(part["pid"])
