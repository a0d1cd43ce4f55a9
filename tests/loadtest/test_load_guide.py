"""Is what docs/load.md says one can type accepted, and does every command explain itself?"""

from pathlib import Path

import pytest

from loadtest.commands.group import load
from loadtest.profiles import PROFILES
from mesh.objectives.reading import parse
from tests.typed_commands import TypedCommands

CHECKOUT = Path(__file__).parents[2]
GUIDE = (CHECKOUT / "docs" / "load.md").read_text(encoding="utf-8")
LOAD = TypedCommands(load, "load")


def test_every_load_command_the_guide_names_is_accepted() -> None:
    assert LOAD.refused(GUIDE) == []
    assert len(LOAD.typed(GUIDE)) > 5


def test_what_the_command_line_does_not_know_is_seen() -> None:
    assert LOAD.accepted("load run --rate 200 --for 60s --profile shop")
    assert not LOAD.accepted("load begin")
    assert not LOAD.accepted("load run --forever")


def test_the_guide_names_every_command_and_every_option_of_run() -> None:
    assert [name for name in LOAD.names if f"argosy load {name}" not in GUIDE] == []
    options = [name for parameter in LOAD.group.commands["run"].params for name in parameter.opts]
    assert [name for name in options if f"`{name}`" not in GUIDE] == []


def test_the_guide_names_every_profile() -> None:
    assert [name for name in PROFILES if f"`{name}`" not in GUIDE] == []


@pytest.mark.parametrize("name", LOAD.names)
def test_every_command_explains_itself_with_examples_and_exit_codes(name: str) -> None:
    assert LOAD.explains_itself(name)


def test_the_objectives_in_the_guide_are_some() -> None:
    written = GUIDE.partition("```yaml\n")[2].partition("```")[0]
    [objective] = parse("guide", written).values()
    assert objective.budget == pytest.approx(0.001)
