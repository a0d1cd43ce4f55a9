"""How are kubectl and istioctl reached? This process becomes the program, with the cluster's kubeconfig."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mesh.local.addresses import addresses_of
from mesh.local.commands.surroundings import progress, running, settings
from mesh.local.node.pod_record import read_all
from mesh.local.programs import ensure
from mesh.local.settings import Settings
from mesh.local.sidecar_dump import dump_wanted, feed_standard_input
from mesh.local.state_folder import StateFolder

NAMESPACE = "shop"
_NEED_NO_CLUSTER = {"kustomize", "version", "completion", "help", "--help", "-h", "options"}
# These ask istiod, and look for its pod unless they are told its address.
_ASK_ISTIOD = {"proxy-status", "ps"}
# What `analyze` says of the gateway's `image: auto`: here the node fills it in, not a webhook.
_NOT_INJECTED = ("IST0146=Deployment *", "IST0147=Pod *")


def kubectl(context: typer.Context) -> None:
    """Run kubectl on this cluster; everything after `kubectl` is its own.

    \b
    argosy kubectl get pods
    argosy kubectl -n shop rollout restart deployment catalog-v1

    \b
    Exit codes: kubectl's; 4 no cluster runs.
    """  # noqa: D301
    _become("kubectl", context.args)


def istioctl(context: typer.Context) -> None:
    """Run istioctl on this cluster; everything after `istioctl` is its own. Built when first asked for.

    \b
    argosy istioctl proxy-status
    argosy istioctl analyze -n shop
    argosy istioctl proxy-config cluster orders-v1-6c5d9b7f4-x2x7p

    \b
    Exit codes: istioctl's; 4 no cluster runs.
    """  # noqa: D301
    chosen = settings()
    arguments = for_this_cluster(context.args, addresses_of(chosen.instance).istiod_xds)
    wanted = dump_wanted(arguments, read_all(StateFolder(chosen.state).pods))
    if wanted:
        arguments, address = wanted
        feed_standard_input(address)
    _become("istioctl", arguments)


def for_this_cluster(arguments: Sequence[str], istiod: int) -> list[str]:
    """Istioctl's arguments with what it cannot find out here: where istiod is, who injects the sidecars."""
    if arguments and arguments[0] in _ASK_ISTIOD and "--xds-address" not in arguments:
        return [*arguments, "--xds-address", f"localhost:{istiod}"]
    if arguments and arguments[0] == "analyze":
        return [*arguments, *(f"--suppress={message}" for message in _NOT_INJECTED)]
    return list(arguments)


def logs(
    pod: Annotated[str, typer.Argument(help="A pod, or a part of the control plane: istiod, node, etcd, ...")],
    container: Annotated[str, typer.Option("-c", "--container", help="The pod's container.")] = "",
    tail: Annotated[int, typer.Option(help="Only the last lines; -1 for all.", min=-1)] = -1,
    namespace: Annotated[str, typer.Option("-n", "--namespace")] = NAMESPACE,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until interrupted.")] = False,
) -> None:
    """Print the log of a pod's container, or of a part of the control plane.

    \b
    argosy logs orders-v1-6c5d9b7f4-x2x7p -f
    argosy logs orders-v1-6c5d9b7f4-x2x7p -c istio-proxy --tail 50
    argosy logs istiod

    \b
    Exit codes: 0 printed, 1 no such pod or container, 4 no cluster runs.
    """  # noqa: D301
    chosen = settings()
    part = running(chosen).parts.get(pod)
    if part:
        count = "+1" if tail < 0 else str(tail)
        _execute(
            Path(shutil.which("tail") or "/usr/bin/tail"), ["-n", count, *(["-F"] if follow else []), str(part.log)]
        )
    arguments = ["logs", f"--namespace={namespace}", f"--tail={tail}", pod]
    arguments += [f"--container={container}"] if container else []
    arguments += ["--follow"] if follow else []
    _become("kubectl", arguments)


def _become(name: str, arguments: Sequence[str]) -> NoReturn:
    chosen = settings()
    if not arguments or arguments[0] not in _NEED_NO_CLUSTER:
        running(chosen)
    with progress() as told:
        programs = ensure(chosen, {name}, told)
    _execute(programs.folder / name, arguments, _environment(chosen))


def _environment(chosen: Settings) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(StateFolder(chosen.state).kubeconfig)}


def _execute(program: Path, arguments: Sequence[str], environ: dict[str, str] | None = None) -> NoReturn:
    os.execve(program, [program.name, *arguments], environ or dict(os.environ))  # noqa: S606  (no shell is the point)
