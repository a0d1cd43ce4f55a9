from __future__ import annotations

import pytest

from mesh.chaos.run.phases import UNDOES, Step, next_step


def steps(until: Step | None = None) -> list[Step]:
    """The steps of a run that is to end as soon as it can from `until` on."""
    begun: list[Step] = []
    early = False
    while step := next_step(begun, early=early):
        begun.append(step)
        early = early or step is until
    return begun


def test_a_run_that_nothing_disturbs_takes_every_step_in_order() -> None:
    assert steps() == list(Step)


@pytest.mark.parametrize("until", Step)
def test_a_run_that_ends_early_undoes_what_it_has_begun_and_does_nothing_else(until: Step) -> None:
    begun = steps(until)
    after = begun[begun.index(until) + 1 :]
    expected = [undo for undo, done in UNDOES.items() if done in begun[: begun.index(until) + 1]]
    assert after == [step for step in expected if step not in begun[: begun.index(until) + 1]]


def test_what_was_injected_is_removed_before_what_was_prepared_is_restored() -> None:
    assert steps(Step.PROVE)[-3:] == [Step.REMOVE, Step.UNLOAD, Step.RESTORE]


def test_customers_that_were_never_let_in_are_not_sent_home() -> None:
    assert steps(Step.CONTROL) == [Step.PREPARE, Step.CONTROL, Step.RESTORE]
