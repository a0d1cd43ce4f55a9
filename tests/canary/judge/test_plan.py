from pathlib import Path

import pytest

from mesh.canary.plan import Gate, Plan, PlanInvalid, Rules, parse, read


def weights(plan: Plan) -> list[int]:
    return [step.weight for step in plan.steps]


def test_an_empty_file_is_the_default_plan() -> None:
    assert parse("") == Plan()
    assert weights(Plan()) == [10, 25, 50]


def test_a_bare_number_is_a_step_and_the_last_one_promotes() -> None:
    plan = parse("steps: [5, {weight: 20, at_least: 60}]")
    assert [(step.weight, step.at_least, step.promotes) for step in plan.steps] == [(5, 10, False), (20, 60, True)]


def test_gates_are_written_as_one_types_them() -> None:
    step = parse("steps: [{weight: 5, gates: [manual, 'cmd:./smoke.sh --all', {kind: cmd, command: x, timeout: 5}]}]")
    assert step.steps[0].gates == (
        Gate(kind="manual"),
        Gate(kind="cmd", command="./smoke.sh --all"),
        Gate(kind="cmd", command="x", timeout=5),
    )


def test_a_plan_survives_the_journal() -> None:
    plan = parse("{steps: [5, 50], on_death: hold, rules: {alpha: 0.05, kill_switch: {errors: 50}}}")
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_a_smaller_weight_may_hide_a_larger_excess_and_promotion_the_least() -> None:
    plan = parse("steps: [5, 25, 50]")
    assert [plan.rules.excess(step)[0] for step in plan.steps] == pytest.approx([0.25, 0.05, 0.0025])
    assert Rules(exposure=0.5).excess(plan.steps[0]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("steps: []", "steps: a plan has at least one step"),
        ("steps: 5", "steps: this is a list, not 5"),
        ("steps: [10, 5]", "steps: each step must have more weight than the one before: [10, 5]"),
        ("steps: [100]", "steps[0].weight: Input should be less than or equal to 90, not 100"),
        ("steps: [true]", "steps[0]: this is a mapping, not True"),
        ("steps: [{at_least: 5}]", "steps[0].weight: Field required"),
        ("steps: [{weight: 5, gates: [cmd]}]", "steps[0].gates[0]: a gate is `manual`, or `cmd:` and the command"),
        ("stepz: [5]", "stepz: a plan has no such field"),
        ("on_death: panic", "on_death: Input should be 'rollback' or 'hold', not 'panic'"),
        ("block: .inf", "block: Input should be a finite number, not inf"),
        ("rules: {alpha: 0}", "rules.alpha: Input should be greater than 0, not 0"),
        ("rules: {kill_switch: {times: 1}}", "rules.kill_switch.times: Input should be greater than 1, not 1"),
        ("[1]", "the whole: this is a mapping, not [1]"),
    ],
)
def test_a_bad_field_is_named_with_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        parse(text, "plan.yaml")
    assert str(caught.value) == f"plan.yaml:1: {problem}"


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(PlanInvalid) as caught:
        parse("{block: 0, no_data: 0, safe_weight: 95}")
    assert len(str(caught.value).splitlines()) == 3


def test_a_problem_is_told_with_its_line() -> None:
    with pytest.raises(PlanInvalid) as caught:
        parse("block: 5\nsteps:\n- 5\n- weight: 95\n", "plan.yaml")
    assert str(caught.value) == "plan.yaml:4: steps[1].weight: Input should be less than or equal to 90, not 95"


def test_a_field_written_twice_is_not_forgotten() -> None:
    with pytest.raises(PlanInvalid, match="plan:3: block is written twice"):
        parse("block: 5\nwarm_up: 1\nblock: 6")


def test_what_is_no_text_is_no_plan() -> None:
    with pytest.raises(PlanInvalid, match="plan:1: this is no YAML"):
        parse("\0")


def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("block: 5\nsteps: [")
    with pytest.raises(PlanInvalid, match=r"plan\.yaml:2: "):
        read(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match="No such file"):
        read(tmp_path / "plan.yaml")
