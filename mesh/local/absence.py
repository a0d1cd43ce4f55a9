"""When is "not found" no failure? When an object that is asked for, or deleted, need not be there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from lightkube.core.exceptions import ApiError


@contextmanager
def absence_is_fine() -> Iterator[None]:
    """Go on after the block as soon as the Kubernetes API says that an object is not there."""
    try:
        yield
    except ApiError as error:
        if error.status.code != HTTPStatus.NOT_FOUND:
            raise
