"""`python -m mesh.image build|size|compare|sbom`: make the container images, and say what is in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mesh.command_group import command_group
from mesh.image.archive import Image, opened
from mesh.image.bill import bill_of_materials, mistakes
from mesh.image.building import (
    NAMES,
    Builder,
    Command,
    ImageError,
    Wish,
    build,
    docker_dates_files,
    find_builder,
    leaves_archive,
    save,
)
from mesh.image.comparing import differences
from mesh.image.inventory import is_record, packages
from mesh.image.source import read_source

NOT_SO, CANNOT, INTERRUPTED = 1, 2, 130
MEGABYTE = 1_000_000
LIMITS = {"services": 150 * MEGABYTE}
HERE = Path(__file__).parents[2]

app = command_group(
    "The container images: argosy, with every service, and argosy-tools.",
    epilog="Exit codes: 0 done, 1 too large, or not the same, 2 it cannot be done, and why.",
)
console = Console(soft_wrap=True, highlight=False, markup=False)

Tag = Annotated[str, typer.Option(envvar="TAG", help="Of both images.")]
Platforms = Annotated[
    str, typer.Option("--platform", envvar="PLATFORM", help="linux/amd64,linux/arm64: several go to an OCI archive.")
]
BuilderName = Annotated[str, typer.Option("--builder", envvar="BUILDER", help="docker, podman or buildah.")]
PythonImage = Annotated[str, typer.Option(envvar="PYTHON_IMAGE", help="Another base than the Dockerfile's.")]
Folder = Annotated[Path, typer.Option(help="For archives and bills.", file_okay=False)]
One = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


@app.command("build")
def build_(
    tag: Tag = "dev",
    platforms: Platforms = "",
    builder_name: BuilderName = "",
    python_image: PythonImage = "",
    reports: Folder = HERE / "reports",
) -> None:
    """Build both images and say how large they are.

    \b
    make image TAG=1.0
    make image TAG=1.0 PLATFORM=linux/amd64,linux/arm64     # reports/argosy-1.0.tar, reports/argosy-tools-1.0.tar
    make image BUILDER=buildah
    """  # noqa: D301
    builder = _builder(builder_name)
    source = read_source(HERE, os.environ)
    reports.mkdir(exist_ok=True)
    wanted = tuple(filter(None, platforms.split(",")))
    for target in NAMES:
        wish = Wish(target, tag, wanted, source, reports.absolute(), python_image)
        console.print(f"building {wish.name} with {builder.name}, from {source.revision}")
        for command in build(builder, wish):
            _run(command)
        with _archived(builder, wish.name, wish.archive if leaves_archive(builder, wish) else None) as archive:
            _judge(wish.name, _images(archive), LIMITS.get(target))
    if not builder.dates_files:
        console.print(
            "docker's own builder does not date files: `docker buildx create --use` for the same bytes each time"
        )


@app.command()
def size(archives: list[One]) -> None:
    """Say how many bytes of each image travel, layer by layer.

    \b
    docker save argosy:dev -o argosy.tar && python -m mesh.image size argosy.tar
    """  # noqa: D301
    for archive in archives:
        for image in _images(archive):
            for layer in image.layers:
                console.print(f"  {layer.diff_id}  {layer.compressed / MEGABYTE:6.1f} MB")
            console.print(f"{archive} {image.platform}: {image.compressed / MEGABYTE:.1f} MB compressed")


@app.command()
def compare(one: One, other: One) -> None:
    """Say what differs between two archives: layers by content, then file by file. Exit code 1 when anything does.

    \b
    python -m mesh.image compare first.tar second.tar
    """  # noqa: D301
    with opened(one) as mine, opened(other) as theirs:
        lines = list(differences(mine, theirs))
    for line in lines or ["the same"]:
        console.print(line)
    raise typer.Exit(NOT_SO if lines else 0)


@app.command()
def sbom(
    tag: Tag = "dev",
    builder_name: BuilderName = "",
    archives: Annotated[list[Path] | None, typer.Option("--archive", help="Instead of the builder's images.")] = None,
    reports: Folder = HERE / "reports",
) -> None:
    """Write what is in each image, Python's and Debian's packages, as CycloneDX: reports/sbom-services.cdx.json ...

    \b
    make sbom TAG=1.0
    python -m mesh.image sbom --archive services.tar --archive tools.tar
    """  # noqa: D301
    reports.mkdir(exist_ok=True)
    given = dict(zip(NAMES, archives or [], strict=False))
    builder = None if given else _builder(builder_name)
    for target in given or NAMES:
        name, bill = f"{NAMES[target]}:{tag}", reports / f"sbom-{target}.cdx.json"
        with _archived(builder, name, given.get(target)) as archive:
            text, number = _bill(name, archive)
        bill.write_text(text, encoding="utf-8")
        console.print(f"{bill}: {number} packages in {name}")


def _bill(name: str, path: Path) -> tuple[str, int]:
    with opened(path) as archive:
        image = archive.images()[0]
        found = packages(archive.files(is_record), image.environment)
    text = bill_of_materials(name, image, found)
    if wrong := mistakes(text):
        raise ImageError(f"the bill of materials of {name} is not valid CycloneDX: {wrong}")
    return text, len(found)


def _builder(wanted: str) -> Builder:
    builder = Builder(find_builder(shutil.which, wanted))
    if builder.name != "docker":
        return builder
    asked = subprocess.run(["docker", "buildx", "inspect"], check=False, capture_output=True, text=True)
    if asked.returncode:
        said = asked.stderr.strip().partition("\n")[0]
        raise ImageError(
            f"docker does not build here ({said}); start it, install its buildx, or choose with BUILDER=podman"
        )
    return replace(builder, dates_files=docker_dates_files(asked.stdout))


@contextmanager
def _archived(builder: Builder | None, name: str, archive: Path | None) -> Iterator[Path]:
    """The archive that is there, or one of the builder's image `name` while the block runs."""
    if archive or not builder:
        yield archive or Path()
        return
    with tempfile.TemporaryDirectory(prefix="argosy-image-") as folder:
        path = Path(folder) / "image.tar"
        console.print(f"reading {name}")
        _run(save(builder, name, path))
        yield path


def _images(path: Path) -> list[Image]:
    with opened(path) as archive:
        return archive.images()


def _judge(name: str, images: list[Image], limit: int | None) -> None:
    for image in images:
        bound = f" of {limit / MEGABYTE:.0f} MB at most" if limit else ""
        console.print(f"{name} {image.platform}: {image.compressed / MEGABYTE:.1f} MB compressed{bound}")
        if limit and image.compressed > limit:
            console.print("too large; `python -m mesh.image size` shows its layers", style="red")
            raise typer.Exit(NOT_SO)


def _run(command: Command) -> None:
    if code := subprocess.run(command, cwd=HERE, check=False).returncode:
        raise ImageError(f"`{' '.join(command)}` ended with exit code {code}; its last words are above")


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    try:
        app()
    except ImageError as error:
        console.print(f"image: {error}", style="red")
        sys.exit(CANNOT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
