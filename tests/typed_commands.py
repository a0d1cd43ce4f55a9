"""What do documents say one can type, and does a group of `argosy` commands know it?"""

from __future__ import annotations

import re
import shlex

import typer
from typer._click.exceptions import UsageError


class TypedCommands:
    """The commands of one group, beside what a document says of them."""

    def __init__(self, group: typer.Typer, name: str) -> None:
        self.name, self.group = name, typer.main.get_group(group)
        self._typed = re.compile(rf"argosy ({name} [a-z][^`\n]*)")

    @property
    def names(self) -> list[str]:
        """The commands there are."""
        return list(self.group.commands)

    @property
    def options(self) -> set[str]:
        """The options there are, of any of them."""
        return {
            option
            for command in self.group.commands.values()
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }

    def refused(self, document: str) -> list[str]:
        """The lines that the document says one can type, and that are not known."""
        return [line for line in self.typed(document) if not self.accepted(line)]

    def typed(self, document: str) -> list[str]:
        """What the document says one can type."""
        return self._typed.findall(document)

    def left_out(self, guide: str) -> list[str]:
        """The commands and options that the guide does not name."""
        commands = [f"argosy {self.name} {name}" for name in self.names]
        return [each for each in (*commands, *sorted(self.options)) if each not in guide]

    def explains_itself(self, name: str) -> bool:
        """Whether the command's help shows an example and says what its exit codes mean."""
        said = self.group.commands[name].help or ""
        return f"argosy {self.name} {name}" in said and "Exit codes" in said

    def accepted(self, line: str) -> bool:
        """Whether the command line knows what is typed there; a command without arguments is only mentioned."""
        name, *arguments = shlex.split(re.split(r"\s(?:[|>#]|2>|&&)", line)[0])[1:]
        if not arguments:
            return name in self.names
        try:
            self.group.commands[name].make_context(name, arguments)
        except (KeyError, UsageError):
            return False
        return True
