"""What is a mutant? Our code with one thing changed; a test that still passes has promised less than it seems."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
JUDGED = Path("mesh/resilience")
NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One file of ours, changed. `key` says which change it is, wherever the lines have moved to since."""

    file: str  # below JUDGED
    function: str  # dotted, below the module; "" at the top of the file
    change: str  # on one line, for people
    lines: range  # of the original that no longer do what they did
    source: str

    @property
    def key(self) -> str:
        """Function and change. Two that read alike are judged alike."""
        return f"{self.file} {self.function}: {self.change}"

    @property
    def deletes(self) -> bool:
        """Whether something is missing, rather than wrong."""
        return self.change.startswith("- ")

    @property
    def module(self) -> str:
        """What Python imports it as."""
        package = ".".join(JUDGED.parts)
        stem = Path(self.file).stem
        return package if stem == "__init__" else f"{package}.{stem}"

    @property
    def path(self) -> Path:
        """The file it stands in for."""
        return CHECKOUT / JUDGED / self.file
