"""The builder is tried with a scripted `go` that obeys a file: what takes minutes in earnest takes none here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.local import programs as the_programs
from mesh.local.build import UNFINISHED
from mesh.local.problems import BuildFailed
from mesh.local.programs import ENVOY, ISTIO_CRDS, PACKAGES, TO_RUN_A_CLUSTER, ensure, programs_of
from mesh.local.settings import Settings

GO = """#!{python}
import os, pathlib, sys
arguments = sys.argv[1:]
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(" ".join(arguments) + "\\n")
if arguments[:2] == ["env", "GOVERSION"]:
    print("go1.26.0")
elif arguments[:2] == ["list", "-deps"]:
    print("a/package b/package")
elif arguments[:2] == ["list", "-m"]:
    print(here / "module")
elif arguments[0] == "build":
    assert pathlib.Path(os.environ["GOCACHE"]).parent.name.startswith("{unfinished}")
    pathlib.Path(os.environ["GOCACHE"]).mkdir()
    into = pathlib.Path(arguments[arguments.index("-o") + 1])
    packages = arguments[arguments.index("-o") + 2:]
    print("a/package", file=sys.stderr, flush=True)
    for package in packages:
        name = package.split("/")[-1]
        (into / ("server" if name == "v3" else name)).write_text("built")
        if (here / "break").exists():
            sys.exit("broken: " + package)
"""


class Told:
    """Progress that only remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def now(self, text: str) -> None:
        self.lines.append(text)

    def done(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the scripted `go`, which is the first on PATH."""
    folder = tmp_path / "go"
    (folder / "module" / "manifests/charts/base/files").mkdir(parents=True)
    (folder / "module" / ISTIO_CRDS).write_text("spec: {versions: [{name: v1}]}")
    program = folder / "go"
    program.write_text(GO.format(python=sys.executable, unfinished=UNFINISHED))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings(state=tmp_path / "state", cache=tmp_path / "cache", programs=None, instance=0)
    envoy = programs_of(chosen).envoy
    assert envoy is not None
    envoy.parent.mkdir(parents=True)  # as if unpacked before: tests fetch nothing
    envoy.write_text("envoy")
    return chosen


def calls(go: Path) -> list[str]:
    return (go / "calls").read_text().splitlines() if (go / "calls").exists() else []


def test_everything_needed_is_built_once(go: Path, settings: Settings) -> None:
    told = Told()
    built = ensure(settings, TO_RUN_A_CLUSTER, told)
    assert built.missing(TO_RUN_A_CLUSTER) == []
    assert built.missing(PACKAGES) == ["istioctl"]
    assert (built.folder / ENVOY).read_text() == "envoy"
    assert [kind["spec"]["versions"][0]["name"] for kind in json.loads(built.crds.read_text())] == ["v1"]
    assert any("compiling package 1 of 2" in line for line in told.lines)
    count = len(calls(go))
    ensure(settings, TO_RUN_A_CLUSTER, told)
    assert len(calls(go)) == count


def test_a_program_for_later_is_built_when_asked_for(go: Path, settings: Settings) -> None:
    ensure(settings, TO_RUN_A_CLUSTER, Told())
    assert (ensure(settings, {"istioctl"}, Told()).folder / "istioctl").exists()
    assert calls(go)[-1].endswith("istio.io/istio/istioctl/cmd/istioctl")


def test_a_failed_build_leaves_nothing_half_and_says_why(go: Path, settings: Settings) -> None:
    (go / "break").touch()
    with pytest.raises(BuildFailed, match="broken: "):
        ensure(settings, TO_RUN_A_CLUSTER, Told())
    folder = programs_of(settings).folder
    assert [path.name for path in folder.iterdir()] == [ENVOY]
    assert list(folder.parent.glob(f"{UNFINISHED}*")) == []
    (go / "break").unlink()
    assert ensure(settings, TO_RUN_A_CLUSTER, Told()).missing(TO_RUN_A_CLUSTER) == []


def test_what_a_killed_builder_left_is_removed(go: Path, settings: Settings) -> None:
    left = programs_of(settings).folder.parent / f"{UNFINISHED}abc"
    (left / "bin").mkdir(parents=True)
    (left / "bin" / "etcd").touch()
    ensure(settings, TO_RUN_A_CLUSTER, Told())
    assert not left.exists()
    assert calls(go)


def test_a_second_builder_waits_and_says_for_whom(go: Path, settings: Settings) -> None:
    lock = settings.cache / "programs" / "build.lock"
    lock.parent.mkdir(parents=True)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdout.readline() == "held\n"

    class LetsGo(Told):
        def now(self, text: str) -> None:
            super().now(text)
            if text.startswith("waiting"):
                other.communicate()

    told = LetsGo()
    ensure(settings, TO_RUN_A_CLUSTER, told)
    assert f"waiting: a build (pid {other.pid}) already builds programs" in told.lines
    assert calls(go)


HOLDER = """
import sys
from pathlib import Path
from mesh.local.file_lock import hold
with hold(Path(sys.argv[1]), "a build"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_pin_means_other_programs(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = programs_of(settings).folder
    module = tmp_path / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum"):
        (module / name).write_bytes((the_programs.MODULE / name).read_bytes() + b"// changed\n")
    monkeypatch.setattr(the_programs, "MODULE", module)
    assert programs_of(settings).folder != before


def test_a_new_envoy_replaces_the_link_to_the_old_one(go: Path, settings: Settings) -> None:
    programs = ensure(settings, TO_RUN_A_CLUSTER, Told())
    (programs.folder / ENVOY).unlink()
    (programs.folder / ENVOY).symlink_to("/bin/true")
    assert programs.missing({ENVOY}) == [ENVOY]
    assert (ensure(settings, {ENVOY}, Told()).folder / ENVOY).read_text() == "envoy"
    assert calls(go)


def test_given_programs_are_taken_as_they_are_and_never_built(go: Path, settings: Settings, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    chosen = Settings(state=settings.state, cache=settings.cache, programs=given, instance=0)
    with pytest.raises(BuildFailed, match="ARGOSY_PROGRAMS"):
        ensure(chosen, {"kubectl"}, Told())
    (given / "kubectl").touch()
    assert ensure(chosen, {"kubectl"}, Told()).folder == given
    assert calls(go) == []


def test_every_package_is_a_tool_of_the_module() -> None:
    tools = (the_programs.MODULE / "go.mod").read_text().partition("tool (")[2].partition(")")[0].split()
    assert sorted(PACKAGES.values()) == sorted(tools)
