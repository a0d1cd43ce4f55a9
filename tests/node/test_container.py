from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from mesh.local.node.container import Check, NotYet, Prepared
from mesh.local.node.container_state import ContainerView, Running, Terminated, Waiting
from mesh.local.node.pod_spec import Command
from mesh.local.node.probe_schedule import Thresholds
from mesh.local.node.probes import Unhealthy
from tests.node.one_container import QUICK, Around, always, prepared, running
from tests.node.waiting import until


async def test_a_container_that_ends_for_good_says_how(around: Around) -> None:
    async with running(around, always(prepared("echo hi; exit 4")), "Never") as runner:
        await until(lambda: isinstance(runner.view.state, Terminated))
    state = runner.view.state
    assert isinstance(state, Terminated)
    assert (state.exit_code, state.reason, runner.view.restarts, around.output()) == (4, "Error", 0, "hi\n")


async def test_the_first_crash_is_restarted_at_once_the_second_waits(around: Around) -> None:
    async with running(around, always(prepared("exit 7"))) as runner:
        await until(lambda: isinstance(runner.view.state, Waiting) and runner.view.restarts == 1)
    assert isinstance(runner.view.state, Waiting)
    assert runner.view.state.reason == "CrashLoopBackOff"
    assert runner.view.last_state is not None
    assert runner.view.last_state.exit_code == 7
    assert around.reasons() == ["Started", "Started", "BackOff"]


async def test_success_is_not_restarted_on_failure_only(around: Around) -> None:
    async with running(around, always(prepared("exit 0")), "OnFailure") as runner:
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert runner.view.succeeded
    assert runner.view.restarts == 0


async def test_a_program_that_cannot_be_started_is_a_start_error(around: Around) -> None:
    missing = Prepared(Command(("no-such-program",), {"PATH": "/bin"}, Path("/")))
    async with running(around, always(missing), "Never") as runner:
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert isinstance(runner.view.state, Terminated)
    assert (runner.view.state.exit_code, runner.view.state.reason) == (128, "StartError")
    assert around.reasons() == ["Failed"]


async def test_what_is_missing_is_shown_and_tried_again(around: Around) -> None:
    tries = 0

    async def prepare() -> Prepared:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise NotYet(Waiting("CreateContainerConfigError", 'configmap "c" not found'), "Failed")
        return prepared("sleep 100")

    async with running(around, prepare) as runner:
        await until(lambda: isinstance(runner.view.state, Waiting) and runner.view.state.message)
        assert runner.view.state == Waiting("CreateContainerConfigError", 'configmap "c" not found')
        await until(lambda: isinstance(runner.view.state, Running))
    assert around.events[0] == ("Failed", 'Error: configmap "c" not found')


async def test_without_probes_a_running_container_is_ready(around: Around) -> None:
    async with running(around, always(prepared("sleep 100"))) as runner:
        await until(lambda: runner.view.ready and runner.view.started)


async def test_readiness_follows_the_probe(around: Around) -> None:
    healthy = True

    async def ask() -> None:
        if not healthy:
            raise Unhealthy("no")

    async with running(around, always(prepared("sleep 100", readiness=Check(QUICK, ask)))) as runner:
        await until(lambda: runner.view.ready)
        healthy = False
        await until(lambda: not runner.view.ready)
        assert isinstance(runner.view.state, Running)
        healthy = True
        await until(lambda: runner.view.ready)
    assert ("Unhealthy", "Readiness probe failed: no") in around.events


async def test_liveness_that_fails_restarts_the_container(around: Around) -> None:
    async def ask() -> None:
        raise Unhealthy("stuck")

    async with running(around, always(prepared("sleep 100", liveness=Check(QUICK, ask)))) as runner:
        await until(lambda: runner.view.restarts >= 1)
    assert around.events[1:4] == [
        ("Unhealthy", "Liveness probe failed: stuck"),
        ("Unhealthy", "Liveness probe failed: stuck"),
        ("Killing", "Container app failed liveness probe, will be restarted"),
    ]
    assert runner.view.last_state is not None
    assert runner.view.last_state.exit_code == 143


async def test_nothing_else_is_probed_before_the_startup_probe_succeeds(around: Around) -> None:
    asked: list[str] = []
    up = False

    async def start() -> None:
        asked.append("startup")
        if not up:
            raise Unhealthy("starting")

    async def live() -> None:
        asked.append("liveness")

    patient = Thresholds(period=0.05, failures=1000)
    checks = {"startup": Check(patient, start), "liveness": Check(QUICK, live), "readiness": Check(QUICK, live)}
    async with running(around, always(prepared("sleep 100", **checks))) as runner:
        await until(lambda: len(asked) > 5)
        assert set(asked) == {"startup"}
        assert not runner.view.started
        up = True
        await until(lambda: runner.view.ready and runner.view.started)
        await until(lambda: "liveness" in asked)


async def test_a_startup_probe_that_never_succeeds_ends_the_container(around: Around) -> None:
    async def start() -> None:
        raise Unhealthy("starting")

    async with running(around, always(prepared("sleep 100", startup=Check(QUICK, start))), "Never") as runner:
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert ("Killing", "Container app failed startup probe, will be restarted") in around.events


async def test_a_container_of_an_earlier_node_counts_one_restart_more(around: Around) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    ended = Terminated(137, "Error", long_ago, long_ago)
    view = ContainerView("app", "argosy:dev", last_state=ended, restarts=4)
    async with running(around, always(prepared("sleep 100")), view=view) as runner:
        await until(lambda: isinstance(runner.view.state, Running))
    assert runner.view.restarts == 5


async def test_a_probe_that_hangs_is_a_failed_probe(around: Around) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    quick = Thresholds(period=0.05, timeout=0.02, failures=2)
    async with running(around, always(prepared("sleep 100", readiness=Check(quick, hang)))) as runner:
        await until(lambda: ("Unhealthy", "Readiness probe failed: timeout: no answer within 0.02s") in around.events)
        assert isinstance(runner.view.state, Running)


async def test_a_probe_that_breaks_is_a_failed_probe_and_ends_nothing(around: Around) -> None:
    async def odd() -> None:
        raise ZeroDivisionError("nobody thought of it")

    checks = {"readiness": Check(QUICK, odd), "liveness": Check(QUICK, odd)}
    async with running(around, always(prepared("sleep 100", **checks))) as runner:
        await until(lambda: runner.view.restarts >= 1)
    assert ("Unhealthy", "Liveness probe failed: ZeroDivisionError: nobody thought of it") in around.events
