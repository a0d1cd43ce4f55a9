"""How long from nothing to the first order, where the image is on the nodes already?"""

from __future__ import annotations

import time

from rich.console import Console

from loadtest.shopper import open_shopper
from mesh.gateway import reached
from mesh.local.progress import ConsoleProgress
from tests.end_to_end.conftest import CLUSTER, OVERLAY, argosy

BOUND = 180  # seconds; README's promise


async def test_an_empty_cluster_takes_its_first_order_within_three_minutes(empty: None) -> None:
    began = time.monotonic()
    deployed = argosy("deploy", OVERLAY)
    assert deployed.code == 0, deployed.out + deployed.err
    async with reached(CLUSTER, ConsoleProgress(Console(stderr=True))) as address, open_shopper(address) as shopper:
        ordered = await shopper.place_order(timeout=5.0)
    took = time.monotonic() - began
    assert not ordered.failed, ordered
    assert took <= BOUND


def test_a_second_deploy_changes_nothing(cluster: None) -> None:
    def generations() -> dict[str, int]:
        found = argosy("kubectl", "-n", "shop", "get", "deployments,statefulsets,virtualservices", "-o", "json").json
        return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["generation"] for each in found["items"]}

    before = generations()
    assert argosy("deploy", OVERLAY).code == 0
    assert generations() == before
