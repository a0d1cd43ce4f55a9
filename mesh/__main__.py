"""The `argosy` command: which subcommands there are, and where they live.

Only the module of the command that was typed is imported, so `argosy --help` is quick and no command pays for another.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from rich.console import Console

from mesh.command_group import command_group
from mesh.local.problems import LocalClusterError

INTERRUPTED = 130


@dataclass(frozen=True)
class Subcommand:
    """Where a subcommand is (`module:function`, or a Typer of commands of its own) and what it does in one line."""

    where: str
    summary: str
    passes_on: bool = False
    """Its arguments belong to another program."""


SUBCOMMANDS = {
    "up": Subcommand("mesh.local.commands.up:up", "Start the local cluster and wait until everything is ready."),
    "down": Subcommand("mesh.local.commands.down:down", "Stop the local cluster and everything it started."),
    "status": Subcommand(
        "mesh.commands.status:status", "Show the pods and their sidecars, and the local control plane."
    ),
    "logs": Subcommand(
        "mesh.commands.passing_on:logs", "Print the log of a pod or of a part of the local control plane."
    ),
    "kubectl": Subcommand(
        "mesh.commands.passing_on:kubectl", "Run kubectl on the cluster that is meant.", passes_on=True
    ),
    "istioctl": Subcommand(
        "mesh.commands.passing_on:istioctl", "Run istioctl on the cluster that is meant.", passes_on=True
    ),
    "build": Subcommand("mesh.local.commands.build:build", "Build every program the local cluster and its tools run."),
    "doctor": Subcommand(
        "mesh.local.commands.doctor:doctor", "Say what the local cluster misses here, and what is taken."
    ),
    "deploy": Subcommand("mesh.deploy.command:deploy", "Bring the shop to the Kubernetes cluster KUBECONFIG names."),
    "undeploy": Subcommand("mesh.deploy.command:undeploy", "Take the shop off that cluster, with all it has stored."),
    "demo": Subcommand("mesh.demo.command:demo", "A guided tour of the mesh that checks itself."),
    "audit": Subcommand("mesh.audit.command:audit", "Compare the books of orders, payments and inventory."),
    "seed": Subcommand("mesh.seed.command:seed", "Bring products and their stock into the running shop."),
    "backup": Subcommand("mesh.backup.commands:backup", "Write all that the local cluster's pods store to a file."),
    "restore": Subcommand("mesh.backup.commands:restore", "Put back what `argosy backup` has written."),
    "load": Subcommand("loadtest.commands.group:load", "Load the shop, and say whether it keeps what it promises."),
    "breakers": Subcommand("mesh.breakers.command:breakers", "Show the circuits between services; open, close, reset."),
    "canary": Subcommand(
        "mesh.canary.commands.group:canary", "Shift traffic to another version, judged step by step; or back."
    ),
    "chaos": Subcommand(
        "mesh.chaos.commands.group:chaos", "Break the shop on purpose, under load, and judge whether it held."
    ),
}
_PASSING_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    try:
        application(sys.argv[1:])()
    except LocalClusterError as error:
        Console(stderr=True).print(f"argosy: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def application(arguments: Sequence[str]) -> typer.Typer:
    """The command line for `arguments`: the subcommand they name is imported, the others are only listed."""
    app = command_group(
        "A Python gRPC shop on a real Istio service mesh: on this machine, or on the cluster KUBECONFIG names.",
        epilog="argosy COMMAND --help tells more, with examples and exit codes.",
    )
    for name, subcommand in SUBCOMMANDS.items():
        _add(app, name, subcommand, imported=name in arguments[:1])
    return app


def _add(app: typer.Typer, name: str, subcommand: Subcommand, *, imported: bool) -> None:
    settings: dict[str, Any] = {"context_settings": _PASSING_ON} if subcommand.passes_on else {}
    if imported:
        module, _, function = subcommand.where.partition(":")
        command: Callable[..., Any] | typer.Typer = getattr(import_module(module), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=subcommand.summary)
        else:
            app.command(name, short_help=subcommand.summary, add_help_option=not subcommand.passes_on, **settings)(
                command
            )
    else:
        app.command(name, help=subcommand.summary)(_not_imported)


def _not_imported() -> None:
    """Stands in the list of commands for one that was not typed."""


if __name__ == "__main__":
    main()
