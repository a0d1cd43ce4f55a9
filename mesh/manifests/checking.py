"""What is wrong with the manifests of a checkout? Every check over every overlay, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from mesh.manifests import compose, gitops
from mesh.manifests.analysis import analyze
from mesh.manifests.building import Built, build_all
from mesh.manifests.checkers import Checkers
from mesh.manifests.linting import judge, lint, read_allowed
from mesh.manifests.problem import Problem
from mesh.manifests.references import unresolved
from mesh.manifests.schemas import Schemas, schemas

EXCEPTIONS = "k8s/lint-exceptions.yaml"


@dataclass(frozen=True)
class Row:
    """What was looked at in one place, and what came of it."""

    name: str
    objects: int
    kinds: int
    excepted: int
    problems: int


@dataclass(frozen=True)
class Report:
    """The whole answer."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def check(root: Path, checkers: Checkers, pool: Executor, now: Callable[[str], None]) -> Report:
    """Check everything in `root`. Raises ExceptionsInvalid when the exceptions cannot be read."""
    allowed = read_allowed(root / EXCEPTIONS)
    composed = pool.submit(compose.check_compose, checkers.compose, root / compose.FILE)
    now("building the overlays in k8s, and what else is put on top of them")
    samples = gitops.read_samples(root)
    builds = build_all(root, checkers.kubectl, pool, gitops.trials(root, samples))
    now(f"checking {sum(len(built.objects) for built in builds)} objects")
    asked = [pool.submit(_ask, checkers, built) for built in builds if built.objects]
    known = schemas(checkers.definitions)  # while the programs run
    found = [problem for built in builds for problem in (*built.problems, *unresolved(built.name, built.objects))]
    found += _by_schema(known, builds)
    found += [problem for answer in asked for problem in answer.result()]
    judged = judge(_without_inherited(builds, found), allowed, EXCEPTIONS)
    # An overlay that does not build finds nothing: that makes no exception superfluous.
    unused = judged.unused if all(built.objects for built in builds) else ()
    others = [*gitops.check_samples(root, samples, known), *composed.result(), *unused]
    problems = tuple(sorted({*judged.problems, *others}))
    return Report(tuple(_rows(builds, samples, problems, judged.excepted)), problems)


def _ask(checkers: Checkers, built: Built) -> list[Problem]:
    linted = lint(checkers.kube_score, built.name, built.text)
    return [*linted, *analyze(checkers.istioctl, built.name, built.text)]


def _by_schema(known: Schemas, builds: Iterable[Built]) -> list[Problem]:
    """Most objects are in several overlays, word for word: each is validated once."""
    before: dict[str, list[Problem]] = {}
    found = []
    for built in builds:
        for one in built.objects:
            text = json.dumps(one, sort_keys=True, default=str)
            if text not in before:
                before[text] = known.problems(built.name, one)
            found += [replace(problem, where=built.name) for problem in before[text]]
    return found


def _without_inherited(builds: Sequence[Built], found: Sequence[Problem]) -> list[Problem]:
    """What is put on top of an overlay answers for what it adds; for nothing when the overlay does not build."""
    on = {built.name: built.on for built in builds}
    broken = {built.name for built in builds if not built.objects}
    there = set(found)
    return [one for one in found if on[one.where] not in broken and replace(one, where=on[one.where]) not in there]


def _rows(
    builds: Sequence[Built], samples: Sequence[gitops.Sample], problems: Sequence[Problem], excepted: Sequence[Problem]
) -> Iterator[Row]:
    looked_at = {built.name: built.objects for built in builds}
    looked_at |= {sample.file: (sample.one, *looked_at.get(sample.file, ())) for sample in samples}
    looked_at |= {compose.FILE: (), EXCEPTIONS: ()}
    for name, objects in looked_at.items():
        kinds = {(one.get("apiVersion"), one.get("kind")) for one in objects}
        of = [sum(one.where == name for one in several) for several in (excepted, problems)]
        yield Row(name, len(objects), len(kinds), *of)
