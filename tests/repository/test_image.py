"""The Dockerfile keeps what docs/images.md promises, as far as it shows without building."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.image.building import NAMES

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
PINNED = re.compile(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}")
COMPILERS = ("gcc", "build-essential", "clang", "apt-get", "--no-binary")

Instruction = tuple[str, str]


def stages(dockerfile: str) -> dict[str, list[Instruction]]:
    """The instructions of each stage, FROM first; what stands before the first stage is under ''."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE))
    found: dict[str, list[Instruction]] = {"": []}
    stage = ""
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.split(" AS ")[1].strip()
            found[stage] = []
        found[stage].append((word, " ".join(rest.split())))
    return found


def base(stage: Sequence[Instruction]) -> str:
    return stage[0][1].split(" AS ")[0]


def ancestry(dockerfile: str, stage: str) -> list[Instruction]:
    """All that makes the image of `stage`, from the bottom."""
    known = stages(dockerfile)
    below = base(known[stage])
    return [*(ancestry(dockerfile, below) if below in known else []), *known[stage]]


def last(dockerfile: str, stage: str, word: str) -> str:
    """What the image of `stage` says with `word` at last."""
    return [rest for one, rest in ancestry(dockerfile, stage) if one == word][-1]


def bases_not_pinned(dockerfile: str) -> list[str]:
    """What is built from and may be something else tomorrow."""
    known = stages(dockerfile)
    defaults = dict(rest.split("=", 1) for word, rest in known[""] if word == "ARG")
    wanted = {base(stage) for name, stage in known.items() if name} - set(known)
    return [one for one in sorted(wanted) if not PINNED.fullmatch(defaults.get(one.strip("${}"), one))]


def copied_from_checkout(dockerfile: str, only: str = "") -> list[str]:
    """What goes from the checkout into the stage `only`, or into any."""
    known = stages(dockerfile)
    chosen = [known[only]] if only else known.values()
    copies = [rest.split() for stage in chosen for word, rest in stage if word == "COPY"]
    return [path for copy in copies if not copy[0].startswith("--from") for path in copy[:-1]]


def not_installed_from_locks(dockerfile: str) -> list[str]:
    """Every `pip install` that takes something else than hashes of wheels."""
    runs = [rest for stage in stages(dockerfile).values() for word, rest in stage if word == "RUN"]
    installs = [command for run in runs for command in run.split("&&") if "pip" in command and " install " in command]
    return [one for one in installs if not {"--require-hashes", "--only-binary"} <= set(one.split())]


def sent_to_builder(path: str) -> bool:
    """Whether .dockerignore lets `path` through."""
    rules = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        if pattern in {"*", path} or path.startswith(f"{pattern}/"):
            sent = rule.startswith("!")
    return sent


def test_the_base_is_pinned_by_digest() -> None:
    assert bases_not_pinned(DOCKERFILE) == []


def test_a_base_by_tag_is_seen() -> None:
    assert bases_not_pinned(re.sub(r"@sha256:[0-9a-f]+", "", DOCKERFILE)) == ["${PYTHON_IMAGE}"]
    assert bases_not_pinned(f"{DOCKERFILE}\nFROM debian:12 AS other\n") == ["debian:12"]


def test_the_base_speaks_the_python_that_the_locks_are_for() -> None:
    speaks = re.findall(r"python:(3\.\d+)\.\d+-slim", DOCKERFILE)
    assert speaks == re.findall(r"--python-version (\S+)", (CHECKOUT / "Makefile").read_text())


def test_only_locked_wheels_are_installed() -> None:
    assert not_installed_from_locks(DOCKERFILE) == []
    files = set(re.findall(r"-r /tmp/(\S+)", DOCKERFILE))
    assert files == {"requirements.txt", "requirements-tools.txt"}


def test_an_install_without_hashes_is_seen() -> None:
    assert not_installed_from_locks(DOCKERFILE.replace("--require-hashes", "")) != []


@pytest.mark.parametrize("target", NAMES)
def test_an_image_runs_as_a_user_who_is_not_root(target: str) -> None:
    assert last(DOCKERFILE, target, "USER") == "10001:10001"


