"""Which commands does `argosy chaos` have?"""

from __future__ import annotations

from mesh.chaos.commands.clean import clean
from mesh.chaos.commands.listing import list_
from mesh.chaos.commands.report import report
from mesh.chaos.commands.run import run
from mesh.chaos.kills.command import kills
from mesh.command_group import command_group

_PURPOSE = """Break the running shop on purpose, under load, and say with numbers whether it held.

\b
argosy chaos list
argosy chaos run payments-slow
argosy chaos run payments-slow --compare
argosy chaos run --all --json reports/chaos.json
argosy chaos kills --times 500
argosy chaos clean
argosy chaos report

\b
Exit codes: 0 PASS, 1 FAIL, 2 wrong usage, 3 INVALID: nothing is proved, 4 ABORTED (no cluster runs, too), 5 LEAKED:
something is left behind, 20 refused: another experiment or a canary is at work, or this cluster is not for
experiments, 30 the tool itself failed. Of several the worst.
"""

chaos = command_group(
    _PURPOSE, epilog="argosy chaos COMMAND --help tells more, with examples. The guide: docs/chaos.md."
)
chaos.command("list")(list_)
for command in (run, kills, clean, report):
    chaos.command(command.__name__)(command)
