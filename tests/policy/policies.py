"""The policies that are committed, and the same with something changed: what the linter has to tell apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mesh.policy.graph import Graph
from mesh.policy.lint import lint
from mesh.policy.reading import Document, PoliciesInvalid, parse, read

CHECKOUT = Path(__file__).parents[2]

REMOVED = object()


@cache
def committed() -> Graph:
    return Graph(read(CHECKOUT))


def changed(service: str, changes: Mapping[str, Any]) -> Document:
    """The service's policy with other values at dotted places, `REMOVED` for none. Raises PoliciesInvalid."""
    path = f"services/{service}/policy.yaml"
    written = json.loads(json.dumps(yaml.safe_load((CHECKOUT / path).read_text())))  # aliases become copies
    for place, value in changes.items():
        *way, last = place.split(".")
        node = written
        for part in way:
            node = node.setdefault(part, {})
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return parse(path, yaml.safe_dump(written, sort_keys=False))


def graph(**changes: Mapping[str, Any]) -> Graph:
    """The committed policies, those of the named services changed."""
    return Graph({**committed().documents, **{name: changed(name, those) for name, those in changes.items()}})


def refused(**changes: Mapping[str, Any]) -> dict[str, str]:
    """Which rules refuse the changed policies, each with the first thing it says."""
    found = lint(graph(**changes))
    return {finding.rule: finding.problem for finding in reversed(found)}


def problems(service: str, changes: Mapping[str, Any]) -> list[str]:
    """What is wrong with one changed file, without the place."""
    try:
        changed(service, changes)
    except PoliciesInvalid as error:
        return [problem.split(": ", 1)[1] for problem in error.problems]
    return []
