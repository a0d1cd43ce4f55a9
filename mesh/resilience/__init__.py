"""Client resilience for grpc.aio: fallback > deadline > retry > bulkhead > breaker > per-try timeout > RPC.

    async with open_peer("catalog", target="127.0.0.1:50051", policy=POLICY) as peer:
        catalog = peer.stub(CatalogServiceStub)
        response = await catalog.BatchGetProducts(request)

Failures are grpc.aio.AioRpcError, as without it. README.md says in which order to read the files.
"""

from mesh.resilience import answers, deadline, degraded, propagation
from mesh.resilience.errors import BulkheadFull, CircuitOpen, DeadlineSpent, NotAttempted, PolicyInvalid
from mesh.resilience.events import Event, Listener
from mesh.resilience.peer import Peer, open_peer
from mesh.resilience.policy import BreakerPolicy, BudgetPolicy, FallbackPolicy, MethodPolicy, PeerPolicy

__all__ = [
    "BreakerPolicy",
    "BudgetPolicy",
    "BulkheadFull",
    "CircuitOpen",
    "DeadlineSpent",
    "Event",
    "FallbackPolicy",
    "Listener",
    "MethodPolicy",
    "NotAttempted",
    "Peer",
    "PeerPolicy",
    "PolicyInvalid",
    "answers",
    "deadline",
    "degraded",
    "open_peer",
    "propagation",
]
