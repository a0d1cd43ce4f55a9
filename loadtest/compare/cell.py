"""What did one fault do under one protection? Numbers from the calls, no I/O."""

from dataclasses import dataclass

from loadtest.report import Report
from loadtest.wellness import in_time

NEVER = float("inf")


@dataclass(frozen=True)
class Cell:
    """One fault under one protection. Times are seconds, shares 0 to 1."""

    fault: str  # its key
    protection: str  # its title
    orders: int = 0  # due while the fault was there
    confirmed: int = 0  # of them, within the customer's patience
    degraded: int = 0  # of those, with a part made up from what was known before
    seconds: float = 0.0  # how long orders were due under the fault
    p50: float = 0.0
    p99: float = 0.0
    tries: float = 0.0  # that reached the sick service's servers, for each order
    recovery: float = 0.0  # until the last order that was not confirmed was due; NEVER: not seen to end
    codes: str = ""
    objection: str = ""  # why it proves nothing; empty when it does

    @property
    def share(self) -> float:
        """Of the orders, confirmed in time."""
        return self.confirmed / self.orders if self.orders else 0.0

    @property
    def goodput(self) -> float:
        """Orders confirmed in time, per second."""
        return self.confirmed / self.seconds if self.seconds else 0.0


def recovered(during: Report, afterwards: Report, *, since: float, well: bool) -> float:
    """Seconds from `since` until the last order that was not confirmed in time was due, 0 when there was none.

    `well` says that a stretch without such an order was seen at the end; otherwise nobody knows, which is NEVER.
    """
    if not well:
        return NEVER
    samples = [*during.samples, *afterwards.samples]
    good = [*in_time(during), *in_time(afterwards)]
    return max((each.scheduled - since for each, fine in zip(samples, good, strict=True) if not fine), default=0.0)


def cell_of(fault: str, protection: str, during: Report, *, seconds: float, tries: float, recovery: float) -> Cell:
    """The numbers of what was due during the fault. Raises report.NothingMeasured when nothing was."""
    good = in_time(during)
    degraded = [fine and bool(each.outcome.degraded) for fine, each in zip(good, during.samples, strict=True)]
    return Cell(
        fault=fault,
        protection=protection,
        orders=len(during.samples) + len(during.dropped),
        confirmed=sum(good),
        degraded=sum(degraded),
        seconds=seconds,
        p50=during.quantile(0.5),
        p99=during.quantile(0.99),
        tries=tries / max(1, len(during.samples)),
        recovery=max(0.0, recovery),
        codes=", ".join(f"{code} {count}" for code, count in during.codes.most_common()),
        objection="the load generator could not keep its schedule" if during.saturated else "",
    )
