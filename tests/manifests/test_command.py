"""`python -m mesh.manifests check`: the exit code is the answer, and every problem is told at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mesh.manifests.__main__ import app
from mesh.manifests.checkers import Checkers

pytestmark = pytest.mark.usefixtures("checkers")  # built in peace, not within the time of a test


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_the_manifests_are_right() -> None:
    done = typed("--json")
    answer = json.loads(done.stdout)
    assert answer["problems"] == []
    assert done.exit_code == 0
    assert {row["name"] for row in answer["checked"]} >= {"kind", "local", "production", "compose.yaml"}


def test_every_problem_is_told_at_once_where_it_is_and_by_whom(checkout: Path) -> None:
    for file, old, new in (
        ("k8s/base/catalog/deployment/deployment.yaml", "command:", "comand:"),
        ("k8s/components/istio/catalog/virtual-service.yaml", "subset: v1", "subset: v7"),
        ("k8s/gitops/flux/git-repository.yaml", "interval: 1m", "interval: soon"),
        ("compose.yaml", "services:", "servicez:"),
        ("k8s/lint-exceptions.yaml", "overlays: [local]", "overlays: [local, nowhere]"),
    ):
        text = (checkout / file).read_text()
        assert old in text, file
        (checkout / file).write_text(text.replace(old, new, 1))
    done = typed("--root", str(checkout))
    assert done.exit_code == 1
    for line in (
        "kind Deployment/catalog-v1 spec.template.spec.containers[0]: Additional properties are not allowed",
        "production Deployment/catalog-v1 spec.template.spec.containers[0]: Additional properties are not allowed",
        "[istioctl analyze IST0101]",
        "k8s/gitops/flux/git-repository.yaml GitRepository/argosy spec.interval:",
        "compose.yaml:",
        "nothing is found in nowhere any more; remove it",
    ):
        assert line in done.stderr, done.stderr
    assert "kind + load Deployment/catalog-v1" not in done.stderr  # it is kind's


def test_an_overlay_that_does_not_build_is_the_only_problem(checkout: Path) -> None:
    kustomization = checkout / "k8s" / "overlays" / "kind" / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("../../base", "../../bass"))
    problems = json.loads(typed("--root", str(checkout), "--json").stdout)["problems"]
    assert [(problem["where"], problem["by"]) for problem in problems] == [("kind", "kustomize")]


def test_exceptions_that_cannot_be_read_end_with_2(checkout: Path) -> None:
    (checkout / "k8s" / "lint-exceptions.yaml").write_text("- check: a")
    done = typed("--root", str(checkout))
    assert done.exit_code == 2
    assert "not checked: " in done.stderr
    assert "[0.reason] Field required" in done.stderr


def test_a_file_that_is_no_yaml_ends_with_2_and_its_name(checkout: Path) -> None:
    (checkout / "k8s" / "gitops" / "flux" / "git-repository.yaml").write_text("kind: [")
    done = typed("--root", str(checkout))
    assert done.exit_code == 2
    assert 'git-repository.yaml", line' in done.stderr


def test_a_program_that_cannot_be_had_ends_with_2(
    checkers: Checkers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOSY_PROGRAMS", str(tmp_path))
    done = typed()
    assert done.exit_code == 2
    assert "holds no kubectl, istioctl" in done.stderr
