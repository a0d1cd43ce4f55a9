"""Is what the documents say one can type accepted, and does every command explain itself?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mesh.canary.commands.group import canary
from mesh.canary.plan import Plan, Rules, parse
from tests.typed_commands import TypedCommands

CHECKOUT = Path(__file__).parents[3]
GUIDE = (CHECKOUT / "docs" / "canary.md").read_text(encoding="utf-8")
CANARY = TypedCommands(canary, "canary")


@pytest.mark.parametrize("document", ["docs/canary.md", "README.md", "docs/operations.md", "docs/kubernetes.md"])
def test_every_canary_command_a_document_names_is_accepted(document: str) -> None:
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    assert CANARY.refused(text) == []
    assert CANARY.typed(text) or document == "docs/kubernetes.md"


def test_what_the_command_line_does_not_know_is_seen() -> None:
    assert CANARY.accepted("canary start catalog --to v2 --gate manual")
    assert not CANARY.accepted("canary begin catalog")
    assert not CANARY.accepted("canary start catalog --forever")
    assert not CANARY.accepted("canary promote catalog")  # without a reason


def test_the_guide_names_every_command_and_every_option() -> None:
    assert CANARY.left_out(GUIDE) == []


@pytest.mark.parametrize("name", CANARY.names)
def test_every_command_explains_itself_with_examples_and_exit_codes(name: str) -> None:
    assert CANARY.explains_itself(name)


def test_the_plan_in_the_guide_is_one_and_names_every_default_as_it_is() -> None:
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    plan, usual = parse(written), Plan()
    assert plan.model_copy(update={"steps": usual.steps}) == usual
    assert set(yaml.safe_load(written)) == set(Plan.model_fields)
    assert set(yaml.safe_load(written)["rules"]) == set(Rules.model_fields)
    assert [step.weight for step in plan.steps] == [step.weight for step in usual.steps]
