from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid

from mesh.chaos.experiment import Change, Experiment, Limit, Phase
from mesh.chaos.experiment_file import EXPERIMENTS, all_experiments, parse, read
from mesh.chaos.faults.known import made
from mesh.chaos.look.journal import as_written
from mesh.chaos.problems import BadExperiment
from tests.chaos.story import FILE, experiment

FILES = sorted(EXPERIMENTS.glob("*.yaml"))


@pytest.fixture(autouse=True)
def quiet_toolkit() -> Iterator[None]:
    """The Toolkit logs what it validates."""
    logging.getLogger("logzero_default").disabled = True
    yield
    logging.getLogger("logzero_default").disabled = False


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_is_an_experiment_to_us_and_to_the_chaos_toolkit(path: Path) -> None:
    assert read(path).name == path.stem
    ensure_experiment_is_valid(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_change_in_a_file_can_be_made(path: Path) -> None:
    found = read(path)
    for change in (*found.faults, *found.details.prepare, *found.details.control.changes):
        assert made(change).kind == change.fault


def test_titles_are_questions_and_each_experiment_answers_another_one() -> None:
    found = all_experiments()
    assert [one.name for one in found if not one.title.endswith("?")] == []
    assert len({one.title for one in found}) == len(found)
    rows = [(one.details.failure_mode.dependency, one.details.failure_mode.failure) for one in found]
    assert len(set(rows)) == len(rows)


def test_what_is_read_is_what_the_toolkit_would_run() -> None:
    document = as_written(experiment())
    assert document == {**yaml.safe_load(FILE)}
    ensure_experiment_is_valid(document)


def test_the_toolkit_refuses_what_names_no_function_of_ours() -> None:
    document = yaml.safe_load(FILE.replace("func: inject", "func: break"))
    with pytest.raises(ChaosException):
        ensure_experiment_is_valid(document)


def test_the_faults_are_those_of_the_method() -> None:
    assert experiment().faults == (Change(fault="server-slow", arguments={"app": "payments", "seconds": 2}),)


CONTROL = "    changes: [{fault: unprotected, arguments: {app: true}}]\n"
LIMIT = "{metric: orders.failed_share, at_most: 0.5}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("description: Every", "descriptoin: Every", "descriptoin: an experiment has no such field"),
        ("description: Every charge takes two seconds longer.\n", "", "description: Field required"),
        ("orders.failed_share", "orders.failures", "hypothesis[0].metric: there is no metric orders.failures"),
        ("orders.failed_share", "carts.failed_share", "there is no metric carts.failed_share"),
        (LIMIT, "{metric: orders.failed_share}", "a limit has at_least, at_most or both"),
        (LIMIT, "{metric: orders.calls, at_least: 3, at_most: 2}", "nothing is at least 3 and at most 2"),
        (LIMIT, "{metric: orders.calls, at_most: .inf}", "Input should be a finite number"),
        (LIMIT, "{metric: pages.failed_share, at_most: 0.5}", "hypothesis[0] is about pages, and the load has none"),
        ("phase: fault", "phase: later", "hypothesis[1].phase: Input should be"),
        ("stream: orders", "stream: pages", "the steady state is about pages, and the load has none"),
        ("tolerance: [0.99, 1.0]", "tolerance: [0.99]", "tolerance[1]"),
        ("tolerance: [0.99, 1.0]", "tolerance: [1.0, 0.99]", "nothing is at least 1 and at most 0.99"),
        ("mesh.chaos.toolkit", "chaosistio.fault.actions", "module: Input should be 'mesh.chaos.toolkit'"),
        ("func: inject", "func: remove", "func: Input should be 'inject'"),
        ("type: python", "type: http", "type: Input should be 'python'"),
        ("load: {orders: 8", "load: {orders: -8", "load.orders: Input should be greater than or equal to 0"),
        ("targets: [payments]", "seconds: 50", "it may take 75 s, and no experiment takes more than 60"),
        (CONTROL, "    changes: []\n", "control.changes: Tuple should have at least 1 item"),
        ("- name: argosy", "- name: argo", "name: Input should be 'argosy'"),
    ],
)
def test_what_is_no_experiment_is_refused_where_it_is_wrong(old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(BadExperiment) as refused:
        parse(FILE.replace(old, new, 1), "wrong", "wrong.yaml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("wrong.yaml:")


@pytest.mark.parametrize("change", ["seconds: 3}", "server-quick, arguments: {app: payments, seconds: 2}"])
def test_rollbacks_that_do_not_undo_the_method_are_refused(change: str) -> None:
    head, _, tail = FILE.rpartition("server-slow, arguments: {app: payments, seconds: 2}")
    wrong = change if change.startswith("server") else f"server-slow, arguments: {{app: payments, {change}"
    with pytest.raises(BadExperiment, match="the rollbacks have to remove what the method injects"):
        parse(head + wrong + tail, "wrong")


def test_a_key_that_is_written_twice_is_refused() -> None:
    with pytest.raises(BadExperiment, match="title is written twice"):
        parse(FILE + "title: Another?\n", "wrong")


@pytest.mark.parametrize("text", ["- a list", "", "name: mine\ntitle: x", "a: [", "\t"])
def test_a_file_that_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(BadExperiment):
        parse(text, "wrong")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExperiment, match=r"nowhere\.yaml"):
        read(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xe9")
    with pytest.raises(BadExperiment, match=r"latin\.yaml"):
        all_experiments(tmp_path)


def test_experiments_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(FILE)
    assert [one.name for one in all_experiments(tmp_path)] == ["a", "b"]


def test_a_limit_says_itself() -> None:
    assert str(Limit(metric="orders.p99_ms", at_most=50, phase=Phase.FAULT)) == "orders.p99_ms at most 50 (fault)"
    assert str(Limit(metric="orders.calls", at_least=1, at_most=2)) == "orders.calls at least 1 and at most 2 (all)"


@pytest.mark.parametrize(("value", "met"), [(0.9, False), (1, True), (2, True), (2.1, False)])
def test_a_limit_includes_its_bounds(value: float, met: bool) -> None:
    assert Limit(metric="orders.calls", at_least=1, at_most=2).met(value) is met


def test_a_copy_says_the_same() -> None:
    document: dict[str, Any] = as_written(experiment())
    assert Experiment.model_validate({**document, "name": "payments-slow"}) == experiment()
