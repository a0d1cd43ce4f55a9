"""What a service's metrics and its sidecar's statistics look like, with the numbers a test wants."""

from __future__ import annotations

from collections.abc import Mapping

CHARGE = "/shop.payments.v1.PaymentsService/Charge"


def metrics(
    *,
    began: float = 100.0,
    started: float = 0,
    handled: Mapping[str, float] = {},
    took: Mapping[str, float] = {},
    called: float = 0,
    rejected: float = 0,
    full: float = 0,
    circuit: Mapping[str, float] = {},
    method: str = CHARGE,
) -> str:
    """A page of /metrics; `circuit` counts the changes of payments/charge by state."""
    about = f'method="{method}"'
    lines = [
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {began}",
        "# TYPE argosy_server_started_total counter",
        f"argosy_server_started_total{{{about}}} {started}",
        'argosy_server_started_total{method="/grpc.health.v1.Health/Check"} 1000',
        "argosy_server_limit 100",
        *(f'argosy_server_handled_total{{{about},code="{code}"}} {count}' for code, count in handled.items()),
        *(f'argosy_server_handling_seconds_bucket{{{about},le="{le}"}} {count}' for le, count in took.items()),
        f'argosy_client_calls_total{{{about},code="OK"}} {called}',
        f"argosy_client_rejected_total{{{about}}} {rejected}",
        f"argosy_client_bulkhead_rejected_total{{{about}}} {full}",
        *(
            f'argosy_breaker_transitions_total{{peer="payments",group="charge",state="{state}"}} {count}'
            for state, count in circuit.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def statistics(*, aborted: float = 0, ejected: Mapping[str, float] = {}) -> str:
    """What a sidecar says."""
    lines = [
        "# TYPE envoy_http_fault_aborts_injected counter",
        f'envoy_http_fault_aborts_injected{{http_conn_manager_prefix="inbound_127.10.0.3_50051"}} {aborted}',
        'envoy_http_fault_aborts_injected{http_conn_manager_prefix="outbound_127.11.0.10_50051"} 7',
        "# TYPE envoy_cluster_outlier_detection_ejections_active gauge",
        *(
            f'envoy_cluster_outlier_detection_ejections_active{{cluster_name="{cluster}"}} {hosts}'
            for cluster, hosts in ejected.items()
        ),
    ]
    return "\n".join(lines) + "\n"
