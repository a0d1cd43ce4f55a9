"""The channel under a peer: opened as gRPC should be told, and closed with the peer."""

import grpc
import pytest

from mesh.resilience import BreakerPolicy, open_peer
from mesh.resilience.peer import _CHANNEL_OPTIONS
from tests.resilience.opened import policy
from tests.resilience.scripted import TStub, serve


async def test_rule_26_a_peer_that_is_left_has_closed_its_channel() -> None:
    async with serve() as server:
        async with open_peer("t", target=server.target, policy=policy()) as peer:
            stub = peer.stub(TStub)
            assert await stub.UnaryUnary(b"x") == b"x"
        with pytest.raises(grpc.aio.UsageError, match="closed"):
            await stub.UnaryUnary(b"x")
        assert server.hits == 1


def test_rule_03_no_service_config_comes_from_dns() -> None:
    assert dict(_CHANNEL_OPTIONS)["grpc.service_config_disable_resolution"] == 1


def test_a_lost_connection_is_tried_again_before_a_circuit_lets_a_trial_through() -> None:
    least, most = (dict(_CHANNEL_OPTIONS)[f"grpc.{which}_reconnect_backoff_ms"] / 1000 for which in ("initial", "max"))
    policy = BreakerPolicy()
    assert 0 < least < most < policy.open_for * (1 - policy.jitter)
