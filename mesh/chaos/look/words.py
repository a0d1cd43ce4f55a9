"""How is a number of a verdict written? The same on a terminal and in a report; empty when it is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mesh.chaos.verdict import Checked, Verdict


def value(check: Checked) -> str:
    """What was found: a share in percent, everything else as a number, or that it never happened."""
    if check.value is None:
        return "never" if check.samples else "unknown"
    return f"{check.value:.2%}" if check.limit.metric.endswith("_share") else f"{check.value:.4g}"


def seconds(number: float | None) -> str:
    """`1.2 s`."""
    return "" if number is None else f"{number:.1f} s"


def share(number: float | None) -> str:
    """`0.31 %`."""
    return "" if number is None else f"{100 * number:.2f} %"


def times(number: float | None) -> str:
    """`1.02 x`."""
    return "" if number is None else f"{number:.2f} x"


def ms(number: float | None) -> str:
    """Milliseconds, whole ones where the first digits say enough."""
    return "" if number is None else f"{number:.0f}" if number >= 100 else f"{number:.1f}"  # noqa: PLR2004


def audited(audit: Mapping[str, Any]) -> str:
    """What the auditor found, in a few words."""
    match audit.get("verdict"):
        case "clean":
            return f"agree about {audit['orders']['total']} orders"
        case "discrepancies":
            return "; ".join(f"{found['name']}: {found['detail']}" for found in audit["discrepancies"])
        case _:
            return str(audit.get("problem", "not read"))


def recovered(verdict: Verdict) -> str:
    """Until the last failed call; a run with checks whose end was not seen says so."""
    return "not seen" if verdict.recovered is None and verdict.checks else seconds(verdict.recovered)


def facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What is known of a run besides its numbers: name and words, without what is not known."""
    known = (
        ("injected", verdict.injected),
        ("removed", verdict.removed),
        ("detected after", seconds(verdict.detected)),
        ("recovered after", recovered(verdict)),
        ("tries for each call", f"{times(verdict.amplification)} of before" if verdict.amplification else ""),
        ("error budget", f"{share(verdict.budget_used)} of a month" if verdict.budget_used is not None else ""),
        ("breakers", "; ".join(verdict.breakers)),
        ("also hit", "; ".join(verdict.blast_radius)),
        ("left behind", "; ".join(verdict.leftovers)),
        ("books", audited(verdict.audit)),
    )
    return (pair for pair in known if pair[1])
