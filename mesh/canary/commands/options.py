"""What may be said to more than one `argosy canary` command?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Service = Annotated[str, typer.Argument(metavar="SERVICE", help="As its VirtualService is called.")]
From = Annotated[str, typer.Option("--from", metavar="VERSION", help="The baseline; without, who has the traffic.")]
To = Annotated[str, typer.Option("--to", metavar="VERSION", help="The canary; without, the only other subset.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="A plan in YAML; without, the default one.", show_default=False)
]
Prometheus = Annotated[
    str, typer.Option("--prometheus", metavar="URL", help="Ask this Prometheus server, not the sidecars themselves.")
]
Steal = Annotated[
    str, typer.Option("--steal", metavar="REASON", help="Take the lock from whoever holds it; the reason is journaled.")
]
Unattended = Annotated[bool, typer.Option("--unattended", help="Without a watchdog go above its cap all the same.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Let the API server judge the change, print it, make none.")]
AsLines = Annotated[bool, typer.Option("--json", help="One JSON object a line instead of pages for people.")]