def test_a_stage_that_ends_as_root_is_seen() -> None:
    assert last(f"{DOCKERFILE}USER 0\n", list(stages(DOCKERFILE))[-1], "USER") == "0"


@pytest.mark.parametrize("target", NAMES)
def test_nothing_is_installed_or_compiled_in_the_image_itself(target: str) -> None:
    run = " ".join(rest for word, rest in ancestry(DOCKERFILE, target) if word == "RUN")
    assert " install -r" not in run
    assert "ensurepip" in run, "what installs is removed"
    assert [one for one in COMPILERS if one in DOCKERFILE] == []


@pytest.mark.parametrize("path", sorted(set(copied_from_checkout(DOCKERFILE))))
def test_what_is_copied_exists_and_is_sent_to_the_builder(path: str) -> None:
    assert path == "gen" or (CHECKOUT / path).exists()  # `make protos` makes gen
    assert sent_to_builder(path)


@pytest.mark.parametrize(
    "path", [".git", ".venv", "tests", "README.md", "mesh/local/programs", "mesh/image", "gen/.ready", ".env"]
)
def test_nothing_else_is_sent_to_the_builder(path: str) -> None:
    assert not sent_to_builder(path)


@pytest.mark.parametrize("target", NAMES)
def test_the_image_says_what_it_is(target: str) -> None:
    labels = " ".join(rest for word, rest in ancestry(DOCKERFILE, target) if word == "LABEL")
    named = set(re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", labels))
    assert named == {"title", "description", "version", "revision", "licenses", "base.name"}


def test_every_module_an_image_starts_in_the_manifests_is_in_it() -> None:
    in_image = {"argosy": ("services",), "argosy-tools": ("mesh", "loadtest")}
    started = {
        (container["image"].partition(":")[0], container["command"][2])
        for path in (CHECKOUT / "k8s").rglob("*.yaml")
        for container in containers(yaml.safe_load(path.read_text()))
        if str(container.get("image", "")).startswith("argosy") and "command" in container
    }
    assert started
    assert {module for image, module in started if not module.startswith(in_image[image])} == set()


def containers(node: object) -> list[dict[str, Any]]:
    """Everything that looks like a container, anywhere in a manifest."""
    if isinstance(node, list):
        return [found for one in node for found in containers(one)]
    if not isinstance(node, dict):
        return []
    mine = node.get("containers", [])
    return [*(mine if isinstance(mine, list) else []), *(found for one in node.values() for found in containers(one))]


@pytest.mark.parametrize(
    ("stage", "started"),
    [
        ("services-code", "services/*/__main__.py"),
        ("tools-code", "loadtest/run.py"),
        ("tools-code", "mesh/__main__.py"),
        ("tools-code", "mesh/canary/watchdog/__main__.py"),
    ],
)
def test_the_code_in_an_image_is_all_that_is_imported(stage: str, started: str, tmp_path: Path) -> None:
    assert not_importable(copied_from_checkout(DOCKERFILE, stage), started, tmp_path) == ""


def test_code_that_is_missing_in_an_image_is_seen(tmp_path: Path) -> None:
    assert "mesh" in not_importable(["gen", "services"], "services/catalog/__main__.py", tmp_path)


def not_importable(copied: Sequence[str], started: str, tmp_path: Path) -> str:
    """What Python says, given only what is copied, when it imports each module `started` stands for."""
    for path in copied:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).symlink_to(CHECKOUT / path)
    files = [path.relative_to(CHECKOUT).with_suffix("") for path in CHECKOUT.glob(started)]
    modules = [".".join(path.parts) for path in files]
    ours = [str(CHECKOUT), str(CHECKOUT / "gen")]  # an editable install puts these on the path
    code = (
        f"import importlib, sys; sys.path[:] = ['.', 'gen', *(one for one in sys.path if one not in {ours})]; "
        f"[importlib.import_module(one) for one in {modules}]"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, check=False, capture_output=True, text=True)
    return done.stderr
