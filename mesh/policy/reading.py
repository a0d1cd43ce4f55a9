"""What do the policy files say? All of them read and validated, all errors at once, with file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mesh.policy.contracts import Contract, NoContract, contract
from mesh.policy.schema import GATEWAY, CallerFile, Method, PolicyFile, ServiceFile
from mesh.resilience import PolicyInvalid
from mesh.yaml_lines import Lines, Unreadable, complaints, loaded

FILE = "policy.yaml"


class PoliciesInvalid(Exception):
    """Some file is not a policy. `problems` has a line for each error."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """One policy file: what it says, and in which line it says what."""

    path: str  # relative to the checkout
    content: PolicyFile
    contract: Mapping[str, Contract]  # empty for one who only calls
    lines: Lines

    def line(self, *place: str | int) -> str:
        """`path:line` of the innermost mapping or value there is on the way to `place`."""
        return f"{self.path}:{self.lines.line(place)}"


def read(root: Path) -> Mapping[str, Document]:
    """Every services/<name>/policy.yaml below `root`, by name. Raises PoliciesInvalid."""
    problems: list[str] = []
    documents: dict[str, Document] = {}
    for file in sorted((root / "services").glob(f"*/{FILE}")):
        try:
            documents[file.parent.name] = parse(str(file.relative_to(root)), file.read_text())
        except PoliciesInvalid as error:
            problems += error.problems
    if problems:
        raise PoliciesInvalid(problems)
    if not documents:
        raise PoliciesInvalid([f"{root}: there is no services/*/{FILE}"])
    return documents


def parse(path: str, text: str) -> Document:
    """One policy file. Raises PoliciesInvalid."""
    try:
        written, lines = loaded(path, text)
    except Unreadable as error:
        raise PoliciesInvalid(error.problems) from error
    content = _validated(path, written, lines)
    if isinstance(content, CallerFile):
        return Document(path, content, {}, lines)
    return Document(path, content, _matching(path, content, lines), lines)


def _validated(path: str, written: Any, lines: Lines) -> PolicyFile:
    if not isinstance(written, dict):
        raise PoliciesInvalid([f"{path}:1: a policy is a mapping"])
    kind: type[ServiceFile | CallerFile] = CallerFile if written.keys() == {"calls"} else ServiceFile
    try:
        return kind.model_validate(written)
    except ValidationError as error:
        raise PoliciesInvalid(complaints(path, lines, error)) from error


def _matching(path: str, content: ServiceFile, lines: Lines) -> Mapping[str, Contract]:
    """The contract of the service, when the file names exactly its RPCs; pages have none."""
    if content.service is None:
        if content.pages is None or content.methods:
            raise PoliciesInvalid([f"{path}:1: service: Field required"])
        return {}
    try:
        declared = contract(content.service)
    except NoContract:
        line = lines.line(("service",))
        raise PoliciesInvalid([f"{path}:{line}: no contract declares {content.service} (`make protos`)"]) from None
    problems = [
        f"{path}:{lines.line(('methods', name))}: {content.service} has no RPC {name}"
        for name in content.methods
        if name not in declared
    ]
    problems += [
        f"{path}:{lines.line(('methods',))}: {name} of {content.service} has no policy"
        for name in declared
        if name not in content.methods
    ]
    problems += [
        f"{path}:{lines.line(('methods', name))}: {name}: {problem}"
        for name, method in content.methods.items()
        if name in declared
        for problem in _contradictions(method, declared[name])
    ]
    if not content.everywhere and content.mesh.per_try is None:
        problems.append(f"{path}:1: mesh.per_try: Field required")
    if problems:
        raise PoliciesInvalid(problems)
    return declared


def _contradictions(method: Method, declared: Contract) -> Iterator[str]:
    """Where a method's policy is not about the method its contract declares."""
    if method.deadline is None and not (declared.streams and set(method.callers) <= {GATEWAY}):
        yield "only a stream to the outside may have no deadline"
    if method.idempotent and not declared.idempotent:
        yield "the contract does not call it idempotent"
    if isinstance(method.idempotent, str) and (key := method.idempotent.removeprefix("by ")) not in declared.fields:
        yield f"its request has no {key} that a server could know it by"
    if declared.streams and method.mesh_per_try is not None:
        yield "Envoy passes perTryTimeout on as the server's deadline, which would end the stream"
    if method.fallback and declared.streams:
        yield "a stream cannot be answered by a fallback"
    if method.fallback and not declared.parses(method.fallback.default):
        yield f"fallback: {method.fallback.default} is no {declared.descriptor.output_type.name}"
    if method.fallback and not declared.has_parts(method.fallback.parts):
        yield f"fallback: {method.fallback.parts} names no fields of its request and response"
    if method.deadline is not None:
        try:
            method.client()
        except PolicyInvalid as error:
            yield str(error)
