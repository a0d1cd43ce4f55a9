"""How are the processes behind pods reached, and the control plane's? On this machine directly, else by kubectl."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.kubectl import Kubectl, KubectlFailed, find_kubectl
from mesh.local.held_part import PartNotHeld, give_back, hold, works
from mesh.local.node.pod_record import read_all
from mesh.local.node.pod_roles import PROXY
from mesh.local.process_identity import ProcessId, state_of
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.running_shop import ShopError, pod_name

ISTIOD, API_SERVER = "istiod", "apiserver"
PATIENCE = 30.0
LOOK_EVERY = 0.5

_LOCAL_PARTS = {ISTIOD: "istiod", API_SERVER: "kube-apiserver"}
_ISTIO = "--namespace=istio-system"
_REPLICAS = "argosy/chaos-replicas"  # how many istiod had

# Both are run in the container, by its own user: the processes of a pod that shares them are in each container's /proc.
# A service is `python -m services.NAME`.
_SERVICE = """
import os, sys
module, number = f"services.{sys.argv[1]}".encode(), int(sys.argv[2])
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")
        state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
    except OSError:
        continue
    if module in words:
        os.kill(pid, number)
        print(pid, state)
"""
# The proxy's image has a shell and no Python. Its own agent ends when Envoy does, so killing Envoy restarts both.
_ENVOY = """
for process in /proc/[0-9]*; do
  read -r name 2>/dev/null < "$process/comm" && [ "$name" = "$1" ] || continue
  pid=${process#/proc/}
  state=$(sed 's/.*) //; s/ .*//' "$process/stat")
  kill "-$0" "$pid" && echo "$pid $state"
done
"""


def processes_of(cluster: Cluster, settings: Settings, told: Progress) -> LocalProcesses | PodProcesses:
    """The way to the processes of this cluster's pods. Raises BuildFailed when kubectl is needed and cannot be had."""
    if cluster.local:
        return LocalProcesses(StateFolder(settings.state))
    return PodProcesses(find_kubectl(cluster, settings, told))


class LocalProcesses:
    """The processes behind the pods of the local cluster, which are this machine's."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number. Raises ShopError when there is none."""
        process = self._process(pod, container)
        if process is None or not process.send(number):
            raise ShopError(f"pod {pod_name(pod)} has no process {container} on this machine")
        return process.pid

    async def number(self, pod: Pod, container: str) -> int:
        """The number of the container's process; 0 when there is none."""
        process = self._process(pod, container)
        return process.pid if process and process.alive() else 0

    async def state(self, pod: Pod, container: str) -> str:
        """The state of the container's process as /proc has it; empty when there is none."""
        process = self._process(pod, container)
        return state_of(process.pid) if process and process.alive() else ""

    async def python(self, pod: Pod, container: str, program: str, *arguments: str) -> str:
        """What a Python program says that runs with the container's files and variables. Raises ShopError."""
        process = self._process(pod, container)
        if process is None or not process.alive():
            raise ShopError(f"pod {pod_name(pod)} has no process {container} on this machine")
        folder = Path(f"/proc/{process.pid}")
        variables = (folder / "environ").read_text(encoding="utf-8").split("\0")
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, *arguments),
            env=dict(variable.split("=", 1) for variable in variables if "=" in variable),
            cwd=(folder / "cwd").readlink(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        try:
            async with asyncio.timeout(PATIENCE):
                said, complaint = await running.communicate()
        except TimeoutError:
            raise ShopError(f"a program beside {pod_name(pod)} has not ended within {PATIENCE:.0f} s") from None
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
        if running.returncode:
            raise ShopError(f"a program beside {pod_name(pod)} has failed: {complaint.decode(errors='replace')[-500:]}")
        return said.decode()

    async def why_not(self, part: str) -> str:
        """Why a part of the control plane cannot be taken away here; empty when it can."""
        return "" if part in _LOCAL_PARTS else f"the local cluster has no part {part} that could be taken away"

    async def stop_part(self, part: str) -> None:
        """Take a part of the control plane away until `start_part`. Raises ShopError."""
        try:
            await hold(self._state, _LOCAL_PARTS[part])
        except PartNotHeld as error:
            raise ShopError(str(error)) from error

    async def start_part(self, part: str) -> None:
        """Give it back, and return when it answers; nothing happens when it does. Raises ShopError."""
        try:
            await give_back(self._state, _LOCAL_PARTS[part])
        except PartNotHeld as error:
            raise ShopError(str(error)) from error

    async def part_works(self, part: str) -> bool:
        """Whether it answers, asked directly. Raises ShopError."""
        try:
            return await works(self._state, _LOCAL_PARTS[part])
        except PartNotHeld as error:
            raise ShopError(str(error)) from error

    def _process(self, pod: Pod, container: str) -> ProcessId | None:
        for record in read_all(self._state.pods):
            if record.uid == (pod.metadata and pod.metadata.uid) and container in record.containers:
                found = record.containers[container]
                return ProcessId(found.pid, found.start_time)
        return None


@dataclass(frozen=True)
class PodProcesses:
    """The processes of the pods of a cluster, reached by `kubectl exec`, and its istiod, which is a Deployment."""

    kubectl: Kubectl
    envoy: str = "envoy"
    """What the kernel calls the proxy's process."""

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number in the pod. Raises ShopError when there is none."""
        found = await self._processes(pod, container, number)
        if not found:
            name = self.envoy if container == PROXY else f"services.{container}"
            raise ShopError(f"pod {pod_name(pod)} has no process {name}")
        return int(found[0])

    async def number(self, pod: Pod, container: str) -> int:
        """The number of the container's process in the pod; 0 when there is none. Raises ShopError."""
        found = await self._processes(pod, container, 0)
        return int(found[0]) if found else 0

    async def state(self, pod: Pod, container: str) -> str:
        """The state of the container's process as /proc has it; empty when there is none. Raises ShopError."""
        found = await self._processes(pod, container, 0)
        return found[1] if found else ""

    async def python(self, pod: Pod, container: str, program: str, *arguments: str) -> str:
        """What a Python program says that runs in the container. Raises ShopError."""
        return await self._exec(pod, container, "python", "-c", program, *arguments)

    async def why_not(self, part: str) -> str:
        """Why a part of the control plane cannot be taken away here; empty when it can."""
        if part != ISTIOD:
            return f"the {part} of this cluster is not ours to stop"
        try:
            allowed = await self.kubectl.run("auth", "can-i", "patch", "deployments/istiod", _ISTIO)
        except KubectlFailed as error:
            return f"nobody here may scale istiod in istio-system: {error.words}"
        return "" if allowed.strip() == "yes" else "nobody here may scale istiod in istio-system"

    async def stop_part(self, part: str) -> None:
        """Take istiod away until `start_part`. Raises ShopError."""
        if reason := await self.why_not(part):
            raise ShopError(reason)
        found = json.loads(await self._kubectl("get", "deployment/istiod", _ISTIO, "--output=json"))
        replicas = found["spec"].get("replicas", 1)
        if replicas:
            await self._kubectl("annotate", "deployment/istiod", _ISTIO, f"{_REPLICAS}={replicas}", "--overwrite")
            await self._kubectl("scale", "deployment/istiod", _ISTIO, "--replicas=0")

    async def start_part(self, part: str) -> None:
        """Give istiod back, and return when it answers; nothing happens when it was never taken. Raises ShopError."""
        found = json.loads(await self._kubectl("get", "deployment/istiod", _ISTIO, "--output=json"))
        replicas = found["metadata"].get("annotations", {}).get(_REPLICAS)
        if replicas is None:
            return
        await self._kubectl("scale", "deployment/istiod", _ISTIO, f"--replicas={replicas}")
        await self._kubectl("annotate", "deployment/istiod", _ISTIO, f"{_REPLICAS}-")
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self.part_works(part):
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise ShopError(f"{part} does not answer {PATIENCE:.0f} s after it was given back") from None

    async def part_works(self, part: str) -> bool:
        """Whether it answers, asked directly."""
        path = "/api/v1/namespaces/istio-system/services/istiod:http-monitoring/proxy/version"
        try:
            await self.kubectl.run("get", "--raw", path if part == ISTIOD else "/readyz")
        except KubectlFailed:
            return False
        return True

    async def _processes(self, pod: Pod, container: str, number: int) -> list[str]:
        if container == PROXY:
            return (await self._exec(pod, container, "sh", "-c", _ENVOY, str(int(number)), self.envoy)).split()
        return (await self._exec(pod, container, "python", "-c", _SERVICE, container, str(int(number)))).split()

    async def _exec(self, pod: Pod, container: str, *command: str) -> str:
        arguments = (f"--namespace={NAMESPACE}", pod_name(pod), f"--container={container}", "--", *command)
        try:
            return await self.kubectl.run("exec", *arguments)
        except KubectlFailed as error:
            raise ShopError(f"pod {pod_name(pod)} cannot be reached: {error.words}") from error

    async def _kubectl(self, *arguments: str) -> str:
        try:
            return await self.kubectl.run(*arguments)
        except KubectlFailed as error:
            raise ShopError(str(error)) from error
