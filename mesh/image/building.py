"""Which commands build an image with docker, podman or buildah? Pure; __main__.py runs them.

    one platform     an image in the builder's own store
    several          an OCI archive, which no store needs to hold and any registry client pushes

Layers come out the same each time where the builder can date their files: podman, buildah, and docker with a builder of
its own (`docker buildx create --use`), but not docker's built-in one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mesh.image.source import Source

BUILDERS = ("docker", "podman", "buildah")
NAMES: Mapping[str, str] = {"services": "argosy", "tools": "argosy-tools"}

Command = tuple[str, ...]


class ImageError(Exception):
    """An image cannot be built or read; the message says what to do."""


@dataclass(frozen=True)
class Builder:
    """The program that builds here."""

    name: str
    dates_files: bool = True

    def __post_init__(self) -> None:
        if self.name not in BUILDERS:
            raise ImageError(f"{self.name} is not one of {', '.join(BUILDERS)}")


@dataclass(frozen=True)
class Wish:
    """One image, as asked for."""

    target: str
    tag: str
    platforms: tuple[str, ...]
    source: Source
    archives: Path
    """Where archives go."""
    python_image: str = ""
    """Instead of the Dockerfile's."""

    @property
    def name(self) -> str:
        return f"{NAMES[self.target]}:{self.tag}"

    @property
    def archive(self) -> Path:
        return self.archives / f"{NAMES[self.target]}-{self.tag}.tar"


def find_builder(which: Callable[[str], str | None], wanted: str = "") -> str:
    """The first builder there is, or the one that is wanted. Raises ImageError."""
    for name in [wanted] if wanted else BUILDERS:
        if which(name):
            return name
    missing = wanted or "docker, podman or buildah"
    raise ImageError(f"{missing} is needed to build an image, and not on PATH")


def docker_dates_files(inspected: str) -> bool:
    """Whether the builder that `docker buildx inspect` describes can; docker's built-in one cannot."""
    drivers = [line.partition(":")[2].strip() for line in inspected.splitlines() if line.startswith("Driver:")]
    return drivers != ["docker"]


def leaves_archive(builder: Builder, wish: Wish) -> bool:
    """Whether building writes `wish.archive`; otherwise the image is in the builder's store alone."""
    return len(wish.platforms) > 1 or (builder.name == "docker" and builder.dates_files)


def build(builder: Builder, wish: Wish) -> Sequence[Command]:
    """What to run, in this order, in the checkout."""
    if builder.name == "docker":
        return _docker(wish, dates_files=builder.dates_files)
    return _podman(builder.name, wish)


def save(builder: Builder, name: str, archive: Path) -> Command:
    """Write image `name` of the builder's store to `archive`."""
    if builder.name == "buildah":
        return ("buildah", "push", "--quiet", name, f"docker-archive:{archive}:{name}")
    form = ("--format", "docker-archive") if builder.name == "podman" else ()
    return (builder.name, "save", *form, "--output", str(archive), name)


def _docker(wish: Wish, *, dates_files: bool) -> Sequence[Command]:
    built = ("docker", "buildx", "build", *_said(wish), "--build-arg", f"SOURCE_DATE_EPOCH={wish.source.epoch}")
    named = (*built, "--tag", wish.name)
    several = len(wish.platforms) > 1
    if not (dates_files or several):
        return [(*named, "--load", ".")]
    form = "oci" if several else "docker"
    written = (*named, "--output", f"type={form},dest={wish.archive},rewrite-timestamp=true", ".")
    return [written] if several else [written, ("docker", "load", "--input", str(wish.archive))]


def _podman(program: str, wish: Wish) -> Sequence[Command]:
    built = (program, "build", *_said(wish), "--timestamp", str(wish.source.epoch))
    if len(wish.platforms) < 2:  # noqa: PLR2004 - several
        return [(*built, "--tag", wish.name, ".")]
    pushed = (program, "manifest", "push", "--all", wish.name, f"oci-archive:{wish.archive}")
    return [(*built, "--manifest", wish.name, "."), pushed]


def _said(wish: Wish) -> Command:
    source = wish.source
    arguments = {"VERSION": source.version, "REVISION": source.revision}
    if wish.python_image:
        arguments["PYTHON_IMAGE"] = wish.python_image
    platforms = ("--platform", ",".join(wish.platforms)) if wish.platforms else ()
    return (
        *("--target", wish.target, *platforms),
        *(part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")),
    )
