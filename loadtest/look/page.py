"""What does somebody at a terminal see of a run? Its calls, its promises, and whether they were kept."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table

from loadtest.gate import FEWEST, Check, Outcome
from loadtest.look.ran import Ran
from loadtest.reconciling import Says
from loadtest.summary import show as show_calls

STYLES = {Outcome.MET: "green", Outcome.MISSED: "red", Outcome.INVALID: "yellow"}


def show(console: Console, ran: Ran) -> None:
    """Everything, the outcome last."""
    show_calls(console, ran.seen.tally, ran.plan.seconds)
    if ran.judgement.checks:
        console.print(promises(ran))
    for line in remarks(ran):
        console.print(line, highlight=False, soft_wrap=True)
    outcome = ran.judgement.outcome
    style = STYLES[outcome]
    for why in ran.judgement.invalid:
        console.print(f"[{style}]INVALID[/] {why}", highlight=False, soft_wrap=True)
    if outcome is Outcome.MISSED:
        for check in ran.judgement.missed:
            console.print(f"[{style}]MISSED[/] {spelled(check)}", highlight=False, soft_wrap=True)
    if outcome is Outcome.MET:
        console.print(f"[{style}]MET[/] every promise was kept", highlight=False)


def promises(ran: Ran) -> Table:
    """One line for each RPC that was called and promises something."""
    table = Table(title="found / promised; in brackets what too few calls say", title_justify="left")
    table.add_column("RPC")
    for what in (*FEWEST, "budget used"):
        table.add_column(what, justify="right")
    for rpc, checks in groupby(ran.judgement.checks, key=lambda check: check.rpc):
        cells = {check.what: check for check in checks}
        used = cells["availability"].budget_used
        table.add_row(rpc, *(_cell(cells.get(what)) for what in FEWEST), f"{used:.0%}" if used is not None else "")
    return table


def _cell(check: Check | None) -> str:
    if check is None:
        return ""
    style = "red" if check.missed else "green" if check.judged else "dim"
    said = f"{amount(check, check.found)} / {amount(check, check.promised)}"
    return f"[{style}]{said if check.judged else f'({said})'}[/]"


def remarks(ran: Ran) -> list[str]:
    """What one has to know about the numbers."""
    punctuality, plan = ran.seen.punctuality, ran.plan
    by = f"{plan.processes} processes, the busiest" if plan.processes > 1 else "one process"
    sent = f"{ran.achieved_rate:.1f} of {plan.rate:g} calls a second were sent, {plan.pattern}"
    found = [f"{sent}, by {by} at {ran.seen.busiest:.0%} of a core"]
    if punctuality.lateness.count and punctuality.lag.count:
        late, lag = (1000 * each.quantile(0.99) for each in (punctuality.lateness, punctuality.lag))
        found.append(f"the generator's own p99: sent {late:.1f} ms late, event loop {lag:.1f} ms late")
    said = [one for one in ran.comparison if one.says is Says.AGREE]
    if ran.comparison:
        found.append(f"the servers' own counts agree for {len(said)} of {len(ran.comparison)} RPCs")
    found += [f"not comparable, a pod came, went or was silent: {one}" for one in _unknown(ran)]
    if ran.uncompared:
        found.append(f"the servers' own counts were not compared: {ran.uncompared}")
    if ran.judgement.unpromised:
        found.append(f"these promise nothing here: {', '.join(ran.judgement.unpromised)}")
    return found


def _unknown(ran: Ran) -> list[str]:
    return [str(one) for one in ran.comparison if one.says is Says.UNKNOWN]


def spelled(check: Check) -> str:
    """A promise that was not kept, in words."""
    return (
        f"{check.rpc}: {check.what} {amount(check, check.found)}, promised {amount(check, check.promised)} "
        f"({check.calls} calls)"
    )


def amount(check: Check, value: float) -> str:
    """A share or a time, as people write it."""
    return f"{100 * value:.4g} %" if check.what == "availability" else f"{1000 * value:.1f} ms"
