"""`argosy canary` as a process, before a Kubernetes API in which runs have left their journals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mesh.canary.commands.group import canary
from mesh.canary.journal.entry import Entry, Kind, verified
from mesh.canary.journal.keeping import LABEL, RUN
from tests.canary.act.routes import primary, virtual_service
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.look.story import BEGAN, Story, promoted, rolled_back
from tests.suspended_job.scripted_api import kubeconfig, written

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[3]
COMMANDS = [str(command.callback.__name__) for command in canary.registered_commands if command.callback]


def remember(api: KubernetesApi, *runs: Story, present: str = "") -> KubernetesApi:
    """A cluster that keeps these runs' journals; the one named `present` is the service's run of now."""
    for run in runs:
        api.put("configmaps", journal(run, f"canary-{run.service}" + ("" if run.run == present else f"-{run.run}")))
    return api


def journal(story: Story, name: str) -> dict[str, object]:
    metadata = {"name": name, "namespace": "shop", "labels": {LABEL: story.service}, "annotations": {RUN: story.run}}
    data = {f"e{entry.n:06d}": entry.line() for entry in story.entries}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def started(config: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "canary", *arguments),
        cwd=CHECKOUT,
        env={**os.environ, "KUBECONFIG": config, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def typed(api: KubernetesApi, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `argosy canary ...`."""
    async with api.served() as config:
        process = await started(written(config, folder), *arguments)
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def objects(text: str) -> Sequence[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_history_lists_the_runs_tells_one_and_writes_its_report(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), rolled_back(run="one"), promoted(run="two", began=BEGAN + 99), present="two")
    code, out, _ = await typed(api, tmp_path, "history", "--json")
    assert (code, [(run["run"], run["outcome"]) for run in objects(out)]) == (
        0,
        [("two", "promoted"), ("one", "rolled-back")],
    )
    code, out, _ = await typed(api, tmp_path, "history", "catalog", "one", "--json")
    assert verified(map(Entry.parse, out.splitlines()))[-1].kind is Kind.ENDED
    code, out, _ = await typed(api, tmp_path, "history", "catalog", "one")
    assert (code, "worse: 20 errors of 50" in out) == (0, True)
    code, _, err = await typed(api, tmp_path, "history", "catalog", "--report", str(tmp_path / "catalog.html"))
    assert (code, "catalog.html" in err) == (0, True)
    assert "promoted" in (tmp_path / "catalog.html").read_text()


async def test_a_journal_that_somebody_has_changed_is_a_tool_error_and_the_entry_is_named(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), rolled_back(run="one"))
    data = api.objects["configmaps", "canary-catalog-one"]["data"]
    data["e000005"] = data["e000005"].replace('"errors":20', '"errors":2')
    code, _, err = await typed(api, tmp_path, "history")
    assert code == 30
    assert "entry 5" in err


async def test_status_tells_how_far_each_canary_is_and_who_has_it_in_hand(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), Story(run="one").started().shifted(0, 5).measured(0, 5), present="one")
    code, out, _ = await typed(api, tmp_path, "status", "--json")
    (run,) = objects(out)
    assert code == 0
    assert (run["phase"], run["step"], run["weights"], run["held_by"]) == ("running", 1, {"v1": 95, "v2": 5}, "")
    code, out, _ = await typed(api, tmp_path, "status", "catalog")
    assert (code, "nobody is at work on catalog" in out, "95 %" in out) == (0, True, True)


@pytest.mark.parametrize("command", ["status", "history", "resume", "rollback"])
async def test_a_service_that_never_had_a_canary_is_refused(tmp_path: Path, command: str) -> None:
    api = KubernetesApi()
    api.put("virtualservices", virtual_service(primary(v1=100, v2=0)))
    code, _, err = await typed(api, tmp_path, command, "catalog")
    assert (code, "catalog" in err) == (20, True)


async def test_watching_somebody_elses_run_ends_with_it_and_with_its_exit_code(tmp_path: Path) -> None:
    whole = rolled_back(run="one")
    begun = Story(run="one")
    begun.entries = whole.entries[:4]
    api = remember(KubernetesApi(), begun, present="one")
    async with api.served() as config:
        process = await started(written(config, tmp_path), "status", "catalog", "--watch", "--json")
        assert process.stdout
        told = [await process.stdout.readline() for _ in begun.entries]
        remember(api, whole)  # it ends and is put away between two looks
        del api.objects["configmaps", "canary-catalog"]
        out, _ = await process.communicate()
    assert process.returncode == 10
    assert [Entry.parse(line.decode()) for line in [*told, *out.splitlines()]] == whole.entries


async def test_a_watch_is_ended_by_ctrl_c(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), Story(run="one").started(), present="one")
    async with api.served() as config:
        process = await started(written(config, tmp_path), "status", "catalog", "--watch", "--json")
        assert process.stdout
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 130


async def test_a_rehearsed_rollback_prints_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), Story(run="one").started().shifted(0, 5), present="one")
    api.put("virtualservices", virtual_service(primary(v1=95, v2=5)))
    before = dict(api.objects)
    code, out, err = await typed(api, tmp_path, "rollback", "catalog", "--dry-run")
    assert (code, api.objects) == (0, before)
    assert "+    weight: 100" in [line.replace("  ", "  ") for line in out.splitlines()]
    assert "rollback would be done here" in err


async def test_a_rollback_where_nobody_runs_it_is_done_here_and_told(tmp_path: Path) -> None:
    api = remember(KubernetesApi(), Story(run="one").started().shifted(0, 5), present="one")
    api.put("virtualservices", virtual_service(primary(v1=95, v2=5)))
    code, out, err = await typed(api, tmp_path, "rollback", "catalog", "--reason", "customers complain", "--json")
    assert code == 10, err
    kinds = [entry["kind"] for entry in objects(out)]
    assert (kinds[0], kinds[-1]) == ("requested", "ended")
    (route,) = [rule["route"] for rule in api.objects["virtualservices", "catalog"]["spec"]["http"]]
    assert {one["destination"]["subset"]: one["weight"] for one in route} == {"v1": 100, "v2": 0}
    reasons = [event["reason"] for (plural, _), event in api.objects.items() if plural == "events"]
    assert reasons[-1] == "CanaryRolledBack"


@pytest.mark.parametrize(
    "arguments",
    [
        ["promote", "catalog"],
        ["start", "catalog", "--gate", "sometimes"],
        ["start", "catalog", "--sticky", "blue"],
        ["history", "--report", "x.html"],
        ["status", "--watch"],
    ],
    ids=" ".join,
)
async def test_what_makes_no_sense_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert (await typed(KubernetesApi(), tmp_path, *arguments))[0] == 2


async def test_a_cluster_that_does_not_answer_is_a_tool_error(tmp_path: Path) -> None:
    process = await started(written(kubeconfig("http://127.0.0.1:1"), tmp_path), "status")
    _, err = await process.communicate()
    assert process.returncode == 30
    assert b"the Kubernetes API does not answer" in err
