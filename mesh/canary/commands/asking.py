"""How does a command do its work in the cluster, and how is it said what kept it from that?"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx2
import typer
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError

from mesh.canary.problems import CanaryError
from mesh.local.commands.surroundings import end_like_ctrl_c


def end_with(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Do the work, and end with the exit code it returns. Raises CanaryError when the cluster keeps it from that."""
    end_like_ctrl_c()
    with explained():
        code = asyncio.run(work)
    raise typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """What the Kubernetes API refuses, and its silence, become one sentence."""
    try:
        yield
    except ApiError as error:
        raise CanaryError(f"the Kubernetes API refuses: {error.status.message}") from error
    except httpx2.HTTPError as error:
        raise CanaryError(f"the Kubernetes API does not answer: {error}") from error
    except ConfigError as error:
        raise CanaryError(str(error)) from error
