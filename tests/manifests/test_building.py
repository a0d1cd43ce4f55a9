"""Every overlay is built, and every component, used or not; what kustomize says against one is a problem of it."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import pytest
import yaml

from mesh.manifests.building import Built, build_all, unused_components
from mesh.manifests.checkers import Checkers

COMPONENT = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours"}}


def write(folder: Path, **kustomization: object) -> None:
    folder.mkdir(parents=True)
    (folder / "object.yaml").write_text(yaml.safe_dump(CONFIG_MAP))
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """An overlay that uses one component through its base, and a component nobody uses."""
    k8s = tmp_path / "k8s"
    write(k8s / "base", resources=["object.yaml"], components=["../components/used"])
    write(k8s / "components" / "used", **COMPONENT, labels=[{"pairs": {"used": "yes"}}])
    write(k8s / "components" / "spare", **COMPONENT, labels=[{"pairs": {"spare": "yes"}}])
    write(k8s / "overlays" / "kind", resources=["../../base"], namespace="shop")
    return tmp_path


def built(checkers: Checkers, root: Path, pool: Executor) -> dict[str, Built]:
    return {one.name: one for one in build_all(root, checkers.kubectl, pool, [])}


def test_a_component_that_no_overlay_uses_is_tried_on_one(checkers: Checkers, small: Path, pool: Executor) -> None:
    assert [folder.name for folder in unused_components(small)] == ["spare"]
    found = built(checkers, small, pool)
    assert set(found) == {"kind", "kind + spare"}
    assert [one["metadata"]["labels"] for one in found["kind"].objects] == [{"used": "yes"}]
    assert [one["metadata"]["labels"] for one in found["kind + spare"].objects] == [{"used": "yes", "spare": "yes"}]
    assert found["kind + spare"].on == "kind"


def test_an_overlay_that_does_not_build_is_a_problem_and_the_others_are_built(
    checkers: Checkers, small: Path, pool: Executor
) -> None:
    write(small / "k8s" / "overlays" / "broken", resources=["../../bass"])
    found = built(checkers, small, pool)
    (problem,) = found["broken"].problems
    assert "bass" in problem.message
    assert found["broken"].objects == ()
    assert found["kind"].problems == ()


def test_a_warning_of_kustomize_is_a_problem(checkers: Checkers, small: Path, pool: Executor) -> None:
    write(small / "k8s" / "overlays" / "old", resources=["../../base"], commonLabels={"old": "yes"})
    (problem,) = built(checkers, small, pool)["old"].problems
    assert "deprecated" in problem.message
