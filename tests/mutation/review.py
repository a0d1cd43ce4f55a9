"""Which survivors does somebody answer for? Those in survivors.yaml, each with its reason; no others, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

FILE = Path(__file__).with_name("survivors.yaml")

Reasons = Mapping[str, str]  # by Mutant.key


class Verdict(NamedTuple):
    """Both empty: nothing to do."""

    unexplained: list[str]  # survives, and nobody said why it may
    stale: list[str]  # explained, and does not survive or does not exist any more


def reasons(text: str, files: Collection[str]) -> Reasons:
    """What survivors.yaml says of some files."""
    groups = yaml.safe_load(text) or []
    listed = {key: group["because"].strip() for group in groups for key in group["mutants"]}
    return {key: reason for key, reason in listed.items() if key.partition(" ")[0] in files}


def review(survivors: Collection[str], explained: Iterable[str]) -> Verdict:
    """Compare what survived with what may."""
    allowed = set(explained)
    return Verdict(sorted(set(survivors) - allowed), sorted(allowed - set(survivors)))
