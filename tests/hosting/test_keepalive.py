"""Pings keep a connection from being forgotten; too many of them, and the server closes it on everybody."""

from __future__ import annotations

from pathlib import Path

from mesh.resilience import peer
from services.hosting import server

K8S = Path(__file__).parents[2] / "k8s"
ALLOWED = "grpc.http2.min_recv_ping_interval_without_data_ms"


def test_rule_25_nobody_pings_more_often_than_the_server_allows() -> None:
    allowed, ours, clients = dict(server.OPTIONS)[ALLOWED], dict(server.OPTIONS), dict(peer._CHANNEL_OPTIONS)
    assert ours["grpc.keepalive_time_ms"] >= allowed
    assert clients.get("grpc.keepalive_time_ms", allowed) >= allowed
    # Istio gives Envoy no HTTP/2 pings; whoever adds them with an EnvoyFilter has these numbers to match.
    assert [path for path in K8S.rglob("*.yaml") if "connection_keepalive" in path.read_text()] == []


def test_rule_25_no_connection_has_a_greatest_age_without_time_to_finish() -> None:
    options = dict(server.OPTIONS)
    assert ("grpc.max_connection_age_ms" in options) == ("grpc.max_connection_age_grace_ms" in options)
