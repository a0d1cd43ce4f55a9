"""Does protection do what it promises, and what does it cost? Decided from the numbers alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from loadtest.compare.cell import NEVER, Cell
from loadtest.compare.crowd import Crowd
from loadtest.compare.protection import Protection

ORDER = [protection.title for protection in Protection]
OFF, MESH, APP, BOTH = ORDER
PROMISED = {"catalog-failing": 0.9, "catalog-killed": 0.9, "catalog-frozen": 0.9}  # of the orders confirmed, with both
HARMLESS = 0.8  # a fault that leaves more than this without protection shows nothing
HARMFUL = ("payments-failing", "catalog-failing")  # to a share of calls that is known, so a control is possible
TRIES = 1.2  # that may reach the sick servers for each order
SLOWER = 1.8  # seconds that PlaceOrder takes longer unprotected, when payments takes 2 s longer
COLLAPSED = 0.5  # of its healthy rate
QUICK = 0.5  # seconds in which a protected front end answers, yes or no
KEPT = 0.8  # of the healthy rate of everything else
LONGER = 1.0  # seconds of recovery that are told
DEARER = 0.05  # tries for each order that are told

Cells = Mapping[str, Cell]  # of one fault, by protection


@dataclass(frozen=True)
class Claim:
    """One promise, what was seen, and whether it holds."""

    what: str
    seen: str
    holds: bool


def by_fault(cells: Sequence[Cell]) -> Mapping[str, Cells]:
    """The cells of each fault by protection, the same order in all of them, whatever order they were measured in."""
    found: dict[str, dict[str, Cell]] = {}
    for cell in sorted(cells, key=lambda cell: ORDER.index(cell.protection)):
        found.setdefault(cell.fault, {})[cell.protection] = cell
    return {fault: found[fault] for fault in dict.fromkeys(cell.fault for cell in cells)}


def claims(cells: Sequence[Cell], crowds: Sequence[Crowd]) -> list[Claim]:
    """Every promise that these measurements decide."""
    found = [
        Claim(f"{cell.fault}, {cell.protection}: measured", cell.objection, holds=False)
        for cell in cells
        if cell.objection
    ]
    for fault, measured in by_fault([cell for cell in cells if not cell.objection]).items():
        found += _of_fault(fault, measured)
    return found + list(_of_crowds({crowd.protection: crowd for crowd in crowds}))


def _of_fault(fault: str, cells: Cells) -> Iterator[Claim]:
    off, both = cells.get(OFF), cells.get(BOTH)
    if off and fault in HARMFUL:
        yield Claim(
            f"{fault}: without protection at most {HARMLESS:.0%} confirmed", f"{off.share:.1%}", off.share <= HARMLESS
        )
    if both and fault in PROMISED:
        least = PROMISED[fault]
        yield Claim(f"{fault}: with both at least {least:.0%} confirmed", f"{both.share:.1%}", both.share >= least)
    if both:
        yield Claim(f"{fault}: with both at most {TRIES:g} tries per order", f"{both.tries:.2f}", both.tries <= TRIES)
        yield Claim(f"{fault}: with both the shop recovers", seconds(both.recovery), both.recovery != NEVER)


def _of_crowds(crowds: Mapping[str, Crowd]) -> Iterator[Claim]:
    if off := crowds.get(OFF):
        slower = off.slow.p50 - off.healthy.p50
        yield Claim(
            f"sixteen callers, off: PlaceOrder at least {SLOWER:g} s slower", f"{slower:.2f} s", slower >= SLOWER
        )
        kept = off.browsing_kept
        yield Claim(
            f"sixteen callers, off: browsing at most {COLLAPSED:.0%} of before", f"{kept:.0%}", kept <= COLLAPSED
        )
    if both := crowds.get(BOTH):
        p50 = both.slow.p50
        yield Claim(f"sixteen callers, both: PlaceOrder answered within {QUICK:g} s", f"{p50:.2f} s", p50 <= QUICK)
        kept = both.browsing_kept
        yield Claim(f"sixteen callers, both: browsing at least {KEPT:.0%} of before", f"{kept:.0%}", kept >= KEPT)


def differ(one: Cell, other: Cell) -> bool:
    """Whether the confirmed shares differ by more than chance and a hundredth: two standard errors."""
    variance = sum(each.share * (1 - each.share) / max(1, each.orders) for each in (one, other))
    return abs(one.share - other.share) > 2 * sqrt(variance) + 0.01


def readings(cells: Cells) -> list[str]:
    """What the four cells of one fault say, costs included, in sentences; empty unless all four were measured."""
    if set(cells) != {OFF, APP, MESH, BOTH} or any(cell.objection for cell in cells.values()):
        return []
    return [_who_did_it(cells), *_costs(cells)]


def _who_did_it(cells: Cells) -> str:
    off, app, mesh, both = (cells[each] for each in (OFF, APP, MESH, BOTH))
    if not differ(both, off):
        told = [cell for cell in (app, mesh) if differ(cell, off) or differ(cell, both)]
        beside = "".join(f" {cell.protection.capitalize()}: {cell.share:.0%}." for cell in told)
        shares = f"{off.share:.0%} are confirmed in time without protection, {both.share:.0%} with it"
        return f"No difference can be told from chance: {shares}.{beside}"
    if both.share < off.share:
        return (
            f"Protection costs orders here: {off.share:.0%} are confirmed in time without, {both.share:.0%} with it. "
            f"Half of all answers come within {both.p50:.2f} s with it, within {off.p50:.2f} s without."
        )
    as_good = [cell.protection for cell in (app, mesh) if not differ(cell, both)]
    match as_good:
        case [one]:
            return f"{one.capitalize()} is as good as both; the other layer adds nothing that can be told from chance."
        case [_, _]:
            return "Either layer alone is as good as both."
        case _:
            return "It takes both: neither layer alone confirms as many orders."


def _costs(cells: Cells) -> Iterator[str]:
    off, both = cells[OFF], cells[BOTH]
    for one in (APP, MESH):
        if differ(cells[one], off) and cells[one].share < off.share and both.share >= off.share:
            yield f"{one.capitalize()} confirms fewer orders than no protection at all ({cells[one].share:.0%})."
    if both.recovery > off.recovery + LONGER:
        yield (
            f"Recovery is slower with protection: {seconds(both.recovery)} against {seconds(off.recovery)}. "
            "An open circuit is tried again only when its time is up."
        )
    if both.tries > max(1.0, off.tries) + DEARER:
        yield f"It costs {both.tries:.2f} tries per order at the sick service instead of {off.tries:.2f}."
    if both.degraded:
        yield f"{both.degraded} of the {both.confirmed} confirmed orders used prices that were known from before."


def crowd_readings(crowds: Sequence[Crowd]) -> list[str]:
    """What happened to the callers while payments was slow, what was lost by it included."""
    return [
        f"{crowd.protection.capitalize()}: orders are answered after {crowd.slow.p50:.2f} s, browsing goes on at "
        f"{crowd.browsing_kept:.0%} of its rate, and {crowd.slow.confirmed:.1f} of "
        f"{crowd.healthy.confirmed:.1f} orders a second are still sold."
        for crowd in sorted(crowds, key=lambda crowd: ORDER.index(crowd.protection))
    ]


def seconds(value: float) -> str:
    """`1.2 s`, or that the end was not seen."""
    return "not seen to end" if value == NEVER else f"{value:.1f} s"
