"""What if a service eats its memory? The kernel kills it, Kubernetes says so and starts it again, the shop goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from mesh.running_shop import Shop, pod_name
from tests.cluster.crowd import failures, shopping
from tests.cluster.nodes import objects
from tests.end_to_end.conftest import eventually, kubectl

BOUND = 0.1  # of the calls from the kill until the pod is ready again
# The service becomes the first the kernel will kill in this container: to be chosen counts, and so does size, so the
# memory is eaten by many small processes.
GLUTTON = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    if open(f"/proc/{pid}/cmdline").read().startswith("python\\0-m\\0services.catalog"):
        open(f"/proc/{pid}/oom_score_adj", "w").write("1000")
for _ in range(64):
    if os.fork() == 0:
        hoard = bytearray(b"x" * (8 << 20))
        signal.pause()
os.wait()
"""


def container(pod: str) -> dict[str, Any]:
    (found,) = [each for each in objects("pods", "-n", "shop", "-l", "app=catalog") if each["metadata"]["name"] == pod]
    (status,) = found["status"]["containerStatuses"]
    return dict(status)


async def test_a_pod_killed_for_its_memory_is_told_so_and_few_calls_fail(door: str, pairs: None, shop: Shop) -> None:
    victim = pod_name((await shop.pods("catalog", "v1"))[0])
    before = container(victim)["restartCount"]
    async with shopping(door) as crowd:
        hit = crowd.browsing.report().samples[-1].ended
        eaten = await asyncio.to_thread(kubectl, "exec", victim, "-c", "catalog", "--", "python", "-c", GLUTTON)
        assert eaten.code != 0
        await asyncio.to_thread(eventually, "restarts", lambda: container(victim)["restartCount"], before + 1)
        await asyncio.to_thread(eventually, "ready", lambda: container(victim)["ready"], wanted=True)
        await crowd.go_on()
        recovered = crowd.browsing.report().samples[-1].ended
        await crowd.go_on(250)
    assert container(victim)["lastState"]["terminated"]["reason"] == "OOMKilled"
    hurt = crowd.browsing.report().between(hit, recovered)
    assert len(hurt.failures) <= BOUND * len(hurt.samples), failures(hurt)
    assert failures(crowd.browsing.report().between(recovered)) == []
