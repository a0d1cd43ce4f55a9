"""Do the samples for Argo CD and Flux fit their kinds, and what do they deploy?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from mesh.manifests.building import Trial
from mesh.manifests.problem import Object, Problem
from mesh.manifests.schemas import Schemas

FOLDER = "k8s/gitops"


@dataclass(frozen=True)
class Sample:
    """One object of k8s/gitops, and the file it is in."""

    file: str
    one: Object


def read_samples(root: Path) -> list[Sample]:
    """Every object in k8s/gitops. Raises YAMLError for a file that is none."""
    return [one for file in sorted((root / FOLDER).rglob("*.yaml")) for one in _read(root, file)]


def _read(root: Path, file: Path) -> list[Sample]:
    with file.open(encoding="utf-8") as opened:
        return [Sample(str(file.relative_to(root)), one) for one in yaml.load_all(opened, yaml.CSafeLoader) if one]


def check_samples(root: Path, samples: Sequence[Sample], schemas: Schemas) -> list[Problem]:
    """What is wrong with the samples themselves: their fields, and the folders they name."""
    found = [problem for sample in samples for problem in schemas.problems(sample.file, sample.one)]
    for trial in (trial for sample in samples for trial in _deployed(root, sample)):
        found += [
            Problem(trial.name, "", "", f"{folder} is no folder with a kustomization.yaml", "gitops")
            for folder in (trial.overlay, *trial.components)
            if not _is_built_from(folder)
        ]
    return found


def trials(root: Path, samples: Sequence[Sample]) -> list[Trial]:
    """What Argo CD and Flux would build, as far as it can be built."""
    every = (trial for sample in samples for trial in _deployed(root, sample))
    return [trial for trial in every if all(map(_is_built_from, (trial.overlay, *trial.components)))]


def _deployed(root: Path, sample: Sample) -> Iterator[Trial]:
    spec = sample.one.get("spec") or {}
    if sample.one.get("kind") == "Application":
        source = spec.get("source") or {}
        yield _trial(root, sample, source, source.get("kustomize") or {})
    elif sample.one.get("kind") == "Kustomization":
        yield _trial(root, sample, spec, spec)


def _trial(root: Path, sample: Sample, source: Object, on_top: Object) -> Trial:
    overlay = (root / str(source.get("path"))).resolve()
    components = [(overlay / name).resolve() for name in on_top.get("components") or []]
    return Trial(sample.file, overlay, components, on_top.get("patches") or [])


def _is_built_from(folder: Path) -> bool:
    return (folder / "kustomization.yaml").is_file()
