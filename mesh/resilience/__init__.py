"""Client resilience for grpc.aio: deadline > retry > breaker > per-try timeout > RPC.

    async with open_peer("catalog", target="127.0.0.1:50051", policy=POLICY) as peer:
        catalog = peer.stub(CatalogServiceStub)
        response = await catalog.BatchGetProducts(request)

Failures are grpc.aio.AioRpcError, as without it. Read call.py for the order of the layers, verdicts.py for
what each status means, policy.py for the numbers.
"""

from mesh.resilience import deadline, propagation
from mesh.resilience.errors import CircuitOpen, DeadlineSpent, NotAttempted, PolicyInvalid
from mesh.resilience.events import Event, Listener
from mesh.resilience.peer import Peer, open_peer
from mesh.resilience.policy import BreakerPolicy, BudgetPolicy, MethodPolicy, PeerPolicy

__all__ = [
    "BreakerPolicy",
    "BudgetPolicy",
    "CircuitOpen",
    "DeadlineSpent",
    "Event",
    "Listener",
    "MethodPolicy",
    "NotAttempted",
    "Peer",
    "PeerPolicy",
    "PolicyInvalid",
    "deadline",
    "open_peer",
    "propagation",
]
