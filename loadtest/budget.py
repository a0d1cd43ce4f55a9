"""Was the run good enough? Every objection in one line; none means yes."""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.outcome import FAILURES, Kind
from loadtest.tally import Tally


@dataclass(frozen=True)
class Budget:
    """The share of all calls, 0 to 1, that may fail in each way, and what a run must at least have done."""

    unavailable: float = 0.01
    refused: float = 0.0
    broken: float = 0.0
    calls: int = 1

    def share(self, kind: Kind) -> float:
        """What may be spent on failures of this kind."""
        shares = {Kind.UNAVAILABLE: self.unavailable, Kind.REFUSED: self.refused, Kind.BROKEN: self.broken}
        return shares[kind]


def objections(tally: Tally, budget: Budget) -> Iterator[str]:
    """What is wrong with the run, the gravest first."""
    if tally.calls < budget.calls:
        yield f"{tally.calls} calls were made, at least {budget.calls} are needed to say anything"
    for error, times in tally.errors.most_common():
        yield f"the harness itself failed {times} times: {error}"
    for rpc in tally.rpcs:
        if not tally.count(Kind.OK, Kind.EXPECTED, rpc=rpc):
            yield f"{rpc} was never answered ({_codes(tally, *FAILURES, rpc=rpc)})"
    for kind in FAILURES:
        spent = tally.count(kind)
        if spent > budget.share(kind) * tally.calls:
            share = spent / tally.calls
            yield f"{share:.2%} of calls {kind.value}, budget {budget.share(kind):.2%} ({_codes(tally, kind)})"


def _codes(tally: Tally, *kinds: Kind, rpc: str | None = None) -> str:
    """Where the failures are: "PlaceOrder UNAVAILABLE 12, ..."."""
    cells = [cell for cell in sorted(tally.cells) if cell.kind in kinds and rpc in {None, cell.rpc}]
    return ", ".join(f"{cell.rpc} {cell.code} {tally.cells[cell].count}" for cell in cells)
