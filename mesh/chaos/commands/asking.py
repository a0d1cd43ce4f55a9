"""How does a command do its work in the cluster, and how is it said what kept it from that?"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer
from lightkube import AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Namespace

from mesh.chaos.guards import check
from mesh.chaos.problems import TOOL_ERROR, ChaosError
from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.kube_client import opened
from mesh.kube_problems import told_as
from mesh.local.commands.surroundings import end_like_ctrl_c
from mesh.local.problems import LocalClusterError
from mesh.running_shop import ShopError


def end_with(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Do the work, and end with the exit code it returns. Raises ChaosError when the cluster keeps it from that.

    A mistake of ours must not look like a verdict, which exit code 1 is.
    """
    end_like_ctrl_c()
    try:
        with told_as(ChaosError):
            code = asyncio.run(work)
    except (ConfigError, ShopError) as error:
        raise ChaosError(str(error)) from error
    except LocalClusterError:
        raise
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        code = TOOL_ERROR
    raise typer.Exit(code)


async def allowed(cluster: Cluster) -> None:
    """Raises Refused when no experiment may be done to this cluster."""
    async with opened(cluster) as client:
        check(cluster, NAMESPACE, await _labels(client), os.environ)


async def _labels(client: AsyncClient) -> dict[str, str]:
    found = await client.get(Namespace, NAMESPACE)
    return dict((found.metadata and found.metadata.labels) or {})
