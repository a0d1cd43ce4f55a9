from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.archives import docker_archive, layer

# A builder that writes an archive where it is told to, as `buildah push docker-archive:` does.
BUILDAH = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/log"
case "$1" in push) target=${4#docker-archive:}; cp "$(dirname "$0")/image.tar" "${target%%:*}" ;; esac
"""


def run(*arguments: str, path: str = "/usr/bin:/bin") -> tuple[int, str]:
    """Exit code and output of the command, with only `path` to find builders on."""
    command = [sys.executable, "-m", "mesh.image", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": path})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    """A folder with a builder in it, whose images hold one byte."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "buildah").write_text(BUILDAH)
    (folder / "buildah").chmod(0o755)
    docker_archive(folder / "image.tar", [layer({"x": "1"})])
    return folder


def test_both_images_are_built_and_measured(builder: Path, tmp_path: Path) -> None:
    code, said = run("build", "--builder", "buildah", "--reports", str(tmp_path), path=f"{builder}:/usr/bin:/bin")
    assert code == 0, said
    assert "argosy:dev linux/amd64: 0.0 MB compressed of 150 MB at most" in said
    assert "argosy-tools:dev linux/amd64: 0.0 MB compressed\n" in said
    log = (builder / "log").read_text()
    assert log.count("build --target services") == log.count("build --target tools") == 1


def test_a_bill_is_written_for_each(builder: Path, tmp_path: Path) -> None:
    code, said = run("sbom", "--builder", "buildah", "--reports", str(tmp_path), path=f"{builder}:/usr/bin:/bin")
    assert code == 0, said
    bills = [json.loads((tmp_path / f"sbom-{target}.cdx.json").read_text()) for target in ("services", "tools")]
    assert [bill["metadata"]["component"]["name"] for bill in bills] == ["argosy", "argosy-tools"]


def test_without_a_builder_the_next_step_is_said(tmp_path: Path) -> None:
    code, said = run("build", "--reports", str(tmp_path), path=str(tmp_path))
    assert (code, said) == (2, "image: docker, podman or buildah is needed to build an image, and not on PATH\n")


def test_a_failed_build_names_its_command(builder: Path, tmp_path: Path) -> None:
    (builder / "buildah").write_text("#!/bin/sh\nexit 125\n")
    code, said = run("build", "--builder", "buildah", "--reports", str(tmp_path), path=f"{builder}:/usr/bin:/bin")
    assert code == 2
    assert "`buildah build --target services" in said
    assert "ended with exit code 125" in said


def test_comparing_says_same_or_what_differs(tmp_path: Path) -> None:
    one = docker_archive(tmp_path / "one.tar", [layer({"app/x": "1"})])
    other = docker_archive(tmp_path / "other.tar", [layer({"app/x": "2"})])
    assert run("compare", str(one), str(one)) == (0, "the same\n")
    code, said = run("compare", str(one), str(other))
    assert code == 1
    assert said.startswith("layer 0: /app/x: ")
