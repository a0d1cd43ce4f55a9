import asyncio
import contextvars

import pytest

from mesh.resilience import deadline
from tests.resilience.fake_time import FakeTime


def test_nobody_set_one() -> None:
    assert deadline.current() is None
    assert deadline.remaining() is None


def test_adopted_time_runs_down_less_a_margin() -> None:
    time = FakeTime()
    with deadline.adopt(2.0, margin=0.5, clock=time):
        assert deadline.current() == time.now + 1.5
        time.pass_by(1.0)
        assert deadline.remaining(time) == 0.5
    assert deadline.current() is None


def test_spent_time_is_never_negative() -> None:
    time = FakeTime()
    with deadline.adopt(1.0, clock=time):
        time.pass_by(5.0)
        assert deadline.remaining(time) == 0.0


def test_a_deadline_only_ever_shrinks() -> None:
    time = FakeTime()
    with deadline.adopt(1.0, margin=0.0, clock=time):
        with deadline.adopt(60.0, margin=0.0, clock=time):
            assert deadline.remaining(time) == 1.0
        with deadline.adopt(0.25, margin=0.0, clock=time):
            assert deadline.remaining(time) == 0.25
        assert deadline.remaining(time) == 1.0


def test_the_margin_is_kept_back_by_default() -> None:
    time = FakeTime()
    with deadline.adopt(1.0, clock=time):
        assert deadline.remaining(time) == pytest.approx(1.0 - deadline.MARGIN_SECONDS)


async def test_it_follows_the_request_into_its_tasks_and_no_further() -> None:
    async def seen() -> float | None:
        return deadline.current()

    with deadline.adopt(1.0):
        assert await asyncio.create_task(seen()) == deadline.current()
    assert await asyncio.create_task(seen()) is None


async def test_two_requests_do_not_share_one() -> None:
    async def request(seconds: float) -> float | None:
        with deadline.adopt(seconds, margin=0.0, clock=FakeTime(0.0)):
            await asyncio.sleep(0)
            return deadline.current()

    assert list(await asyncio.gather(request(1.0), request(2.0))) == [1.0, 2.0]


def test_owed_work_outlives_its_request() -> None:
    with deadline.adopt(1.0):
        with deadline.detached():
            assert deadline.current() is None
        assert deadline.current() is not None


def test_an_error_in_the_block_restores_what_was() -> None:
    def broken() -> None:
        with deadline.adopt(1.0):
            raise LookupError

    context = contextvars.copy_context()
    with pytest.raises(LookupError):
        context.run(broken)
    assert context.run(deadline.current) is None
