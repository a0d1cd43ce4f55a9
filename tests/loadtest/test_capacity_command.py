"""What does `argosy load capacity` say before it measures anything, and what does it leave?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from grpc import StatusCode

from tests.loadtest.running import in_process
from tests.loadtest.scripted_shop import ScriptedShop, fail

pytestmark = pytest.mark.processes


async def capacity(target: str, *arguments: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "mesh", "load", "capacity", *arguments)
    return await in_process("env", "-u", "KUBECONFIG", f"ARGOSY_GATEWAY={target}", *command)


async def test_an_unknown_load_is_wrong_usage() -> None:
    code, said = await capacity("127.0.0.1:1", "teapots")
    assert code == 2
    assert "there is no profile teapots" in said


async def test_without_a_shop_nothing_is_measured() -> None:
    code, said = await capacity("127.0.0.1:1", "catalog")
    assert code == 4
    assert "no shop answers at 127.0.0.1:1" in said


async def test_a_shop_that_takes_nothing_has_no_knee_and_the_page_says_so(shop: ScriptedShop, tmp_path: Path) -> None:
    shop.scripts["GetStock"] = fail(StatusCode.UNAVAILABLE)
    numbers, page = tmp_path / "capacity.json", tmp_path / "docs" / "capacity.md"
    code, said = await capacity(
        shop.target, "inventory", "--seconds", "2", "--json", str(numbers), "--write", str(page)
    )
    assert code == 3, said
    (found,) = json.loads(numbers.read_text())
    assert (found["profile"], found["knee"]) == ("inventory", None)
    assert "| inventory | what is in stock | none |" in page.read_text()
    assert (page.parent / "pictures" / "capacity.svg").read_text().startswith("<?xml")
