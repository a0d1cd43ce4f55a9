from __future__ import annotations

import asyncio

from mesh.local.node.container import Prepared
from mesh.local.node.container_state import Terminated, Waiting
from mesh.local.node.deadline import Deadline
from mesh.local.node.probes import Unhealthy
from tests.node.one_container import Around, always, prepared, running
from tests.node.waiting import until

GRACEFUL = "trap 'echo term; exit 0' TERM; echo up; while :; do sleep 0.01; done"
STUBBORN = "trap 'echo term' TERM; echo up; while :; do sleep 0.01; done"


async def _up(around: Around) -> None:
    await until(lambda: "up" in around.output())


async def test_stopping_asks_first(around: Around) -> None:
    async with running(around, always(prepared(GRACEFUL))) as runner:
        await _up(around)
        await runner.stop(Deadline(10))
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert runner.view.succeeded
    assert around.output() == "up\nterm\n"


async def test_who_does_not_end_in_time_is_killed(around: Around) -> None:
    async with running(around, always(prepared(STUBBORN))) as runner:
        await _up(around)
        await runner.stop(Deadline(0.2))
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert isinstance(runner.view.state, Terminated)
    assert runner.view.state.exit_code == 137
    assert "term" in around.output()


async def test_a_deadline_that_is_shortened_ends_the_wait(around: Around) -> None:
    async with running(around, always(prepared(STUBBORN))) as runner:
        await _up(around)
        deadline = Deadline(1000)
        stopping = asyncio.create_task(runner.stop(deadline))
        await until(lambda: "term" in around.output())
        deadline.shorten(0)
        await stopping
    assert isinstance(runner.view.state, Terminated)


async def test_the_pre_stop_hook_runs_before_the_container_is_told(around: Around) -> None:
    seen: list[str] = []

    async def hook() -> None:
        seen.append(around.output())

    async with running(around, always(prepared(GRACEFUL, pre_stop=hook))) as runner:
        await _up(around)
        await runner.stop(Deadline(10))
    assert seen == ["up\n"]


async def test_a_hook_that_hangs_is_bounded_by_the_grace_period(around: Around) -> None:
    async def hook() -> None:
        await asyncio.Event().wait()

    async with running(around, always(prepared(GRACEFUL, pre_stop=hook))) as runner:
        await _up(around)
        await runner.stop(Deadline(0.2))
        await until(lambda: isinstance(runner.view.state, Terminated))


async def test_a_failed_post_start_hook_ends_the_container(around: Around) -> None:
    async def hook() -> None:
        raise Unhealthy("cannot")

    async with running(around, always(prepared("sleep 100", post_start=hook)), "Never") as runner:
        await until(lambda: isinstance(runner.view.state, Terminated))
    assert around.events[1] == ("FailedPostStartHook", "cannot")


async def test_the_container_is_not_told_before_callers_have_learned_of_it(around: Around) -> None:
    async with running(around, always(prepared(GRACEFUL))) as runner:
        await _up(around)
        stopping = asyncio.create_task(runner.stop(Deadline(1000), quiet_for=0.5))
        await asyncio.wait({stopping}, timeout=0.1)
        assert "term" not in around.output()
        await stopping
    assert "term" in around.output()


async def test_a_container_stopped_while_it_is_prepared_never_runs(around: Around) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def prepare() -> Prepared:
        asked.set()
        await go_on.wait()
        return prepared("sleep 1000")

    async with running(around, prepare) as runner:
        await asked.wait()
        await runner.stop(Deadline(1000))
        go_on.set()
    assert around.events == []


async def test_a_container_in_back_off_stops_at_once(around: Around) -> None:
    async with running(around, always(prepared("exit 1"))) as runner:
        await until(lambda: isinstance(runner.view.state, Waiting) and runner.view.restarts == 1)
        await runner.stop(Deadline(1000))
    assert runner.process is None


async def test_a_hook_that_breaks_does_not_keep_the_container_from_ending(around: Around) -> None:
    async def odd() -> None:
        raise OSError("nobody thought of it")

    async with running(around, always(prepared(GRACEFUL, pre_stop=odd))) as runner:
        await _up(around)
        await runner.stop(Deadline(10))
    assert ("FailedPreStopHook", "OSError: nobody thought of it") in around.events
    assert runner.view.succeeded
