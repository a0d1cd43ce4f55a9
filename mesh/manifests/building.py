"""What do the folders of k8s/ come to? Every overlay, and overlays with something on top, as kustomize builds them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import yaml

from mesh.manifests.problem import Object, Problem

FOUNDATION = "kind"
"""The overlay that a component is tried on which nothing uses: the one with most in it."""


@dataclass(frozen=True)
class Trial:
    """An overlay with something on top, as it might be deployed."""

    name: str
    overlay: Path
    components: Sequence[Path]
    patches: Sequence[Object] = ()


@dataclass(frozen=True)
class Built:
    """What kustomize made of one folder."""

    name: str
    text: str
    objects: tuple[Object, ...]
    problems: tuple[Problem, ...]
    on: str = ""
    """The overlay it is built on, whose problems are not its own."""


def build_all(root: Path, kubectl: Path, pool: Executor, trials: Iterable[Trial]) -> list[Built]:
    """Build every overlay in `root`, `trials`, and the components that neither uses; all at the same time."""
    overlays = sorted(path.parent for path in root.glob("k8s/overlays/*/kustomization.yaml"))
    wanted = [*trials]
    used = {component for trial in wanted for component in trial.components}
    foundation = root / "k8s" / "overlays" / FOUNDATION
    wanted += [
        Trial(f"{FOUNDATION} + {component.name}", foundation, [component])
        for component in unused_components(root)
        if component not in used
    ]
    with TemporaryDirectory(prefix="argosy-manifests-") as scratch:
        running = [pool.submit(_build, kubectl, overlay, overlay.name) for overlay in overlays]
        for trial in wanted:
            folder = _folder(trial, Path(scratch))
            running.append(pool.submit(_build, kubectl, folder, trial.name, trial.overlay.name))
        return [one.result() for one in running]


def unused_components(root: Path) -> list[Path]:
    """The folders of k8s/components that no overlay leads to."""
    used = {folder for overlay in root.glob("k8s/overlays/*") for folder in _folders_behind(overlay.resolve())}
    every = {path.parent.resolve() for path in root.glob("k8s/components/*/kustomization.yaml")}
    return sorted(every - used)


def _folders_behind(folder: Path) -> Iterator[Path]:
    file = folder / "kustomization.yaml"
    if not file.exists():
        return
    content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    for name in [*content.get("resources", []), *content.get("components", [])]:
        if (inner := (folder / name).resolve()).is_dir():
            yield inner
            yield from _folders_behind(inner)


def _folder(trial: Trial, scratch: Path) -> Path:
    overlay = trial.overlay.resolve()
    folder = Path(mkdtemp(dir=scratch.resolve()))
    # kustomize takes no absolute folders. The namespace: what a component adds has none of its own.
    content = {
        "namespace": yaml.safe_load((overlay / "kustomization.yaml").read_text(encoding="utf-8"))["namespace"],
        "resources": [os.path.relpath(overlay, folder)],
        "components": [os.path.relpath(component.resolve(), folder) for component in trial.components],
        "patches": list(trial.patches),
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def _build(kubectl: Path, folder: Path, name: str, on: str = "") -> Built:
    done = subprocess.run([kubectl, "kustomize", folder], check=False, capture_output=True, text=True)
    said = done.stderr.strip()
    problems = (Problem(name, "", "", said, "kustomize"),) if said or done.returncode else ()
    objects = tuple(one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one)
    return Built(name, done.stdout, objects, problems, on)
