"""Which commands does `argosy load` have?"""

from __future__ import annotations

from loadtest.capacity.command import capacity
from loadtest.commands.run import run
from loadtest.run import main as locust
from mesh.command_group import command_group

_PURPOSE = """Load the running shop, and say whether it keeps what it promises.

\b
argosy load run --rate 200 --for 60s --profile shop
argosy load capacity
argosy load locust --users 50 --run-time 1m

\b
Exit codes: 0 every promise was kept, 1 one was not, 2 wrong usage, 3 invalid: the run says nothing, 4 no cluster runs,
or no shop answers there.
"""

load = command_group(_PURPOSE, epilog="argosy load COMMAND --help tells more. The promises: docs/objectives.md.")
load.command("run")(run)
load.command("capacity")(capacity)
load.command("locust")(locust)
