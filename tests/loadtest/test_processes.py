"""What do the processes that generate load say when they end?"""

from pathlib import Path

import pytest

from loadtest import processes
from loadtest.processes import Plan, generate_load

KILLED, FINE = ["sh", "-c", "kill -KILL $$"], ["true"]


@pytest.mark.parametrize("others", [[], [FINE], [FINE, FINE]])
def test_a_generator_that_was_killed_is_no_success_of_the_others(
    others: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "commands", lambda *_: [KILLED, *others])
    plan = Plan("nowhere", 1, 1.0, 1, 1, len(others), tmp_path / "load.html", tmp_path)
    code, _ = generate_load(plan, lambda _: None)
    assert code == -9
