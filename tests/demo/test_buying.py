"""Where there is no browser, the tour's step says why and is skipped: it neither fails nor passes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from loadtest.shopper import Shopper
from mesh.demo import buying
from mesh.demo.claims import Skipped
from mesh.demo.stage import Processes, Stage
from mesh.running_shop import Shop


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stage(said: list[str]) -> Stage:
    """A stage of which only the gateway's address is asked, where nobody listens."""
    return Stage(
        cast("Shop", None),
        cast("Shopper", None),
        "127.0.0.1:1",
        datetime.now(UTC),
        said.append,
        cast("Processes", None),
    )


async def test_where_none_can_be_fetched_the_step_says_so_after_the_page_s_address(
    stage: Stage, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path))
    monkeypatch.delenv("ARGOSY_CHROMIUM", raising=False)
    with pytest.raises(Skipped, match=r"no Chromium: .*\n`apt-get install chromium`"):
        await buying.run(stage)
    assert said[0] == "the shop's page: http://127.0.0.1:1/"


async def test_where_a_chromium_does_not_start_the_step_says_so(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ARGOSY_CHROMIUM", str(broken))
    with pytest.raises(Skipped, match="does not start"):
        await buying.run(stage)


async def test_where_playwright_is_not_installed_the_step_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "mesh.browser.driving", raising=False)
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(Skipped, match=r"playwright\.async_api is not installed"):
        await buying.run(stage)
