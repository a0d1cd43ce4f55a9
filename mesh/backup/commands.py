"""How is the local data brought to safety and back? `argosy backup`, `argosy restore`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import DatabaseError
from typing import Annotated

import typer
from rich.filesize import decimal

from mesh.backup import keeping
from mesh.backup.archive import Manifest
from mesh.local.commands.surroundings import end_like_ctrl_c, progress, settings, tell_which_cluster
from mesh.local.lifecycle import at_work
from mesh.local.problems import LocalClusterError
from mesh.local.state_folder import StateFolder

File = Annotated[Path, typer.Argument(help="The archive, a .tar.gz.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]


def backup(file: File, *, as_document: AsJson = False) -> None:
    """Write all that the pods of the local cluster have stored to FILE, whether it runs or not.

    The copy is of one instant of all databases together, so that their books agree; the shop goes on meanwhile. FILE
    holds password hashes and signing keys: only you may read it. Data on PostgreSQL is its server's to back up.

    \b
    argosy backup ~/argosy-monday.tar.gz
    argosy backup before.tar.gz --json | jq '.databases[].path'

    \b
    Exit codes: 0 written, 1 there is nothing to write, FILE is there already, or a database stays busy,
    3 another `argosy up`, `down`, `backup` or `restore` is at work, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    folder = StateFolder(settings().state)
    with progress() as told, _explained(), at_work(folder, "backup"):
        tell_which_cluster(told)
        done = keeping.back_up(folder, file.absolute(), datetime.now(UTC), told)
        for path in done.left_out:
            told.done(f"left out, for it is no database: {path}")
    if as_document:
        left_out = [str(path.relative_to(folder.volumes)) for path in done.left_out]
        typer.echo(json.dumps({"file": str(file), **done.manifest.as_json(), "left_out": left_out}))
    else:
        typer.echo(f"{_counted(done.manifest)} in {file}")


def restore(
    file: File,
    *,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the cluster if it runs, once FILE has proved whole.")
    ] = False,
    as_document: AsJson = False,
) -> None:
    """Put what `argosy backup` wrote to FILE in the place of all that the local cluster's pods have stored.

    FILE is unpacked and every database checked before anything is touched; then old and new change places in one step.
    What was there is kept, and the path said. `argosy up` starts the cluster with the restored data.

    \b
    argosy down && argosy restore ~/argosy-monday.tar.gz && argosy up
    argosy restore before.tar.gz --stop --json

    \b
    Exit codes: 0 restored, 1 FILE is no whole backup or cannot be put in place; nothing was changed,
    3 the cluster runs, or another `argosy up`, `down`, `backup` or `restore` is at work, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    folder = StateFolder(settings().state)
    with progress() as told, _explained(), at_work(folder, "restore"):
        tell_which_cluster(told)
        done = keeping.restore(folder, file.absolute(), datetime.now(UTC), told, may_stop=stop)
    replaced = str(done.replaced) if done.replaced else None
    if as_document:
        typer.echo(json.dumps({"file": str(file), **done.manifest.as_json(), "replaced": replaced}))
    else:
        kept = f"; what was there is in {replaced}" if replaced else ""
        typer.echo(f"{_counted(done.manifest)}, of {done.manifest.made:%Y-%m-%d %H:%M:%S %Z}{kept}")


@contextmanager
def _explained() -> Iterator[None]:
    """What the disk or SQLite refuses becomes one sentence."""
    try:
        yield
    except OSError as error:
        raise LocalClusterError(f"{error.filename or 'the disk'}: {error.strerror}") from error
    except DatabaseError as error:
        raise LocalClusterError(f"a database cannot be read: {error}") from error


def _counted(manifest: Manifest) -> str:
    count = len(manifest.databases)
    return (
        f"{count} {'database' if count == 1 else 'databases'}, {decimal(sum(one.bytes for one in manifest.databases))}"
    )
