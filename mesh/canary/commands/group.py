"""Which commands does `argosy canary` have?"""

from __future__ import annotations

from mesh.canary.commands.approve import approve
from mesh.canary.commands.doctor import doctor
from mesh.canary.commands.history import history
from mesh.canary.commands.pause import pause
from mesh.canary.commands.plan import plan
from mesh.canary.commands.promote import promote
from mesh.canary.commands.resume import resume
from mesh.canary.commands.rollback import rollback
from mesh.canary.commands.start import start
from mesh.canary.commands.status import status
from mesh.command_group import command_group

_PURPOSE = """Shift a service's traffic to another version step by step, judged against the old one; back if worse.

\b
argosy canary plan catalog --to v2
argosy canary start catalog --to v2
argosy canary status catalog --watch
argosy canary rollback catalog --now
argosy canary history catalog

\b
Exit codes: 0 promoted (or shown), 2 wrong usage, 4 no cluster runs, 10 rolled back, 11 inconclusive or paused,
20 refused: somebody else's lock, drift, or a precondition, 30 the tool itself failed.
"""

canary = command_group(
    _PURPOSE, epilog="argosy canary COMMAND --help tells more, with examples. The guide: docs/canary.md."
)
for command in (plan, doctor, start, status, pause, resume, approve, promote, rollback, history):
    canary.command(command.__name__)(command)
