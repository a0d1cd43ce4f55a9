"""How much memory does a service need that nobody calls?"""

from __future__ import annotations

import asyncio

from mesh.running_shop import Shop
from tests.cluster.conftest import SERVICES
from tests.cluster.nodes import name, objects
from tests.end_to_end.conftest import argosy

MIB = 1 << 20
BOUND = 90  # MiB; README's promise
VERSIONS = (*SERVICES, "catalog-v2", "payments-v2")


def working_sets() -> dict[str, float]:
    """MiB in use, by pod of a service, its own container only; as the kubelets measure it."""
    found = {}
    for node in objects("nodes"):
        summary = argosy("kubectl", "get", "--raw", f"/api/v1/nodes/{name(node)}/proxy/stats/summary").json
        for pod in summary["pods"]:
            for container in pod["containers"]:
                told = container.get("memory", {}).get("workingSetBytes")
                if pod["podRef"]["namespace"] == "shop" and told:
                    found[f"{pod['podRef']['name']}/{container['name']}"] = told / MIB
    pods = objects("pods", "-n", "shop", "-l", "app.kubernetes.io/component=service")
    wanted = [
        f"{name(pod)}/{pod['metadata']['labels']['app']}" for pod in pods if "deletionTimestamp" not in pod["metadata"]
    ]
    return {each: found.get(each, 0.0) for each in wanted}


async def test_an_idle_service_needs_at_most_90_mib(shop: Shop) -> None:
    await asyncio.gather(*(shop.restart(deployment) for deployment in VERSIONS))
    async with asyncio.timeout(120):
        while not all(seen := working_sets().values()):  # a kubelet has not measured every container yet
            await asyncio.sleep(1)
    assert len(seen) >= len(VERSIONS)
    assert {each: round(used) for each, used in working_sets().items() if used > BOUND} == {}
