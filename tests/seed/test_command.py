"""`argosy seed` as a process, before a scripted Kubernetes API."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.suspended_job.scripted_api import RUNNING, ScriptedApi, ended, kubeconfig, written

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
SEED = {"name": "seed", "configMap": {"name": "products-abc"}}
REPORT = {"products": 9, "added": 2, "stocked": 1, "left_as_they_are": ["enamel-mug"]}


async def argosy_seed(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "seed", *arguments),
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def seeded(folder: Path, said: dict[str, Any], *arguments: str, exit_code: int = 0) -> tuple[int, str, str]:
    """The same in a cluster whose seeder says this."""
    api = ScriptedApi("seeder", [RUNNING, ended(exit_code)], log=f"{json.dumps(said)}\n", volumes=[SEED])
    async with api.served() as config:
        return await argosy_seed(*arguments, KUBECONFIG=written(config, folder))


async def test_people_are_told_a_sentence_and_programs_an_object(tmp_path: Path) -> None:
    code, out, _ = await seeded(tmp_path, REPORT)
    assert (code, out) == (0, "9 products: 2 added, 1 given stock; changed by somebody and left so: enamel-mug\n")
    code, out, _ = await seeded(tmp_path, REPORT, "--json")
    assert (code, json.loads(out)) == (0, REPORT)


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_the_seeders_problem_and_exit_code_are_passed_on(tmp_path: Path, code: int) -> None:
    said = {"problem": "catalog: INVALID_ARGUMENT", "code": code}
    ended_with, out, err = await seeded(tmp_path, said, exit_code=code)
    assert (ended_with, out) == (code, "")
    assert "catalog: INVALID_ARGUMENT" in err


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), ("[", "is not JSON"), ("{}", "is no list"), (json.dumps(["x" * 1_000_001]), "split it")],
)
async def test_a_file_that_cannot_be_brought_ends_with_2_before_any_cluster_is_asked(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "products.json"
    if content:
        file.write_text(content)
    code, out, err = await argosy_seed(str(file), KUBECONFIG=written(kubeconfig("http://127.0.0.1:1"), tmp_path))
    assert (code, out) == (2, "")
    assert problem in err.replace("\n", " ")


async def test_without_a_cluster_it_says_how_to_get_one(tmp_path: Path) -> None:
    code, _, err = await argosy_seed(ARGOSY_STATE=str(tmp_path))
    assert code == 4
    assert "argosy up" in err


async def test_a_cluster_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    code, _, err = await argosy_seed(KUBECONFIG=written(kubeconfig("http://127.0.0.1:1"), tmp_path))
    assert code == 3
    assert "the Kubernetes API does not answer" in err


async def test_help_gives_examples() -> None:
    code, out, _ = await argosy_seed("--help")
    assert (code, out.count("argosy seed")) == (0, 3)
