"""What does a person, and what does a program, see after a run?"""

from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.histogram import Histogram
from loadtest.outcome import FAILURES, Kind
from loadtest.tally import Tally

STYLES = {Kind.OK: "green", Kind.EXPECTED: "cyan"}


def by_rpc(tally: Tally, seconds: float) -> Table:
    """One line per RPC, and one for all."""
    table = Table(title="by RPC: latency in ms over all calls, failed ones included", title_justify="left")
    table.add_column("RPC")
    for heading in ("calls", "per s", "failed", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right")
    for rpc in [*tally.rpcs, None]:
        latency = tally.latency(rpc)
        failed = tally.count(*FAILURES, rpc=rpc)
        counts = (str(latency.count), f"{latency.count / seconds:.1f}", f"[red]{failed}[/]" if failed else "0")
        table.add_row(rpc or "all", *counts, *_milliseconds(latency), end_section=rpc == tally.rpcs[-1])
    return table


def by_status(tally: Tally) -> Table:
    """One line per RPC and gRPC status."""
    table = Table(title="by status", title_justify="left")
    for heading in ("RPC", "status", "means"):
        table.add_column(heading, overflow="fold")
    for heading in ("calls", "p50", "p95", "p99"):
        table.add_column(heading, justify="right")
    for cell, latency in sorted(tally.cells.items()):
        style = STYLES.get(cell.kind, "red")
        table.add_row(
            cell.rpc, cell.code, cell.kind.value, str(latency.count), *_milliseconds(latency)[:3], style=style
        )
    return table


def _milliseconds(latency: Histogram) -> list[str]:
    return [f"{1000 * value:.1f}" for value in (*(latency.quantile(q) for q in (0.5, 0.95, 0.99)), latency.longest)]


def show(console: Console, tally: Tally, seconds: float) -> None:
    """Both tables, and what is in neither."""
    if tally.calls:
        console.print(by_rpc(tally, seconds), by_status(tally), sep="\n")
    if tally.cut_off:
        console.print(f"{tally.cut_off} calls were under way when the run ended and are not counted")


def as_json(tally: Tally, seconds: float) -> dict[str, Any]:
    """The same numbers for programs; latencies in milliseconds, rates per second."""
    return {
        "calls": tally.calls,
        "cut_off": tally.cut_off,
        "rate": round(tally.calls / seconds, 2),
        "kinds": {kind.value: tally.count(kind) for kind in Kind},
        "rpcs": {rpc: _numbers(tally.latency(rpc)) for rpc in tally.rpcs},
        "statuses": [
            {"rpc": cell.rpc, "code": cell.code, "kind": cell.kind.value, **_numbers(latency)}
            for cell, latency in sorted(tally.cells.items())
        ],
        "errors": dict(tally.errors),
    }


def _numbers(latency: Histogram) -> dict[str, float]:
    names = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    quantiles = {name: round(1000 * latency.quantile(q), 2) for name, q in names.items()}
    return {"calls": latency.count, **quantiles, "max_ms": round(1000 * latency.longest, 2)}
