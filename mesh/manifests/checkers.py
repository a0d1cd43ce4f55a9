"""Which programs check, and what do they read? Built once per version, in the user's cache, from a module of their own.

Of their own, so that a new version of a checker does not have the cluster's programs built anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.local.build import Builder, Recipe, remove_unfinished
from mesh.local.go import find_go
from mesh.local.kinds import read_condensed
from mesh.local.programs import CRDS, ensure, key_of, only_builder
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.manifests.kinds import ensure_kinds

MODULE = Path(__file__).parent / "programs"
PACKAGES = {
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
    "compose": "argosy.dev/checkers/compose",
}
RECIPE = Recipe(tags="", linker_flags="-s -w")


@dataclass(frozen=True)
class Checkers:
    """Everything a check runs or reads."""

    kubectl: Path
    istioctl: Path
    kube_score: Path
    compose: Path
    definitions: tuple[Mapping[str, Any], ...]


def ensure_checkers(settings: Settings, progress: Progress, environ: Mapping[str, str] = os.environ) -> Checkers:
    """The checkers, after building or fetching what is missing. Raises BuildFailed when something cannot be had."""
    cluster = ensure(settings, {"kubectl", "istioctl", CRDS}, progress, environ)
    own = _ensure_programs(settings, progress, environ)
    return Checkers(
        cluster.folder / "kubectl",
        cluster.folder / "istioctl",
        own / "kube-score",
        own / "compose",
        (*read_condensed(cluster.crds), *read_condensed(ensure_kinds(settings, progress, environ))),
    )


def _ensure_programs(settings: Settings, progress: Progress, environ: Mapping[str, str]) -> Path:
    made_of = [MODULE / "go.mod", MODULE / "go.sum", *sorted(MODULE.rglob("*.go"))]
    key = key_of(*(file.read_bytes() for file in made_of), RECIPE.text().encode())
    folder = settings.cache / "programs" / key / "bin"
    if any(not (folder / name).exists() for name in PACKAGES):
        with only_builder(settings.cache, progress):
            remove_unfinished(folder.parent)
            missing = {name: package for name, package in PACKAGES.items() if not (folder / name).exists()}
            if missing:
                Builder(find_go(settings.cache), MODULE, RECIPE, environ).build(missing, folder, progress)
    return folder
