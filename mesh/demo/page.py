"""How is the tour shown? One readable page on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mesh.demo.claims import Result, Step

WIDTH = 120  # columns, where no terminal says how many it has


def readable_console() -> Console:
    """Standard output, as wide as the terminal; wide enough for the tables when it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


class Page:
    """Writes the tour to `console` as it goes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, number: int, total: int, step: Step) -> None:
        """Announce a step and what it claims."""
        self._console.print()
        self._console.rule(f"[bold]{number} of {total}: {step.title}", align="left")
        self._console.print(f"[italic]{step.claim}[/italic]")

    def say(self, line: str) -> None:
        """One thing that is being done or was seen."""
        self._console.print(f"  [dim]·[/dim] {escape(line)}", highlight=False)

    def end(self, result: Result) -> None:
        """The step's numbers and its verdict."""
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 2), show_header=False)
        for check in result.checks:
            table.add_row(
                _mark(check.holds),
                check.what,
                f"[bold]{escape(check.seen)}[/bold]",
                f"[dim]wanted {escape(check.wanted)}[/dim]",
            )
        self._console.print(table)
        if result.error:
            self._console.print(f"  [red]{escape(result.error)}[/red]", highlight=False)
        if result.skipped:
            self._console.print(f"  [yellow]not shown here: {escape(result.skipped)}[/yellow]", highlight=False)
        self._console.print(f"  {_verdict(result)} [dim]in {result.seconds:.1f} s[/dim]")

    def summary(self, results: list[Result], seconds: float) -> None:
        """All verdicts once more."""
        self._console.print()
        self._console.rule("[bold]The tour", align="left")
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 2), show_header=False)
        for result in results:
            table.add_row(_verdict(result), f"{result.number}", result.claim)
        self._console.print(table)
        passed = sum(result.passed for result in results)
        skipped = sum(bool(result.skipped) for result in results)
        not_shown = f", {skipped} could not be shown" if skipped else ""
        self._console.print(f"\n  {passed} of {len(results)} claims hold{not_shown}; {seconds:.0f} s in all")


def _mark(holds: bool) -> str:  # noqa: FBT001 - a mark has two forms
    return "[green]ok[/green]" if holds else "[red]no[/red]"


def _verdict(result: Result) -> str:
    if result.skipped:
        return "[yellow bold]SKIP[/yellow bold]"
    return "[green bold]PASS[/green bold]" if result.passed else "[red bold]FAIL[/red bold]"
