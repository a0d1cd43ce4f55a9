"""How does a command do its work in the cluster, and how is it said what kept it from that?"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from lightkube.core.exceptions import ConfigError

from mesh.canary.problems import CanaryError
from mesh.kube_problems import told_as
from mesh.local.commands.surroundings import end_like_ctrl_c


def end_with(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Do the work, and end with the exit code it returns. Raises CanaryError when the cluster keeps it from that."""
    end_like_ctrl_c()
    with explained():
        code = asyncio.run(work)
    raise typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """What the Kubernetes API refuses, its silence, and a bad kubeconfig become one sentence."""
    try:
        with told_as(CanaryError):
            yield
    except ConfigError as error:
        raise CanaryError(str(error)) from error
