"""Who may change this now? A lock file that the kernel frees when its holder dies, and that says who holds it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

POLL_EVERY = 0.1


class Held(Exception):
    """Somebody else has the lock; `holder` is what they wrote into it."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"{holder} holds the lock")
        self.holder = holder


@contextmanager
def hold(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock for the time of the block. Raises Held at once when somebody else does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited by programs we start: they would keep the lock beyond us.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(path.read_text(encoding="utf-8").strip() or "another process") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{purpose} (pid {os.getpid()})\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def wait_and_hold(
    path: Path,
    purpose: str,
    waiting: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock as soon as it is free; `waiting` is told who holds it meanwhile."""
    with ExitStack() as held_until_the_end:
        while True:
            try:
                held_until_the_end.enter_context(hold(path, purpose))
                break
            except Held as held:
                waiting(held.holder)
            sleep(POLL_EVERY)
        yield
