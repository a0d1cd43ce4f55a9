from __future__ import annotations

from pathlib import Path

import pytest

from mesh.chaos.commands.choosing import chosen, layers, wanted
from mesh.chaos.experiment import Change
from mesh.chaos.problems import BadExperiment
from tests.chaos.story import FILE, experiment

STORY = Path("payments-slow.yaml")


def unprotected(*services: str, **layers: bool) -> Change:
    return Change(fault="unprotected", arguments={"services": services, **layers})


def protections(*, control: bool = False, compare: bool = False) -> list[tuple[str, bool]]:
    """What is left of the protection in each run, and whether it is a control."""
    runs = wanted([(experiment(), STORY)], control=control, compare=compare, factor=1.0, abort_above=None)
    return [(run.order.protection, run.control) for run in runs]


def test_an_experiment_is_run_as_it_is() -> None:
    assert protections() == [("both", False)]


def test_its_control_run_comes_after_it() -> None:
    assert protections(control=True) == [("both", False), ("without breakers and bulkheads", True)]


def test_compared_it_is_run_without_each_layer_that_its_control_takes_away() -> None:
    assert protections(compare=True) == [("both", False), ("mesh only", True), ("off", True)]


def test_layers_of_different_services_are_taken_apart() -> None:
    app, mesh = unprotected("orders", app=True), unprotected("payments", mesh=True)
    assert [(title, [each.arguments["services"] for each in changes]) for title, changes in layers((app, mesh))] == [
        ("app only", [("payments",)]),
        ("mesh only", [("orders",)]),
        ("off", [("orders",), ("payments",)]),
    ]


def test_a_change_of_both_layers_is_halved() -> None:
    both = unprotected(app=True, mesh=True)
    taken = [[(each.arguments["app"], each.arguments["mesh"]) for each in changes] for _, changes in layers((both,))]
    assert taken == [[(False, True)], [(True, False)], [(True, True)]]


def test_what_is_no_layer_is_only_taken_with_everything() -> None:
    scaled = Change(fault="scaled", arguments={"deployment": "catalog-v1", "replicas": 1})
    assert [title for title, _ in layers((scaled,))] == ["off"]


def test_a_file_of_ones_own_may_be_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    [(found, file)] = chosen([str(path)], everything=False, fast=False)
    assert (found.name, file) == ("mine", path)


def test_an_unknown_name_is_refused_with_the_way_to_the_known_ones() -> None:
    with pytest.raises(BadExperiment, match=r"no experiment windows.*argosy chaos list"):
        chosen(["windows"], everything=False, fast=False)


def test_the_fast_ones_are_some_of_all() -> None:
    everything = {one.name for one, _ in chosen((), everything=True, fast=False)}
    fast = {one.name for one, _ in chosen((), everything=False, fast=True)}
    assert fast < everything
