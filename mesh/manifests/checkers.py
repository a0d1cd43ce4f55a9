"""Which programs check, and what do they read? Built once per version, in the user's cache, from their own module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.local.build import Recipe
from mesh.local.kinds import read_condensed
from mesh.local.programs import CRDS, ProgramSet, ensure
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.manifests.kinds import ensure_kinds

PROGRAMS = ProgramSet(
    Path(__file__).parent / "programs",
    {
        "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
        "compose": "argosy.dev/checkers/compose",
    },
    Recipe(tags="", linker_flags="-s -w"),
)


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
    own = PROGRAMS.ensure(settings, progress, environ)
    return Checkers(
        cluster.folder / "kubectl",
        cluster.folder / "istioctl",
        own / "kube-score",
        own / "compose",
        (*read_condensed(cluster.crds), *read_condensed(ensure_kinds(settings, progress, environ))),
    )
