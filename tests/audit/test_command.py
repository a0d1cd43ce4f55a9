"""`argosy audit` as a process, and its page."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mesh.audit.page import page
from tests.suspended_job.scripted_api import kubeconfig, written

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
COUNTED: dict[str, Any] = {
    "verdict": "clean",
    "orders": {"total": 2, "CONFIRMED": 1, "FAILED": 1},
    "payments": {"total": 1, "CHARGED": 1},
    "reservations": {"total": 1, "COMMITTED": 1},
    "products": 12,
    "readings": 1,
    "discrepancies": [],
}
WRONG = {"name": "WRONG_AMOUNT", "ids": [["order_id", "o-1"]], "detail": "costs EUR 2, but EUR 1 charged"}


async def argosy_audit(*arguments: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "audit", *arguments),
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    return process.returncode or 0, err.decode()


async def test_without_a_cluster_it_says_how_to_get_one(tmp_path: Path) -> None:
    code, err = await argosy_audit(ARGOSY_STATE=str(tmp_path))
    assert code == 4
    assert "argosy up" in err


async def test_a_cluster_that_does_not_answer_is_no_verdict(tmp_path: Path) -> None:
    code, err = await argosy_audit(KUBECONFIG=written(kubeconfig("http://127.0.0.1:1"), tmp_path))
    assert code == 3
    assert "the Kubernetes API does not answer" in err


async def test_a_timeout_that_is_no_number_is_wrong_usage() -> None:
    assert (await argosy_audit("--timeout", "soon"))[0] == 2


def shown(report: dict[str, Any]) -> str:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as captured:
        console.print(page(report))
    return captured.get()


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (COUNTED, ["1 CONFIRMED, 1 FAILED", "no discrepancy: every order is paid once"]),
        (COUNTED | {"orders": {"total": 0}}, ["there are no orders: nothing is proved"]),
        (COUNTED | {"discrepancies": [WRONG]}, ["WRONG_AMOUNT", "but EUR 1 charged", "order_id o-1", "1 discrepancy"]),
        ({"verdict": "unreadable", "problem": "orders: UNAVAILABLE"}, ["cannot be read: orders: UNAVAILABLE"]),
    ],
)
def test_the_page_says_what_was_counted_and_what_is_wrong(report: dict[str, Any], expected: list[str]) -> None:
    text = shown(report)
    assert [phrase for phrase in expected if phrase not in text] == []
