from __future__ import annotations

import signal
from collections.abc import Iterator

import httpx2
import pytest
import typer

from mesh.chaos.commands.asking import end_with
from mesh.chaos.problems import TOOL_ERROR, ChaosError, Refused


@pytest.fixture(autouse=True)
def told_to_end() -> Iterator[None]:
    """A command changes what SIGTERM does; a test gives it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


async def ending(with_: int | Exception) -> int:
    if isinstance(with_, Exception):
        raise with_
    return with_


def test_a_command_ends_with_the_code_of_its_work() -> None:
    with pytest.raises(typer.Exit) as ended:
        end_with(ending(3))
    assert ended.value.exit_code == 3


def test_a_mistake_of_ours_does_not_look_like_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        end_with(ending(KeyError("window")))
    assert ended.value.exit_code == TOOL_ERROR
    assert "KeyError: 'window'" in capsys.readouterr().err


def test_a_refusal_stays_one() -> None:
    with pytest.raises(Refused):
        end_with(ending(Refused("somebody else is at work")))


def test_an_api_server_that_is_silent_is_a_problem_of_the_cluster() -> None:
    with pytest.raises(ChaosError, match="does not answer"):
        end_with(ending(httpx2.ConnectError("refused")))
