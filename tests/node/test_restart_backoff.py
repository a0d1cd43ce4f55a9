from __future__ import annotations

import pytest

from mesh.local.node.restart_backoff import RestartBackoff, should_restart


def test_the_first_restart_is_immediate_then_the_wait_doubles_up_to_five_minutes() -> None:
    backoff, now, waits = RestartBackoff(), 0.0, []
    for _ in range(8):
        waits.append(backoff.delay(now))
        now += waits[-1] + 1
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_minutes_of_running_are_a_new_beginning() -> None:
    backoff = RestartBackoff()
    assert [backoff.delay(0), backoff.delay(1), backoff.delay(700)] == [0, 10, 0]


def test_less_than_ten_minutes_are_not() -> None:
    backoff = RestartBackoff()
    assert [backoff.delay(0), backoff.delay(1), backoff.delay(600)] == [0, 10, 20]


@pytest.mark.parametrize(
    ("policy", "exit_code", "restarted"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_the_restart_policy_decides(policy: str, exit_code: int, restarted: bool) -> None:
    assert should_restart(policy, exit_code) is restarted
