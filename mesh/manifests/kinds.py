"""Who defines the kinds that are neither Kubernetes' nor Istio's? Published Go modules, fetched once, by checksum.

<cache>/kinds/<key>.json        the CustomResourceDefinitions in them
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mesh.local.build import go_environment
from mesh.local.go import find_go
from mesh.local.problems import BuildFailed
from mesh.local.programs import key_of, only_builder, write_whole
from mesh.local.progress import Progress
from mesh.local.settings import Settings

_LAST_WORDS = 800


@dataclass(frozen=True)
class Source:
    """A Go module, its checksum as in a go.sum, and the files in it that define kinds."""

    module: str
    checksum: str
    files: tuple[str, ...]


# Where the newest version wants a newer Go than ours, the newest that does not.
SOURCES = (
    Source(
        "github.com/argoproj/argo-cd/v3@v3.4.13",
        "h1:kmnF4nE5SQ83OhtdX6DMmLSpH0eRIa1gNYdCLNHqB+A=",
        ("manifests/crds/application-crd.yaml",),
    ),
    Source(
        "github.com/cert-manager/cert-manager@v1.21.2",
        "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
        ("deploy/crds/cert-manager.io_certificates.yaml",),
    ),
    Source(
        "github.com/external-secrets/external-secrets@v1.3.2",
        "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        ("config/crds/bases/external-secrets.io_externalsecrets.yaml",),
    ),
    Source(
        "github.com/fluxcd/kustomize-controller@v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        ("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    ),
    Source(
        "github.com/fluxcd/source-controller@v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        ("config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",),
    ),
)


def ensure_kinds(settings: Settings, progress: Progress, environ: Mapping[str, str]) -> Path:
    """The file of definitions, after fetching what is missing. Raises BuildFailed when a module cannot be had."""
    file = settings.cache / "kinds" / f"{key_of(repr(SOURCES).encode())}.json"
    if not file.exists():
        with only_builder(settings.cache, progress):
            go = find_go(settings.cache)
            folders = [(_fetched(go, source, progress, environ), source.files) for source in SOURCES]
            write_whole(file, json.dumps([_read(folder / name) for folder, names in folders for name in names]))
        progress.done(f"kinds of {len(SOURCES)} modules")
    return file


def _fetched(go: Path, source: Source, progress: Progress, environ: Mapping[str, str]) -> Path:
    progress.now(f"fetching the kinds of {source.module}")
    command = [str(go), "mod", "download", "-json", source.module]
    # Outside of any module: `go` would else write the version into that one.
    with tempfile.TemporaryDirectory(prefix="argosy-kinds-") as nowhere:
        done = subprocess.run(
            command, check=False, cwd=nowhere, env=go_environment(environ), capture_output=True, text=True
        )
    if done.returncode:
        words = (done.stdout + done.stderr)[-_LAST_WORDS:]
        raise BuildFailed(f"{source.module} cannot be fetched:\n{words}")
    said = json.loads(done.stdout)
    if said["Sum"] != source.checksum:
        raise BuildFailed(f"{source.module} is not what it was: {said['Sum']} instead of {source.checksum}")
    return Path(said["Dir"])


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
