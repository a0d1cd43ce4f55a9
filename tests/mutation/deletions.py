"""Which lines of a file could be missing? One mutant for each: without a statement, a guard, a handler, an argument.

    return, raise, assignment, call     does nothing
    if                                  never holds
    with                                only its block is left
    except, case                        is not there
    element, argument                   is not there, where it has a line of its own

Not docstrings, annotations, imports, nor the one statement of an `if`: the `if` is a mutant already.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from tests.mutation.mutant import NAMED, Mutant

_SIMPLE = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Return | ast.Raise | ast.Break | ast.Continue


class _Place(NamedTuple):
    function: str
    change: str
    lines: range
    delete: Callable[[], object]


def deletions(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file that lacks one thing."""
    for number in count():
        tree = ast.parse(source)  # anew: each mutant spoils one
        for index, place in enumerate(_in_block(tree.body, "", running=False)):
            if index == number:
                place.delete()
                yield Mutant(file, place.function, f"- {place.change}", place.lines, ast.unparse(tree))
                break
        else:
            return


def _in_block(block: list[ast.stmt], function: str, *, running: bool) -> Iterator[_Place]:
    """`running`: the block is in a function, so its statements are behaviour and not declarations."""
    for index, statement in enumerate(block):
        put = partial(block.__setitem__, slice(index, index + 1))
        whole = range(statement.lineno, (statement.end_lineno or 0) + 1)
        if isinstance(statement, NAMED):
            name = f"{function}.{statement.name}".lstrip(".")
            yield from _in_block(statement.body, name, running=not isinstance(statement, ast.ClassDef))
            continue
        if running:
            yield from (_Place(function, text, whole, delete) for text, delete in _of(statement, put))
        if not _declares_names(statement):
            yield from _in_lines_of_their_own(statement, function)
        for inner in _blocks(statement):
            if not _is_all_there_is(statement, inner):
                yield from _in_block(inner, function, running=running)


def _of(statement: ast.stmt, put: Callable[[list[ast.stmt]], None]) -> Iterator[tuple[str, Callable[[], object]]]:
    match statement:
        case ast.AnnAssign(value=None) | ast.Expr(value=ast.Constant()):
            return
        case ast.If():
            yield f"if {ast.unparse(statement.test)}", partial(setattr, statement, "test", ast.Constant(value=False))
        case ast.With() | ast.AsyncWith():
            yield ast.unparse(statement).partition("\n")[0], partial(put, statement.body)
        case ast.Try():
            for handler in statement.handlers:
                others = [each for each in statement.handlers if each is not handler]
                what = f"except {ast.unparse(handler.type) if handler.type else ''}"
                if others or statement.finalbody:
                    yield what, partial(setattr, statement, "handlers", others)
                else:
                    yield what, partial(put, [*statement.body, *statement.orelse])
        case ast.Match():
            for case in statement.cases:
                rest = [each for each in statement.cases if each is not case]
                yield f"case {ast.unparse(case.pattern)}", partial(setattr, statement, "cases", rest)
        case _ if isinstance(statement, _SIMPLE):
            yield " ".join(ast.unparse(statement).split()), partial(put, [ast.Pass()])


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        if inner := getattr(statement, field, None):
            yield inner
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _declares_names(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in {"__all__", "__slots__"}


def _is_all_there_is(statement: ast.stmt, inner: list[ast.stmt]) -> bool:
    return isinstance(statement, ast.If) and len(inner) == 1 and not statement.orelse and isinstance(inner[0], _SIMPLE)


def _in_lines_of_their_own(statement: ast.stmt, function: str) -> Iterator[_Place]:
    for node in _expressions(statement):
        for part, text, delete in _parts(node):
            if part.lineno > node.lineno:
                lines = range(part.lineno, (part.end_lineno or 0) + 1)
                yield _Place(function, " ".join(text.split()), lines, delete)


def _parts(node: ast.AST) -> Iterator[tuple[Any, str, Callable[[], object]]]:
    """What a call or a literal is made of, and how to take it away."""
    match node:
        case ast.Call():
            for word in node.keywords:
                yield word, f"{word.arg}={ast.unparse(word.value)}", partial(node.keywords.remove, word)
        case ast.Tuple() | ast.List() | ast.Set():
            for each in node.elts:
                yield each, ast.unparse(each), partial(node.elts.remove, each)
        case ast.Dict():
            for index, value in enumerate(node.values):
                key = node.keys[index]
                delete = partial(_forget, node, index)
                yield key or value, f"{ast.unparse(key) if key else '**'}: {ast.unparse(value)}", delete


def _forget(node: ast.Dict, index: int) -> None:
    del node.keys[index], node.values[index]


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, but for those in its blocks."""
    waiting: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.expr):
            yield node
        waiting.extend(ast.iter_child_nodes(node))
