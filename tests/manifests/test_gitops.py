"""The samples fit their kinds, and what they deploy is built and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh.manifests.gitops import check_samples, read_samples, trials
from mesh.manifests.schemas import Schemas

APPLICATION = "k8s/gitops/argo-cd/application.yaml"
KUSTOMIZATION = "k8s/gitops/flux/kustomization-shop.yaml"


def replace(checkout: Path, file: str, old: str, new: str) -> None:
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))


def said(checkout: Path, known: Schemas) -> list[str]:
    return [str(problem) for problem in check_samples(checkout, read_samples(checkout), known)]


def test_the_samples_are_right(checkout: Path, known: Schemas) -> None:
    assert said(checkout, known) == []


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        (APPLICATION, ("selfHeal: true", "selfHeel: true"), "'selfHeel' was unexpected"),
        (APPLICATION, ("limit: 5", "limit: five"), "'five' is not of type 'integer'"),
        (APPLICATION, ("overlays/production", "overlays/producton"), "k8s/overlays/producton is no folder"),
        (APPLICATION, ("components/certificate", "components/certificates"), "certificates is no folder"),
        (KUSTOMIZATION, ("prune: true", ""), "'prune' is a required property"),
        (KUSTOMIZATION, ("overlays/production", "overlays/producton"), "k8s/overlays/producton is no folder"),
    ],
)
def test_a_wrong_sample_is_refused(
    checkout: Path, known: Schemas, file: str, change: tuple[str, str], complaint: str
) -> None:
    replace(checkout, file, *change)
    assert [line for line in said(checkout, known) if complaint in line and file in line] != []


def test_what_a_sample_deploys_is_the_overlay_and_its_components(checkout: Path) -> None:
    tried = {trial.name: trial for trial in trials(checkout, read_samples(checkout))}
    assert set(tried) == {APPLICATION, KUSTOMIZATION}
    for trial in tried.values():
        assert trial.overlay.name == "production"
        assert {component.name for component in trial.components} == {"external-secrets", "certificate"}
    assert [patch["target"]["kind"] for patch in tried[KUSTOMIZATION].patches] == ["VirtualService"]


def test_a_sample_that_leads_nowhere_is_not_built(checkout: Path) -> None:
    replace(checkout, APPLICATION, "overlays/production", "overlays/producton")
    assert [trial.name for trial in trials(checkout, read_samples(checkout))] == [KUSTOMIZATION]
