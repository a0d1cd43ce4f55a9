"""What has an ended container said, to the last line?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

READ_AGAIN_SECONDS = 0.2
READS = 20
QUIET = 3

Lines = Sequence[str]


async def whole_log(
    read: Callable[[], Awaitable[Lines]],
    sleep: Callable[[float], Awaitable[object]],
    complete: Callable[[Lines], bool] | None = None,
) -> Lines:
    """Its log, read until it is `complete`, or, when nobody can say that, until it has grown no more for a while.

    A node says that a container has ended before the last lines are written, and what was said to standard error may
    be there before what was said to standard output. Seen on containerd, on a busy machine.
    """
    lines, same = await read(), 0
    for _ in range(READS):
        if complete(lines) if complete else same == QUIET:
            break
        await sleep(READ_AGAIN_SECONDS)
        now = await read()
        lines, same = now, same + 1 if now and now == lines else 0
    return lines
