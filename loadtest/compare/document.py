"""What stands in docs/resilience.md? All of it comes from one run of the command."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from textwrap import wrap

from loadtest.compare.cell import Cell
from loadtest.compare.crowd import CALLERS, LEARNING_SECONDS, LOOKS, PAUSE
from loadtest.compare.faults import FAULTS
from loadtest.compare.measuring import FAULT_SECONDS
from loadtest.compare.page import CELL_HEADINGS, CROWD_HEADINGS, cell_row, crowd_rows
from loadtest.compare.run import Found
from loadtest.compare.verdicts import by_fault, claims, crowd_readings, readings
from loadtest.machine import machine
from loadtest.wellness import CLEAN_SECONDS, PATIENCE, RATE

WIDTH = 120

METHOD = f"""\
The same faults with the layers of protection off, one of them, and both, on the real local mesh (Istio's own control
plane, one Envoy per pod, mutual TLS), one right after the other.

- *app*: `RESILIENCE` and `ADAPTIVE_LIMIT` of every service. *mesh*: retries (with their `perTryTimeout`), retry budgets
  and outlier detection of Istio's objects. Deadlines, probes and Kubernetes itself stay in all four.
- Orders are due {RATE:g} times a second, an open loop, for {FAULT_SECONDS:g} s of each fault. *In time*:
  confirmed within {PATIENCE:g} s of when the order was due. p50 and p99 are of all answers, refusals included.
- *Tries per order* are counted at the servers of the sick service: calls that began there, and calls that its own
  sidecar answered because the fault was injected there. What a frozen process never read is not counted.
- *Recovered after*: from the end of the fault (of a kill or a freeze: from its beginning, for there the shop has to
  mend by itself) until the last order that was not confirmed in time was due; {CLEAN_SECONDS:g} s of good ones follow.
- The faults are at the servers, so every layer can see them: settings of payments v2, which gets all traffic for the
  time; Envoy's fault filter in the inbound listener of catalog's sidecars; signals to catalog's process.
- A cell counts only if all orders were good before the fault, the fault was met, and the generator kept its schedule.
"""

CROWD = f"""\
Published of two demo shops (microservices-demo#3474, opentelemetry-demo#3879): with payments 2 s slower, PlaceOrder
takes 2 s longer, and a front end with a fixed number of workers slows down with it. Here {CALLERS} callers do what
such workers do: {LOOKS} looks at products, one order, {PAUSE:g} s of pause, over and over, each call with the 10 s a
client gives it there. In the second line of each pair payments is 2 s slower, counted after {LEARNING_SECONDS:g} s in
which a breaker may learn of it.
"""


def document(found: Found, today: date, machine: str) -> str:
    """The whole page."""
    return "\n".join([*_head(today, machine), *_faults(found.cells), *_crowd(found), *_claims(found)]).rstrip() + "\n"


def write(path: Path, found: Found) -> None:
    """Write the page of today and of this machine."""
    path.write_text(document(found, date.today(), machine()), encoding="utf-8")  # noqa: DTZ011 - the reader's day


def _head(today: date, machine: str) -> Iterator[str]:
    yield "<!-- Written by `make compare` (loadtest/compare); edit that, not this. -->"
    yield "# What protection buys, and what it costs\n"
    yield f"Measured on {today.isoformat()}: {machine}.\n"
    yield METHOD


def _faults(cells: Sequence[Cell]) -> Iterator[str]:
    for key, measured in by_fault(cells).items():
        yield f"## {FAULTS[key].title[0].upper()}{FAULTS[key].title[1:]}\n"
        yield from _table(CELL_HEADINGS, [cell_row(cell) for cell in measured.values()])
        yield from _list(readings(measured))


def _crowd(found: Found) -> Iterator[str]:
    if found.crowds:
        yield "## The published failure\n"
        yield CROWD
        yield from _table(CROWD_HEADINGS, crowd_rows(found.crowds))
        yield from _list(crowd_readings(found.crowds))


def _claims(found: Found) -> Iterator[str]:
    yield "## Verdicts\n"
    rows = [
        (claim.what, claim.seen, "holds" if claim.holds else "**does not hold**")
        for claim in claims(found.cells, found.crowds)
    ]
    yield from _table(("claim", "seen", ""), rows)


def _list(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        yield from wrap(f"- {sentence}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    yield ""


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|---{'|---:' * (len(headings) - 1)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
