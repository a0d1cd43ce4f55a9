"""`argosy load run` at a scripted shop: its exit code is the verdict, and its files say the same."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode, aio

from tests.loadtest.running import in_process
from tests.loadtest.scripted_shop import ScriptedShop, fail

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
OBJECTIVES = """
service: shop.catalog.v1.CatalogService
window: 30d
methods:
  GetProduct: {availability: 99%, p95: 2s, p99: 5s}
"""
SLOW = 0.6  # seconds
TRIES = 3
OVERASKED = ("--rate", "6000", "--generators", "1", "--for", "1s", "--warm-up", "0")


@dataclass
class Loaded:
    code: int
    said: str
    document: dict[str, Any]

    @property
    def outcome(self) -> tuple[int, str]:
        return self.code, self.document["outcome"]


async def load(target: str, folder: Path, *options: str, promised: str = OBJECTIVES) -> Loaded:
    """One run, and another if this machine did not let the generator keep time."""
    for _ in range(TRIES):
        done = await loaded_once(target, folder, *options, promised=promised)
        if " late (p99)" not in done.said:
            break
    return done


async def loaded_once(target: str, folder: Path, *options: str, promised: str = OBJECTIVES) -> Loaded:
    objectives, numbers = folder / "objectives.yaml", folder / "load.json"
    objectives.write_text(promised)
    files = ("--objectives", str(objectives), "--json", str(numbers), "--html", str(folder / "load.html"))
    run = (sys.executable, "-m", "mesh", "load", "run", "--host", target, "--rate", "60", "--for", "3s")
    code, said = await in_process(*run, "--warm-up", "0.5", "--profile", "catalog", *files, *options)
    return Loaded(code, said, json.loads(numbers.read_text()) if numbers.exists() else {})


async def test_a_shop_that_keeps_its_promises_ends_with_0(shop: ScriptedShop, tmp_path: Path) -> None:
    done = await load(shop.target, tmp_path)
    assert done.outcome == (0, "met"), done.said
    assert done.document["calls"] == done.document["kinds"]["ok"] > 100
    assert "<svg" in (tmp_path / "load.html").read_text()
    assert "MET every promise was kept" in done.said


async def test_a_shop_that_fails_ends_with_1(shop: ScriptedShop, tmp_path: Path) -> None:
    shop.scripts["GetProduct"] = fail(StatusCode.UNAVAILABLE)
    done = await load(shop.target, tmp_path)
    assert done.outcome == (1, "missed"), done.said
    assert "MISSED GetProduct: availability 0 %, promised 99 %" in done.said


async def test_a_shop_that_is_slow_ends_with_1(shop: ScriptedShop, tmp_path: Path) -> None:
    async def slowly(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        await asyncio.sleep(SLOW)
        return await shop.succeed("GetProduct", request, context)

    shop.scripts["GetProduct"] = slowly
    sooner = OBJECTIVES.replace("p95: 2s", "p95: 500ms")
    done = await load(shop.target, tmp_path, promised=sooner)
    assert done.outcome == (1, "missed"), done.said
    assert "MISSED GetProduct: p95" in done.said


async def test_promises_about_what_was_not_called_end_with_3(shop: ScriptedShop, tmp_path: Path) -> None:
    done = await load(shop.target, tmp_path, "--profile", "inventory")
    assert done.outcome == (3, "invalid"), done.said
    assert "GetStock" in done.document["unpromised"]


async def test_a_generator_that_cannot_keep_up_ends_with_3(shop: ScriptedShop, tmp_path: Path) -> None:
    done = await loaded_once(shop.target, tmp_path, *OVERASKED)
    assert done.outcome == (3, "invalid"), done.said
    assert "INVALID generator-bound: it sent" in done.said


async def test_a_target_where_nobody_answers_ends_with_4(tmp_path: Path) -> None:
    done = await load("127.0.0.1:1", tmp_path)
    assert (done.code, done.document) == (4, {})
    assert "no shop answers at 127.0.0.1:1" in done.said


@pytest.mark.parametrize(
    ("options", "promised", "why"),
    [
        (("--profile", "everything"), OBJECTIVES, "there is no profile everything"),
        (("--for", "soon"), OBJECTIVES, "is not a duration"),
        ((), OBJECTIVES.replace("99%", "100%"), "would leave no budget"),
    ],
)
async def test_wrong_usage_ends_with_2(options: tuple[str, ...], promised: str, why: str, tmp_path: Path) -> None:
    done = await load("127.0.0.1:1", tmp_path, *options, promised=promised)
    assert done.code == 2
    assert why in " ".join(done.said.split())
