"""Kinds of others come from published modules, once, and only in the version that was looked at."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mesh.local.problems import BuildFailed
from mesh.local.settings import Settings
from mesh.manifests.kinds import SOURCES, ensure_kinds

GO = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["env", "GOVERSION"]:
    print("go1.26.0")
else:
    with open(here / "calls", "a") as calls:
        calls.write(sys.argv[-1] + "\\n")
    if (here / "offline").exists():
        sys.exit("no route to the module")
    sums = json.loads((here / "sums").read_text())
    print(json.dumps({{"Sum": sums[sys.argv[-1]], "Dir": str(here / "module")}}))
"""


class Silence:
    """Progress that nobody looks at."""

    def now(self, text: str) -> None:
        pass

    done = now


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a scripted `go`, which knows all modules."""
    folder = tmp_path / "go"
    for source in SOURCES:
        for file in source.files:
            (folder / "module" / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / "module" / file).write_text(f"kind: {Path(file).stem}")
    (folder / "sums").write_text(json.dumps({source.module: source.checksum for source in SOURCES}))
    (folder / "go").write_text(GO.format(python=sys.executable))
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", cache=tmp_path / "cache", programs=None, instance=0)


def test_every_module_is_fetched_once(go: Path, settings: Settings) -> None:
    first = ensure_kinds(settings, Silence(), os.environ)
    assert len(json.loads(first.read_text())) == sum(len(source.files) for source in SOURCES)
    assert ensure_kinds(settings, Silence(), os.environ) == first
    assert (go / "calls").read_text().splitlines() == [source.module for source in SOURCES]


def test_a_module_that_has_changed_is_refused(go: Path, settings: Settings) -> None:
    (go / "sums").write_text(json.dumps({source.module: "h1:other" for source in SOURCES}))
    with pytest.raises(BuildFailed, match="is not what it was: h1:other"):
        ensure_kinds(settings, Silence(), os.environ)
    assert list((settings.cache / "kinds").glob("*")) == []


def test_a_module_that_cannot_be_had_says_why(go: Path, settings: Settings) -> None:
    (go / "offline").touch()
    with pytest.raises(BuildFailed, match="no route to the module"):
        ensure_kinds(settings, Silence(), os.environ)
