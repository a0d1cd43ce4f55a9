"""A port-forward lasts as long as its user, however often it breaks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from mesh.port_forward import NoWayIn, forwarded
from tests.gateway.conftest import Make

pytestmark = pytest.mark.processes

OFTEN = 9
CHECKOUT = Path(__file__).parents[2]


async def answered(port: int, *, end: bool = False) -> int:
    """The process behind the port; asked again while nobody is there."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"end\n" if end else b"who?\n")
                line = await reader.readline()
            finally:
                writer.close()
        except OSError:
            line = b""
        if line or end:
            return int(line or 0)
        await asyncio.sleep(0.05)


async def test_it_leads_to_the_pod_and_ends_with_its_user(kubectl: Make) -> None:
    async with forwarded(kubectl(OFTEN), "shop", "service/gateway", 8080) as port:
        process = await answered(port)
        assert psutil.pid_exists(process)
    assert not psutil.pid_exists(process)


async def test_one_that_breaks_is_started_again_at_the_same_port(kubectl: Make) -> None:
    async with forwarded(kubectl(OFTEN), "shop", "service/gateway", 8080) as port:
        seen = {await answered(port)}
        for _ in range(2):
            await answered(port, end=True)
            seen.add(await answered(port))
    assert len(seen) == 3
    assert not any(psutil.pid_exists(process) for process in seen)


async def test_while_there_is_no_pod_it_is_tried_again(kubectl: Make, tmp_path: Path) -> None:
    async with forwarded(kubectl(1), "shop", "service/gateway", 8080) as port:
        first = await answered(port)
        await answered(port, end=True)
        while psutil.pid_exists(first):
            await asyncio.sleep(0.05)
        (tmp_path / "memory").write_text("1")
        assert await answered(port) != first


async def test_what_kubectl_says_is_passed_on_when_there_is_nothing_to_reach(kubectl: Make) -> None:
    with pytest.raises(NoWayIn, match='services "gateway" not found'):
        async with forwarded(kubectl(0), "shop", "service/gateway", 8080):
            pass


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
async def test_it_does_not_outlive_a_user_who_is_ended(kubectl: Make, signum: signal.Signals) -> None:
    made = kubectl(OFTEN)
    program = (
        "import asyncio, sys; from pathlib import Path; from mesh.chosen_cluster import Cluster;"
        "from mesh.kubectl import Kubectl; from mesh.port_forward import forwarded\n"
        "async def use():\n"
        "    kubectl = Kubectl(Path(sys.argv[1]), Cluster(Path(sys.argv[2])))\n"
        "    async with forwarded(kubectl, 'shop', 'service/gateway', 8080) as port:\n"
        "        print(port, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(use())\n"
    )
    user = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(made.program), str(made.cluster.kubeconfig)),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert user.stdout
    process = await answered(int(await user.stdout.readline()))
    os.killpg(user.pid, signum)  # as a terminal does
    await user.wait()
    while psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.05)
