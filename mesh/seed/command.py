"""What does `argosy seed` do? It runs the seeder in the cluster, shows how far it is, and says what was done."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from lightkube.core.exceptions import ConfigError

from mesh.chosen_cluster import NAMESPACE, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import end_like_ctrl_c, progress
from mesh.local.problems import LocalClusterError
from mesh.local.progress import Progress
from mesh.seed.job import Report, run_seeder
from mesh.suspended_job import JobImpossible

MOST_BYTES = 1_000_000
"""What a ConfigMap holds, and a little less."""


class NotSeeded(LocalClusterError):
    """A service refuses some of the products."""


class NotProducts(LocalClusterError):
    """The file is none that could be brought in."""

    exit_code = 2


class NoSeeder(LocalClusterError):
    """The seeder could not be run, or the shop does not answer it."""

    exit_code = 3


_PROBLEMS: dict[int, type[LocalClusterError]] = {1: NotSeeded, 2: NotProducts}


def seed(
    file: Annotated[
        Path | None,
        typer.Argument(help="A JSON list of products with their stock; without, those of k8s/base/products."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds it may take in all.")] = 300.0,
    context: Context = "",
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Bring products and their first stock into the running shop, in whatever cluster KUBECONFIG names.

    Adds the products that the catalog has not, and the stock of those that the inventory has never received; what is
    there is left alone, so it may be run any number of times. The seeder runs as a Job, which is deleted afterwards.

    \b
    argosy seed
    argosy seed my-products.json
    argosy seed my-products.json --json | jq .left_as_they_are

    \b
    An entry of FILE (stock: 0 to 1000000 pieces; category and picture may be left out):
    {"id": "mug-blue", "name": "Blue mug", "description": "0.35 l.", "category": "galley", "picture": "mug/navy",
     "price": {"currency_code": "EUR", "units": 12, "nanos": 500000000}, "stock": 40}

    \b
    Exit codes: 0 all of it is there, 1 a service refuses some of it, 2 wrong usage or not a list of products,
    3 the seeder could not be run or the shop does not answer, 4 no cluster runs, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    products = _read(file) if file else ""
    with progress() as told:
        try:
            report = asyncio.run(_run(context, products, timeout, told))
        except (JobImpossible, ConfigError) as error:
            raise NoSeeder(str(error)) from error
    if problem := report.get("problem"):
        raise _PROBLEMS.get(report.get("code", 0), NoSeeder)(problem)
    typer.echo(json.dumps(report, separators=(",", ":")) if as_document else sentence(report))


def sentence(report: Report) -> str:
    """What was done, for people."""
    left = report["left_as_they_are"]
    changed = f"; changed by somebody and left so: {', '.join(left)}" if left else ""
    return f"{report['products']} products: {report['added']} added, {report['stocked']} given stock{changed}"


def _read(file: Path) -> str:
    """The list in `file`, without its spaces. Raises NotProducts; what the entries are is the seeder's to say."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotProducts(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise NotProducts(f"{file} is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise NotProducts(f"{file} is no list of products")
    text = json.dumps(entries, separators=(",", ":"))
    if len(text) > MOST_BYTES:
        raise NotProducts(f"{file} is too long for one go: {len(text)} bytes of at most {MOST_BYTES}; split it")
    return text


async def _run(context: str, products: str, timeout: float, told: Progress) -> Report:
    def step(report: Report) -> None:
        told.now(f"{report['adding']}: {report['done']} of {report['of']}")

    async with opened(meant(context)) as client:
        told.now("starting the seeder")
        return await run_seeder(client, NAMESPACE, products, step, timeout=timeout, sleep=asyncio.sleep)
