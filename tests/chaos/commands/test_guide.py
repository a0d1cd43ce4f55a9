"""Is what the documents say one can type accepted, and does the guide say all there is to say?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mesh.chaos.commands.group import chaos
from mesh.chaos.experiment import METRIC, Details
from mesh.chaos.experiment_file import parse
from mesh.chaos.faults.known import made
from mesh.chaos.verdict import Outcome
from tests.typed_commands import TypedCommands

CHECKOUT = Path(__file__).parents[3]
GUIDE = (CHECKOUT / "docs" / "chaos.md").read_text(encoding="utf-8")
CHAOS = TypedCommands(chaos, "chaos")


@pytest.mark.parametrize("document", ["docs/chaos.md", "README.md", "docs/operations.md", "docs/kubernetes.md"])
def test_every_chaos_command_a_document_names_is_accepted(document: str) -> None:
    assert CHAOS.refused((CHECKOUT / document).read_text(encoding="utf-8")) == []


def test_what_the_command_line_does_not_know_is_seen() -> None:
    assert CHAOS.accepted("chaos run payments-slow --control")
    assert not CHAOS.accepted("chaos break payments-slow")
    assert not CHAOS.accepted("chaos run payments-slow --forever")


def test_the_guide_names_every_command_and_every_option() -> None:
    assert CHAOS.left_out(GUIDE) == []


@pytest.mark.parametrize("name", CHAOS.names)
def test_every_command_explains_itself_with_examples_and_exit_codes(name: str) -> None:
    assert CHAOS.explains_itself(name)


def test_the_guide_names_every_verdict_with_its_exit_code() -> None:
    assert [one for one in Outcome if f"| {one} | {one.exit_code} |" not in GUIDE] == []


def test_the_experiment_in_the_guide_is_one_and_names_every_default_as_it_is() -> None:
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    experiment = parse(written, "mine")
    for change in (*experiment.faults, *experiment.details.control.changes):
        assert made(change).kind == change.fault
    details = yaml.safe_load(written)["extensions"][0]
    assert set(details) == set(Details.model_fields)
    for name in ("load", "steady_seconds", "seconds", "recovery_seconds", "fast"):
        assert getattr(experiment.details, name) == Details.model_fields[name].default


def test_the_guide_names_every_metric() -> None:
    names = re.findall(r"[a-z0-9]+_[a-z0-9_]+|calls|failed|tries|errors|rejected|amplification", METRIC)
    assert [name for name in names if name not in GUIDE] == []
