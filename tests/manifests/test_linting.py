"""kube-score's findings are problems, unless the one file of exceptions gives a reason; and it holds nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mesh.manifests.checkers import Checkers
from mesh.manifests.linting import Allowed, ExceptionsInvalid, judge, lint, read_allowed
from mesh.manifests.problem import Problem
from tests.manifests.objects import DEPLOYMENT, changed, parsed

CONTAINER = "spec.template.spec.containers.0"
BECAUSE = "It is an example, and examples are small."


def found(checkers: Checkers, *objects: object) -> set[str]:
    return {problem.by.removeprefix("kube-score ") for problem in lint(checkers.kube_score, "here", written(*objects))}


def written(*objects: object) -> str:
    return yaml.safe_dump_all(objects)


def finding(overlay: str = "kind", object_: str = "Deployment/web", message: str = "few") -> Problem:
    return Problem(overlay, object_, "", message, "kube-score replicas")


def allowed(*, overlays: tuple[str, ...] = ("kind",), objects: tuple[str, ...] = ("Deployment/*",)) -> Allowed:
    return Allowed(check="replicas", overlays=overlays, objects=objects, reason=BECAUSE)


def test_a_missing_probe_is_found(checkers: Checkers) -> None:
    one = parsed(DEPLOYMENT)
    del one["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    assert "pod-probes" in found(checkers, one, service)
    assert "pod-probes" not in found(checkers, parsed(DEPLOYMENT), service)


def test_an_optional_check_is_on(checkers: Checkers) -> None:
    assert "container-seccomp-profile" in found(checkers, parsed(DEPLOYMENT))


def test_an_annotation_excuses_nothing(checkers: Checkers) -> None:
    one = changed(DEPLOYMENT, "metadata.annotations", {"kube-score/ignore": "container-resources"})
    assert "container-resources" in found(checkers, one)


def test_what_kube_score_cannot_read_is_a_problem(checkers: Checkers) -> None:
    (problem,) = lint(checkers.kube_score, "here", "kind: Deployment\napiVersion: apps/v1\nspec: [")
    assert problem.by == "kube-score"
    assert "yaml" in problem.message


def test_an_exception_allows_what_it_names_and_nothing_else() -> None:
    findings = [finding(), finding(overlay="production"), finding(object_="StatefulSet/web")]
    judged = judge(findings, [allowed()], "file")
    assert judged.excepted == (findings[0],)
    assert judged.problems == (findings[1], findings[2])
    assert judged.unused == ()


def test_an_exception_may_name_the_words_of_the_finding() -> None:
    one = Allowed(check="replicas", overlays=("*",), objects=("*",), finding="few", reason=BECAUSE)
    judged = judge([finding(), finding(message="none")], [one], "file")
    assert [problem.message for problem in judged.problems] == ["none"]


@pytest.mark.parametrize(
    ("one", "useless"),
    [
        (allowed(overlays=("kind", "local")), "local"),
        (allowed(objects=("Deployment/*", "Job/*")), "Job/*"),
    ],
)
def test_what_of_an_exception_nothing_needs_is_a_problem(one: Allowed, useless: str) -> None:
    judged = judge([finding()], [one], "file")
    assert [problem.message for problem in judged.unused] == [
        f"replicas: nothing is found in {useless} any more; remove it"
    ]


def test_an_exception_that_nothing_needs_at_all_is_a_problem() -> None:
    assert judge([], [allowed()], "file").unused != ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {check: a, overlays: [kind], objects: ['*']}", "[0.reason] Field required"),
        ("- {check: a, overlays: [kind], objects: ['*'], reason: so}", "[0.reason] String should have at least 20"),
        (f"- {{check: a, overlays: [], objects: ['*'], reason: {BECAUSE!r}}}", "[0.overlays] Tuple should have"),
        (f"- {{check: a, overlay: [kind], objects: ['*'], reason: {BECAUSE!r}}}", "[0.overlay] Extra inputs"),
        ("[", "while parsing"),
    ],
)
def test_exceptions_that_cannot_be_read_say_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(ExceptionsInvalid, match=r"file\.yaml") as error:
        read_allowed(tmp_path / "file.yaml")
    assert complaint in str(error.value)
