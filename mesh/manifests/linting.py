"""What does kube-score say of an overlay, and which of it is allowed, for which reason?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mesh.manifests.problem import Problem, name_of
from mesh.manifests.schemas import VERSIONS

OPTIONAL = ("container-seccomp-profile", "container-ports-check")

_WARNING = 5
"""kube-score's grades: 1 critical, 5 warning, 10 fine."""
_BY = "kube-score"

Patterns = Annotated[tuple[str, ...], Field(min_length=1)]


class ExceptionsInvalid(Exception):
    """The file of exceptions cannot be read; the message names every mistake in it."""


class Allowed(BaseModel):
    """Findings of one check that are no problem, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str
    """kube-score's by its name, Istio's as `istioctl analyze IST0133`."""
    overlays: Patterns
    objects: Patterns
    """`Kind/name`, as shell patterns."""
    finding: str = "*"
    """The words of the finding, where the check has more than one."""
    reason: Annotated[str, Field(min_length=20)]

    def matches(self, finding: Problem) -> tuple[set[str], set[str]] | None:
        """Which of its overlays and which of its objects the finding is in; None when it is about something else."""
        if finding.by not in {self.check, f"{_BY} {self.check}"} or not fnmatchcase(finding.message, self.finding):
            return None
        overlays = {pattern for pattern in self.overlays if fnmatchcase(finding.where, pattern)}
        objects = {pattern for pattern in self.objects if fnmatchcase(finding.object, pattern)}
        return (overlays, objects) if overlays and objects else None


@dataclass(frozen=True)
class Judged:
    """What is left of the findings."""

    problems: tuple[Problem, ...]
    excepted: tuple[Problem, ...]
    unused: tuple[Problem, ...]
    """Exceptions that no finding needs any more."""


def read_allowed(file: Path) -> tuple[Allowed, ...]:
    """The exceptions in `file`. Raises ExceptionsInvalid naming every mistake at once."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return TypeAdapter(tuple[Allowed, ...]).validate_python(content or [])
    except (OSError, yaml.YAMLError) as error:
        raise ExceptionsInvalid(f"{file}: {error}") from error
    except ValidationError as error:
        said = (f"[{'.'.join(str(part) for part in one['loc'])}] {one['msg']}" for one in error.errors())
        raise ExceptionsInvalid(f"{file}: {'; '.join(said)}") from error


def lint(kube_score: Path, where: str, text: str) -> list[Problem]:
    """Everything critical or worth a warning that kube-score finds in the objects of `text`.

    Annotations in the objects change nothing: exceptions stand in one file.
    """
    flags = ["--output-format=json", f"--kubernetes-version=v{VERSIONS[-1]}"]
    flags += ["--disable-ignore-checks-annotations", "--disable-optional-checks-annotations"]
    flags += [f"--enable-optional-test={check}" for check in OPTIONAL]
    done = subprocess.run([kube_score, "score", *flags, "-"], input=text, check=False, capture_output=True, text=True)
    if not done.stdout.startswith(("[", "null")):
        return [Problem(where, "", "", (done.stderr or done.stdout).strip(), _BY)]
    return list(_findings(where, json.loads(done.stdout) or []))


def judge(findings: Iterable[Problem], allowed: Sequence[Allowed], file: str) -> Judged:
    """Tell the findings that an exception allows from the others, and find what of the exceptions allows nothing."""
    left: list[Problem] = []
    excepted: list[Problem] = []
    used: dict[Allowed, set[str]] = {one: set() for one in allowed}
    for finding in findings:
        matching = {one: matched for one in allowed if (matched := one.matches(finding))}
        (excepted if matching else left).append(finding)
        for one, (overlays, objects) in matching.items():
            used[one] |= overlays | objects
    unused = [
        Problem(file, "", "", f"{one.check}: nothing is found in {pattern} any more; remove it", _BY)
        for one in allowed
        for pattern in (*one.overlays, *one.objects)
        if pattern not in used[one]
    ]
    return Judged(tuple(left), tuple(excepted), tuple(unused))


def _findings(where: str, scored: Iterable[Any]) -> Iterator[Problem]:
    for one in scored:
        name = name_of({"kind": one["type_meta"]["kind"], "metadata": one["object_meta"]})
        for check in one["checks"]:
            if check["skipped"] or check["grade"] > _WARNING:
                continue
            for comment in check["comments"] or [{"path": "", "summary": check["check"]["comment"]}]:
                yield Problem(where, name, comment["path"], comment["summary"], f"{_BY} {check['check']['id']}")
