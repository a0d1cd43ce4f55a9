"""What do the objectives files say? All of them read and validated, all errors at once, with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mesh.local.problems import LocalClusterError
from mesh.objectives.schema import ObjectivesFile
from mesh.policy.contracts import Contract, NoContract, contract
from mesh.yaml_lines import Lines, Unreadable, complaints, loaded

FILE = "objectives.yaml"
CHECKOUT = Path(__file__).parents[2]


class ObjectivesInvalid(LocalClusterError):
    """Some file does not say what is promised. `problems` has a line for each error."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Objective:
    """What one RPC promises; seconds, and None where nothing is promised."""

    path: str  # /package.Service/Method
    where: str  # file:line
    window: int  # days
    availability: float
    p95: float | None = None
    p99: float | None = None

    @property
    def rpc(self) -> str:
        """The method's name alone: PlaceOrder."""
        return self.path.rpartition("/")[2]

    @property
    def budget(self) -> float:
        """The share of calls that may fail."""
        return 1 - self.availability


def read(root: Path = CHECKOUT) -> Mapping[str, Objective]:
    """Every services/<name>/objectives.yaml below `root`, by path. Raises ObjectivesInvalid."""
    files = sorted((root / "services").glob(f"*/{FILE}"))
    if not files:
        raise ObjectivesInvalid([f"{root}: there is no services/*/{FILE}"])
    return read_files(files, root)


def read_files(files: Iterable[Path], root: Path = CHECKOUT) -> Mapping[str, Objective]:
    """These files' objectives, by path. Raises ObjectivesInvalid."""
    problems: list[str] = []
    found: dict[str, Objective] = {}
    for file in files:
        shown_as = str(file.relative_to(root) if file.is_relative_to(root) else file)
        try:
            found |= parse(shown_as, file.read_text(encoding="utf-8"))
        except OSError as error:
            problems.append(f"{shown_as}: {error.strerror}")
        except ObjectivesInvalid as error:
            problems += error.problems
    if problems:
        raise ObjectivesInvalid(problems)
    return found


def parse(path: str, text: str) -> Mapping[str, Objective]:
    """One file's objectives, by path. Raises ObjectivesInvalid."""
    try:
        written, lines = loaded(path, text)
    except Unreadable as error:
        raise ObjectivesInvalid(error.problems) from error
    content = _validated(path, written, lines)
    declared = _declared(path, content, lines)
    if problems := list(_contradictions(path, content, declared, lines)):
        raise ObjectivesInvalid(problems)
    return {
        declared[name].path: Objective(
            declared[name].path,
            f"{path}:{lines.line(('methods', name))}",
            content.window,
            *(promise.availability, promise.p95, promise.p99),
        )
        for name, promise in content.methods.items()
    }


def _validated(path: str, written: Any, lines: Lines) -> ObjectivesFile:
    try:
        return ObjectivesFile.model_validate(written)
    except ValidationError as error:
        raise ObjectivesInvalid(complaints(path, lines, error)) from error


def _declared(path: str, content: ObjectivesFile, lines: Lines) -> Mapping[str, Contract]:
    try:
        return contract(content.service)
    except NoContract:
        line = lines.line(("service",))
        raise ObjectivesInvalid([f"{path}:{line}: no contract declares {content.service} (`make protos`)"]) from None


def _contradictions(
    path: str, content: ObjectivesFile, declared: Mapping[str, Contract], lines: Lines
) -> Iterator[str]:
    """Where a promise is not about an RPC that its contract declares."""
    for name, promise in content.methods.items():
        where = f"{path}:{lines.line(('methods', name))}"
        if name not in declared:
            yield f"{where}: {content.service} has no RPC {name}"
        elif declared[name].streams and promise.p95 is not None:
            yield f"{where}: {name} is a stream, which lasts as long as its caller likes"
        elif not declared[name].streams and promise.p95 is None:
            yield f"{where}: {name} promises no p95 and p99"
