from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh.image.building import Builder, ImageError, Wish, build, docker_dates_files, find_builder, leaves_archive, save
from mesh.image.source import Source, read_source

SOURCE = Source(version="1.0", revision="abc", epoch=1_700_000_000)
BOTH = ("linux/amd64", "linux/arm64")


def wish(*platforms: str) -> Wish:
    return Wish("services", "1.0", platforms, SOURCE, Path("/reports"))


def having(*programs: str) -> Callable[[str], str | None]:
    """A machine with these programs on PATH."""
    return lambda name: f"/usr/bin/{name}" if name in programs else None


def test_the_first_builder_there_is_builds() -> None:
    assert find_builder(having("podman", "buildah")) == "podman"


def test_a_machine_without_a_builder_is_told_which_there_are() -> None:
    with pytest.raises(ImageError, match="docker, podman or buildah is needed"):
        find_builder(having())


def test_a_builder_that_is_wanted_and_missing_is_not_replaced() -> None:
    with pytest.raises(ImageError, match="podman is needed"):
        find_builder(having("docker"), "podman")


def test_a_program_nobody_knows_is_refused() -> None:
    with pytest.raises(ImageError, match="kaniko is not one of docker, podman, buildah"):
        Builder("kaniko")


@pytest.mark.parametrize("program", ["podman", "buildah"])
def test_podman_and_buildah_date_files_with_the_commit(program: str) -> None:
    (command,) = build(Builder(program), wish())
    assert command[:2] == (program, "build")
    assert command[command.index("--timestamp") + 1] == "1700000000"
    assert command[command.index("--tag") + 1] == "argosy:1.0"


def test_docker_dates_files_where_it_can_and_loads_what_it_wrote() -> None:
    built, loaded = build(Builder("docker"), wish())
    assert "type=docker,dest=/reports/argosy-1.0.tar,rewrite-timestamp=true" in built
    assert "SOURCE_DATE_EPOCH=1700000000" in built
    assert loaded == ("docker", "load", "--input", "/reports/argosy-1.0.tar")


def test_dockers_own_builder_is_not_asked_for_what_it_cannot() -> None:
    (command,) = build(Builder("docker", dates_files=False), wish())
    assert "--load" in command
    assert "rewrite-timestamp" not in " ".join(command)


@pytest.mark.parametrize(
    ("driver", "dates_files"), [("docker", False), ("docker-container", True), ("kubernetes", True), ("remote", True)]
)
def test_which_of_dockers_builders_date_files(driver: str, dates_files: bool) -> None:
    assert docker_dates_files(f"Name:   default\nDriver: {driver}\n\nNodes:\nName: default\n") is dates_files


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
def test_several_platforms_become_one_oci_archive(program: str) -> None:
    commands = build(Builder(program), wish(*BOTH))
    said = " ".join(" ".join(command) for command in commands)
    assert "--platform linux/amd64,linux/arm64" in said
    assert "/reports/argosy-1.0.tar" in said
    assert "oci" in said


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
@pytest.mark.parametrize("dates_files", [True, False])
@pytest.mark.parametrize("platforms", [(), BOTH])
def test_an_archive_is_expected_where_one_is_written(
    program: str, dates_files: bool, platforms: tuple[str, ...]
) -> None:
    builder, asked = Builder(program, dates_files=dates_files), wish(*platforms)
    written = any(str(asked.archive) in word for command in build(builder, asked) for word in command)
    assert leaves_archive(builder, asked) is written


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
def test_an_image_says_which_commit_it_is_from(program: str) -> None:
    assert {"VERSION=1.0", "REVISION=abc"} <= set(build(Builder(program), wish())[0])


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
def test_another_base_may_be_given(program: str) -> None:
    other = Wish("services", "1.0", (), SOURCE, Path("/reports"), python_image="python:3.11-slim")
    assert "PYTHON_IMAGE=python:3.11-slim" in build(Builder(program), other)[0]
    assert not any(word.startswith("PYTHON_IMAGE") for word in build(Builder(program), wish())[0])


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
def test_an_image_is_saved_where_it_is_asked_for(program: str) -> None:
    assert any("/tmp/one.tar" in word for word in save(Builder(program), "argosy:dev", Path("/tmp/one.tar")))  # noqa: S108


def checkout(folder: Path) -> Path:
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message=one"],
    ):
        subprocess.run(
            ["git", "-C", folder, *command], check=True, env={"PATH": "/usr/local/bin:/usr/bin:/bin", **DATE}
        )
    return folder


DATE = {"GIT_COMMITTER_DATE": "1700000000 +0000", "GIT_AUTHOR_DATE": "1700000001 +0000"}


def test_the_source_is_the_commit_and_its_date(tmp_path: Path) -> None:
    source = read_source(checkout(tmp_path), {})
    assert (source.version, source.epoch, len(source.revision)) == ("1.2.3", 1_700_000_000, 40)


def test_a_changed_checkout_says_so(tmp_path: Path) -> None:
    (checkout(tmp_path) / "more").write_text("")
    assert read_source(tmp_path, {}).revision.endswith("-dirty")


def test_a_page_that_was_measured_anew_changes_nothing_that_runs(tmp_path: Path) -> None:
    page = checkout(tmp_path) / "docs" / "capacity.md"
    page.parent.mkdir()
    page.write_text("")
    assert not read_source(tmp_path, {}).revision.endswith("-dirty")


def test_source_date_epoch_overrules_the_commits_date(tmp_path: Path) -> None:
    assert read_source(checkout(tmp_path), {"SOURCE_DATE_EPOCH": "5"}).epoch == 5


def test_without_git_the_revision_is_unknown_and_the_date_the_first_one(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    assert read_source(tmp_path, {}) == Source("1.2.3", "unknown", 0)
