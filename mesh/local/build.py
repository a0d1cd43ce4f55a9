"""How are the programs made? Compiled from published Go modules, all or nothing, counting packages as it goes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesh.local.problems import BuildFailed
from mesh.local.progress import Progress

UNFINISHED = ".unfinished-"
_LAST_WORDS = 1500


@dataclass(frozen=True)
class Recipe:
    """How `go build` is called; part of the key under which its results are kept."""

    tags: str
    linker_flags: str

    def text(self) -> str:
        """Everything in one line."""
        return f"{self.tags} {self.linker_flags}"


@dataclass(frozen=True)
class Builder:
    """Builds packages of the Go module in folder `module` with the program `go`."""

    go: Path
    module: Path
    recipe: Recipe
    environ: Mapping[str, str]

    def build(self, packages: Mapping[str, str], into: Path, progress: Progress) -> None:
        """Build `packages` (file name -> import path) and put all of them into folder `into` when all are built.

        Raises BuildFailed with the compiler's last words.
        """
        into.mkdir(parents=True, exist_ok=True)
        names = ", ".join(packages)
        progress.now(f"fetching the sources of {names}")
        total = len(self._dependencies(packages))
        progress.done(f"sources of {len(packages)} programs ({total} packages)")
        with _unfinished(into.parent) as half:
            # A build cache of its own: it grows to 4 GB and is of no use once the programs are there.
            environ = {**self._environment(), "GOCACHE": str(half / "cache"), "GOTMPDIR": str(half)}
            self._compile(packages, half / "bin", environ, total, progress)
            for name, package in packages.items():
                _built_as(half / "bin", package).replace(into / name)
        progress.done(f"built {names}")

    def module_folder(self, module: str) -> Path:
        """Where the sources of `module` are, fetched when they are not there."""
        self._run(["mod", "download", module], self._environment())
        return Path(self._run(["list", "-m", "-f", "{{.Dir}}", module], self._environment()).strip())

    def _dependencies(self, packages: Mapping[str, str]) -> list[str]:
        command = ["list", "-deps", "-tags", self.recipe.tags, *packages.values()]
        return self._run(command, self._environment()).split()

    def _compile(
        self, packages: Mapping[str, str], into: Path, environ: Mapping[str, str], total: int, progress: Progress
    ) -> None:
        into.mkdir()
        # -v names each package as it is compiled.
        flags = ["-v", "-tags", self.recipe.tags, "-ldflags", self.recipe.linker_flags, "-o", f"{into}/"]
        command = [str(self.go), "build", *flags, *packages.values()]
        said: list[str] = []
        with subprocess.Popen(
            command, cwd=self.module, env=environ, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                for line in process.stderr or ():
                    said.append(line)
                    progress.now(_counted(min(len(said), total), total, packages, into))
            except KeyboardInterrupt:
                process.terminate()
                raise
        code = process.returncode
        if code:
            raise BuildFailed(f"go build ended with {code}:\n" + "".join(said)[-_LAST_WORDS:])

    def _run(self, arguments: list[str], environ: Mapping[str, str]) -> str:
        command = [str(self.go), *arguments]
        done = subprocess.run(command, check=False, cwd=self.module, env=environ, text=True, capture_output=True)
        if done.returncode:
            words = done.stderr[-_LAST_WORDS:]
            raise BuildFailed(f"go {' '.join(arguments[:3])} ended with {done.returncode}:\n{words}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return go_environment(self.environ)


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for the program `go`.

    The user's proxy and module cache are welcome, flags and workspaces of their own projects are not.
    """
    own = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "GO111MODULE": "on"}
    return {**environ, **own}


def remove_unfinished(folder: Path) -> None:
    """Remove what builders that were killed left in `folder`. Only for the holder of its lock."""
    for left in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    half = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    try:
        yield half
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _counted(compiled: int, total: int, packages: Mapping[str, str], into: Path) -> str:
    finished = [name for name, package in packages.items() if _built_as(into, package).exists()]
    programs = f"{len(finished)} of {len(packages)} programs ({', '.join(finished) or 'none yet'})"
    return f"compiling package {compiled} of {total}; finished {programs}"


def _built_as(folder: Path, package: str) -> Path:
    """The file `go build -o folder/` makes of `package`: its last element that is not a major version."""
    *_, before, last = package.split("/")
    return folder / (before if last[0] == "v" and last[1:].isdigit() else last)
