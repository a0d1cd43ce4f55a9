"""Is what the documents say one can type accepted, and does every command explain itself?"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from typer._click.exceptions import UsageError

from mesh.canary.commands.group import canary
from mesh.canary.plan import Plan, Rules, parse

CHECKOUT = Path(__file__).parents[3]
GUIDE = (CHECKOUT / "docs" / "canary.md").read_text(encoding="utf-8")
TYPED = re.compile(r"argosy (canary [a-z][^`\n]*)")
COMMANDS = [str(command.callback.__name__) for command in canary.registered_commands if command.callback]
GROUP = typer.main.get_group(canary)


def accepted(line: str) -> bool:
    """Whether the command line knows what is typed there."""
    words = shlex.split(re.split(r"\s(?:[|>#]|2>|&&)", line)[0])[1:]
    name, arguments = words[0], words[1:]
    if not arguments:
        return name in COMMANDS  # only mentioned
    try:
        GROUP.commands[name].make_context(name, arguments)
    except (KeyError, UsageError):
        return False
    return True


@pytest.mark.parametrize("document", ["docs/canary.md", "README.md", "docs/operations.md", "docs/kubernetes.md"])
def test_every_canary_command_a_document_names_is_accepted(document: str) -> None:
    lines = TYPED.findall((CHECKOUT / document).read_text(encoding="utf-8"))
    assert [line for line in lines if not accepted(line)] == []
    assert lines or document == "docs/kubernetes.md"


def test_what_the_command_line_does_not_know_is_seen() -> None:
    assert accepted("canary start catalog --to v2 --gate manual")
    assert not accepted("canary begin catalog")
    assert not accepted("canary start catalog --forever")
    assert not accepted("canary promote catalog")  # without a reason


def test_the_guide_names_every_command_and_every_option() -> None:
    options = {
        option
        for command in GROUP.commands.values()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }
    assert [name for name in COMMANDS if f"argosy canary {name}" not in GUIDE] == []
    assert sorted(option for option in options if option not in GUIDE) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_examples_and_exit_codes(name: str) -> None:
    said = GROUP.commands[name].help or ""
    assert f"argosy canary {name}" in said
    assert "Exit codes" in said


def test_the_plan_in_the_guide_is_one_and_names_every_default_as_it_is() -> None:
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    plan, usual = parse(written), Plan()
    assert plan.model_copy(update={"steps": usual.steps}) == usual
    assert set(yaml.safe_load(written)) == set(Plan.model_fields)
    assert set(yaml.safe_load(written)["rules"]) == set(Rules.model_fields)
    assert [step.weight for step in plan.steps] == [step.weight for step in usual.steps]
