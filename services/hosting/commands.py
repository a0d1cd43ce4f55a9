"""What does a service's program do instead of serving? One of its commands; then it ends.

python -m services.catalog migrate
python -m services.users grant ada@example.com admin
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, Protocol


class Command(Protocol):
    """Something a service's program can do and be done with."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> type[Any]:
        """The settings it needs, which may be fewer than serving does."""

    @property
    def help(self) -> str:
        """What it does, in a line."""

    def declare(self, parser: ArgumentParser, service: str) -> None:
        """Add its arguments, what it does in full, and an example."""

    async def run(self, settings: Any, arguments: Namespace) -> None:
        """Do it. Raises CannotStart when it cannot be done; the message says what to change."""


def asked(service: str, arguments: Sequence[str], commands: Sequence[Command]) -> tuple[Command, Namespace] | None:
    """The command that the command line names, None when it is empty; anything else: the usage and the end."""
    parser = ArgumentParser(
        prog=f"python -m services.{service}",
        description=f"Serve {service} until SIGTERM. Settings come from the environment (docs/settings.md).",
    )
    if commands:
        instead = parser.add_subparsers(dest="command", title="instead of serving")
        for command in commands:
            command.declare(instead.add_parser(command.name, help=command.help), service)
    given = parser.parse_args(arguments)
    return next(((one, given) for one in commands if one.name == getattr(given, "command", None)), None)
