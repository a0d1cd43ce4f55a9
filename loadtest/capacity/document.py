"""What stands in docs/capacity.md? All of it comes from one run of the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from textwrap import wrap

from loadtest.capacity.curve import ANSWERED, Curve, Step, verdict
from loadtest.capacity.measuring import FACTOR, HALVINGS
from loadtest.capacity.stepping import TRIES

WIDTH = 120
PICTURE = "pictures/capacity.svg"


def document(curves: Sequence[Curve], seconds: float, today: date, machine: str) -> str:
    """The whole page."""
    parts = [*_head(seconds, today, machine), *_knees(curves)]
    for curve in curves:
        parts += _steps(curve)
    return "\n".join(parts).rstrip() + "\n"


def _head(seconds: float, today: date, machine: str) -> Iterator[str]:
    yield "<!-- Written by `argosy load capacity --write docs/capacity.md`; edit loadtest/capacity, not this. -->"
    yield "# How much the shop takes\n"
    yield from _paragraph(f"Measured on {today.isoformat()}: {machine}.")
    yield from _paragraph(
        "Load comes through the gateway, at random (Poisson arrivals) and without waiting for answers; latency counts "
        f"from when a call was due. Rates grow by {100 * (FACTOR - 1):.0f} % every {seconds:.0f} s, after a warm-up, "
        f"until a step does not hold in {TRIES} tries; {HALVINGS} more steps in the last gap find the *knee*, the "
        f"highest rate that holds: {ANSWERED:.0%} of the calls are answered as they deserve, and every RPC keeps the "
        "p99 it promises ([objectives.md](objectives.md)). Everything shares the machine: services, their sidecars, "
        "the control plane, and what makes the load. So these numbers compare services with one another, and one day "
        "with the next."
    )


def _knees(curves: Sequence[Curve]) -> Iterator[str]:
    yield "| load | what it is | knee | p50 there | p99 there | first in the way |"
    yield "|---|---|---:|---:|---:|---|"
    for curve in curves:
        at, beyond = curve.knee, curve.beyond
        rate = f"{at.offered:.0f}/s" if at else "none"
        limit = verdict(curve).partition("; ")[2] if at else verdict(curve)
        lower = "≥ " if at and (beyond is None or beyond.bound) else ""
        p50, p99 = (_ms(at.p50), _ms(at.p99)) if at else ("", "")
        yield f"| {curve.profile} | {curve.about} | {lower}{rate} | {p50} | {p99} | {limit} |"
    yield ""
    yield f"![Latency over throughput, for each kind of load]({PICTURE})\n"


def _steps(curve: Curve) -> Iterator[str]:
    yield f"## {curve.profile}\n"
    yield "| calls a second | answered | p50 | p99 | |"
    yield "|---:|---:|---:|---:|---|"
    yield from (_row(step) for step in curve.steps)
    yield ""


def _row(step: Step) -> str:
    found = "holds" if step.holds else "; ".join((*step.broken, *step.bound))
    return f"| {step.offered:.0f} | {step.answered:.0f} | {_ms(step.p50)} | {_ms(step.p99)} | {found} |"


def _paragraph(text: str) -> Iterator[str]:
    yield from wrap(text, WIDTH, break_on_hyphens=False)
    yield ""


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
