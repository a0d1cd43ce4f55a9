"""Which expressions of a file could be wrong? mutmut knows; here they become files without its machinery.

mutmut's own runner keeps its verdicts by number ("breaker ... 3"), which moves with every edit, and forks after
gRPC has begun. So only its catalogue of mutations is used: `<` for `<=`, `and` for `or`, None for an argument.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import libcst
from mutmut.mutation.file_mutation import create_mutations, deep_replace

from tests.mutation.mutant import NAMED, Mutant

_TYPE = re.compile(r"(?<=\bcast\()[\w\".]*, ")
_COMMENT = re.compile(r"(?<=\S)  # .*$")


def mutations(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file's functions, in the order of the file. Decorated functions are left out."""
    module, found, _, _ = create_mutations(file, source)
    texts = {id(statement): module.code_for_node(statement) for statement in module.body}
    holders = {id(part): statement for statement in module.body for part in _functions(statement)}
    for mutation in found:
        holder = holders.get(id(mutation.contained_by_top_level_function))
        if holder is None:
            continue  # a class's declaration
        mutated = deep_replace(holder, mutation.original_node, mutation.mutated_node)
        if not isinstance(mutated, libcst.CSTNode):
            continue
        changed = source.replace(texts[id(holder)], module.code_for_node(mutated), 1)
        if _TYPE.sub("", changed) == _TYPE.sub("", source):
            continue  # what only a type checker reads
        first, before, after = _difference(source.splitlines(), changed.splitlines())
        lines = range(first, first + max(1, len(before)))
        yield Mutant(file, _function_at(source, first), f"{_joined(before)} -> {_joined(after)}", lines, changed)


def _functions(statement: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    if isinstance(statement, libcst.FunctionDef):
        yield statement
    if isinstance(statement, libcst.ClassDef):
        yield from (part for part in statement.body.body if isinstance(part, libcst.FunctionDef))


def _difference(before: list[str], after: list[str]) -> tuple[int, list[str], list[str]]:
    """The number of the first line that differs, and the lines that do."""
    shorter = min(len(before), len(after))
    same = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    tail = next((i for i in range(shorter - same) if before[-1 - i] != after[-1 - i]), shorter - same)
    return same + 1, before[same : len(before) - tail], after[same : len(after) - tail]


def _joined(lines: list[str]) -> str:
    """On one line, without what is only said beside it."""
    return " ".join(" ".join(_COMMENT.sub("", line) for line in lines).split())


def _function_at(source: str, line: int) -> str:
    """The dotted name of the innermost function round a line."""
    name, node = "", ast.parse(source)
    inner: list[ast.AST] = list(node.body)
    while inner:
        part = inner.pop()
        if isinstance(part, NAMED) and part.lineno <= line <= (part.end_lineno or 0):
            name = f"{name}.{part.name}".lstrip(".")
            inner = list(part.body)
    return name
