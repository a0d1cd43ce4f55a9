"""How are kubectl and istioctl reached? This process becomes the program, with the kubeconfig of the cluster meant."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mesh.chosen_cluster import KUBECONFIG, NAMESPACE, Cluster, Context, meant
from mesh.kubectl import find_program
from mesh.local.addresses import addresses_of
from mesh.local.commands.surroundings import progress, running, settings
from mesh.local.node.pod_record import read_all
from mesh.local.programs import ensure
from mesh.local.sidecar_dump import dump_wanted, feed_standard_input
from mesh.local.state_folder import StateFolder

_NEED_NO_CLUSTER = {"kustomize", "version", "completion", "help", "--help", "-h", "options"}
# These ask istiod, and look for its pod unless they are told its address.
_ASK_ISTIOD = {"proxy-status", "ps"}
# What `analyze` says of the gateway's `image: auto`: here the node fills it in, not a webhook.
_NOT_INJECTED = ("IST0146=Deployment *", "IST0147=Pod *")
_CONTEXT = "--context"


def kubectl(context: typer.Context) -> None:
    """Run kubectl on the cluster that is meant; everything after `kubectl` is its own.

    The local cluster without KUBECONFIG and `--context NAME`, with kubectl of its own version.

    \b
    argosy kubectl get pods
    argosy kubectl -n shop rollout restart deployment catalog-v1

    \b
    Exit codes: kubectl's; 4 no cluster runs.
    """  # noqa: D301
    _become("kubectl", context.args, meant(context_in(context.args)))


def istioctl(context: typer.Context) -> None:
    """Run istioctl on the cluster that is meant; everything after `istioctl` is its own. Built when first asked for.

    \b
    argosy istioctl proxy-status
    argosy istioctl analyze -n shop
    argosy istioctl proxy-config cluster orders-v1-6c5d9b7f4-x2x7p

    \b
    Exit codes: istioctl's; 4 no cluster runs.
    """  # noqa: D301
    arguments, cluster = list(context.args), meant(context_in(context.args))
    if cluster.local:
        chosen = settings()
        arguments = for_the_local_cluster(arguments, addresses_of(chosen.instance).istiod_xds)
        wanted = dump_wanted(arguments, read_all(StateFolder(chosen.state).pods))
        if wanted:
            arguments, address = wanted
            feed_standard_input(address)
    _become("istioctl", arguments, cluster)


def context_in(arguments: Sequence[str]) -> str:
    """The context that kubectl's or istioctl's own arguments choose; empty when they do not."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == "--":
            break
        name, separator, value = argument.partition("=")
        if name == _CONTEXT:
            return value if separator else following
    return ""


def for_the_local_cluster(arguments: Sequence[str], istiod: int) -> list[str]:
    """Istioctl's arguments with what it cannot find out there: where istiod is, who injects the sidecars."""
    if arguments and arguments[0] in _ASK_ISTIOD and "--xds-address" not in arguments:
        return [*arguments, "--xds-address", f"localhost:{istiod}"]
    if arguments and arguments[0] == "analyze":
        return [*arguments, *(f"--suppress={message}" for message in _NOT_INJECTED)]
    return list(arguments)


def logs(
    pod: Annotated[str, typer.Argument(help="A pod, or a part of the local control plane: istiod, node, etcd, ...")],
    container: Annotated[str, typer.Option("-c", "--container", help="The pod's container.")] = "",
    tail: Annotated[int, typer.Option(help="Only the last lines; -1 for all.", min=-1)] = -1,
    namespace: Annotated[str, typer.Option("-n", "--namespace")] = NAMESPACE,
    context: Context = "",
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until interrupted.")] = False,
) -> None:
    """Print the log of a pod's container, or of a part of the local control plane.

    \b
    argosy logs orders-v1-6c5d9b7f4-x2x7p -f
    argosy logs orders-v1-6c5d9b7f4-x2x7p -c istio-proxy --tail 50
    argosy logs istiod

    \b
    Exit codes: 0 printed, 1 no such pod or container, 4 no cluster runs.
    """  # noqa: D301
    cluster = meant(context)
    part = running(settings()).parts.get(pod) if cluster.local else None
    if part:
        count = "+1" if tail < 0 else str(tail)
        _execute(
            Path(shutil.which("tail") or "/usr/bin/tail"), ["-n", count, *(["-F"] if follow else []), str(part.log)]
        )
    arguments = ["logs", f"--namespace={namespace}", f"--tail={tail}", pod]
    arguments += [f"--container={container}"] if container else []
    arguments += ["--follow"] if follow else []
    arguments += [f"{_CONTEXT}={cluster.context}"] if cluster.context else []
    _become("kubectl", arguments, cluster)


def _become(name: str, arguments: Sequence[str], cluster: Cluster) -> NoReturn:
    chosen = settings()
    if cluster.local and (not arguments or arguments[0] not in _NEED_NO_CLUSTER):
        running(chosen)
    with progress() as told:
        # The local cluster is spoken to by programs of its own version.
        program = ensure(chosen, {name}, told).folder / name if cluster.local else find_program(name, chosen, told)
    _execute(program, arguments, {**os.environ, KUBECONFIG: str(cluster.kubeconfig)})


def _execute(program: Path, arguments: Sequence[str], environ: dict[str, str] | None = None) -> NoReturn:
    os.execve(program, [program.name, *arguments], environ or dict(os.environ))  # noqa: S606  (no shell is the point)
