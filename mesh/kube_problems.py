"""What is said when the Kubernetes API refuses, or is silent? One sentence, in the error of who asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from lightkube import ApiError


@contextmanager
def told_as(problem: Callable[[str], Exception]) -> Iterator[None]:
    """Raise `problem` of the sentence in place of what lightkube raises."""
    try:
        yield
    except ApiError as error:
        raise problem(f"the Kubernetes API refuses: {error.status.message}") from error
    except httpx2.HTTPError as error:
        raise problem(f"the Kubernetes API does not answer: {error}") from error
