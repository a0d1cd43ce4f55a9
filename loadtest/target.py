"""Is somebody there who sells something? Asked once before any load: a run against nothing is long and says little."""

from __future__ import annotations

from grpc import aio

from loadtest.shopper import open_shopper
from mesh.local.problems import LocalClusterError


class DeadTarget(LocalClusterError):
    """Nobody sells anything at the target; the message says what to do."""

    exit_code = 4


async def probe(host: str) -> None:
    """Call the shop once, as a user would. Raises DeadTarget."""
    try:
        async with open_shopper(host) as shopper:
            if not shopper.product_ids:
                raise DeadTarget(f"the shop at {host} lists no products")
    except aio.AioRpcError as error:
        said = f"{error.code().name}: {error.details()}"
        raise DeadTarget(f"no shop answers at {host} ({said}); `argosy up` or `argosy deploy` start one") from error
