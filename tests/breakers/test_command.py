"""`argosy breakers` as a process, before a scripted Kubernetes API in which the operator says what a test wants."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.breakers.told import CATALOG, LOG, ORDERS, refused, unreached
from tests.suspended_job.scripted_api import RUNNING, ScriptedApi, ended, kubeconfig, service_pod, written

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
PODS = [
    service_pod("orders", "orders-1"),
    service_pod("orders", "orders-2", ready=False),
    service_pod("orders", "orders-0", leaving=True),
    service_pod("catalog", "catalog-1"),
    service_pod("payments", "payments-1", ready=False),
]
READY = ["catalog=catalog-1", "orders=orders-1"]


def api(*said: str, exit_code: int = 0) -> ScriptedApi:
    """A cluster in which the operator says this."""
    return ScriptedApi("operator", [ended(exit_code)], log="\n".join([LOG, *said, ""]), service_pods=PODS)


async def started(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "breakers", *arguments),
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def breakers(api: ScriptedApi, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `argosy breakers`; the Job must be gone afterwards."""
    async with api.served() as config:
        process = await started(*arguments, KUBECONFIG=written(config, folder))
        out, err = await process.communicate()
    assert api.deleted == list(api.jobs)
    return process.returncode or 0, out.decode(), err.decode()


async def test_every_ready_pod_is_asked_and_shown(tmp_path: Path) -> None:
    cluster = api(ORDERS, CATALOG)
    code, out, _ = await breakers(cluster, tmp_path)
    assert (code, cluster.arguments) == (0, ["state", *READY])
    assert "orders-1  payments  charge  closed" in out
    code, out, _ = await breakers(api(ORDERS, CATALOG), tmp_path, "--json")
    assert [json.loads(line)["pod"] for line in out.splitlines()] == ["catalog-1", "orders-1"]


async def test_a_change_names_the_callee_the_group_and_the_reason(tmp_path: Path) -> None:
    cluster = api(ORDERS)
    assert (await breakers(cluster, tmp_path, "open", "orders/payments/charge", "--reason", "-- drill"))[0] == 0
    assert cluster.arguments == [
        *("open", "orders=orders-1"),
        *("--callee=payments", "--group=charge", "--reason=-- drill"),
    ]


async def test_a_pod_that_was_not_reached_is_named_and_ends_with_1(tmp_path: Path) -> None:
    code, out, _ = await breakers(api(ORDERS, unreached("catalog", "catalog-1"), exit_code=1), tmp_path)
    assert code == 1
    assert "catalog: no answer from catalog-1. UNAVAILABLE: no healthy upstream" in out
    said = api(ORDERS, unreached("catalog", "catalog-1"), exit_code=1)
    _, out, _ = await breakers(said, tmp_path, "--json")
    assert json.loads(out.splitlines()[-1])["unreached"] == ["catalog-1"]


async def test_an_answer_that_was_lost_on_the_way_is_not_taken_for_one(tmp_path: Path) -> None:
    code, out, _ = await breakers(api(ORDERS, exit_code=0), tmp_path, "--json")
    assert code == 1
    assert json.loads(out.splitlines()[-1]) == {"service": "catalog", "unreached": ["catalog-1"], "problem": ""}


async def test_a_service_without_a_ready_pod_is_wrong_usage_and_those_with_one_are_named(tmp_path: Path) -> None:
    for service in ("payments", "billing"):
        code, _, err = await breakers(api(), tmp_path, "open", f"{service}/bank")
        assert code == 2
        assert f"no pod of {service} is Ready; there are pods of catalog, orders" in err


async def test_what_a_service_does_not_know_is_wrong_usage(tmp_path: Path) -> None:
    said = api(refused("orders", "NOT_FOUND", "orders does not call bank: it calls catalog"), exit_code=2)
    code, _, err = await breakers(said, tmp_path, "reset", "orders/bank")
    assert code == 2
    assert "orders does not call bank: it calls catalog" in err


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (api(refused("orders", "PERMISSION_DENIED", "RBAC: access denied"), exit_code=3), "PERMISSION_DENIED"),
        (api("Traceback", exit_code=1 + 128), "the operator ended with exit code 129"),
        (ScriptedApi("operator", [ended(0)], service_pods=PODS, applied=False), "apply the manifests"),
        (ScriptedApi("operator", [RUNNING], service_pods=PODS), "did not end within 1 s"),
        (ScriptedApi("operator", [ended(0)]), "no service has a Ready pod in namespace shop"),
    ],
)
async def test_an_operator_that_cannot_work_ends_with_3(cluster: ScriptedApi, why: str, tmp_path: Path) -> None:
    code, _, err = await breakers(cluster, tmp_path, "--timeout", "1" if "within" in why else "30")
    assert code == 3
    assert why in err


async def test_a_cluster_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    process = await started(KUBECONFIG=written(kubeconfig("http://127.0.0.1:1"), tmp_path))
    _, err = await process.communicate()
    assert process.returncode == 3
    assert b"the Kubernetes API does not answer" in err


async def test_without_a_cluster_it_says_how_to_get_one(tmp_path: Path) -> None:
    process = await started(ARGOSY_STATE=str(tmp_path))
    _, err = await process.communicate()
    assert process.returncode == 4
    assert b"argosy up" in err


@pytest.mark.parametrize(
    "arguments",
    [["open"], ["smash", "orders/payments"], ["open", "orders/payments", "--watch"], ["open", "orders"]],
    ids=" ".join,
)
async def test_what_makes_no_sense_is_wrong_usage(arguments: list[str]) -> None:
    process = await started(*arguments)
    await process.communicate()
    assert process.returncode == 2


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
async def test_a_watch_shows_what_is_said_until_interrupted_and_leaves_no_job(
    tmp_path: Path, signum: signal.Signals
) -> None:
    cluster = api(ORDERS)
    cluster.states, cluster.goes_on = [RUNNING], True
    async with cluster.served() as config:
        process = await started("--watch", "--json", KUBECONFIG=written(config, tmp_path))
        assert process.stdout
        line = json.loads(await process.stdout.readline())
        assert cluster.deleted == []
        process.send_signal(signum)
        await process.communicate()
    assert (line["pod"], process.returncode) == ("orders-1", 130)
    assert cluster.arguments == ["watch", *READY]
    assert cluster.deleted == list(cluster.jobs)


async def test_a_watch_whose_operator_ends_says_so(tmp_path: Path) -> None:
    code, out, err = await breakers(api(ORDERS), tmp_path, "--watch")
    assert code == 3
    assert "charge" in out
    assert "the operator has ended" in err
