"""Where do the answers go? To tables for people, or to lines of JSON for programs; once, or with every change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import typer
from rich.live import Live

from mesh.breakers.page import page
from mesh.breakers.sight import Sight
from mesh.local.commands.surroundings import page as console


class View(Protocol):
    def show(self, sight: Sight) -> None:
        """Show what is known."""

    async def follow(self, sight: Sight, lines: AsyncIterator[str]) -> None:
        """Show what becomes known with each of the operator's lines, until they end."""


class Tables:
    """For people."""

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything

    def show(self, sight: Sight) -> None:
        console().print(page(sight, everything=self._everything))

    async def follow(self, sight: Sight, lines: AsyncIterator[str]) -> None:
        with Live(page(sight, everything=self._everything), console=console(), auto_refresh=False) as live:
            async for line in lines:
                if sight.learn(line):
                    live.update(page(sight, everything=self._everything), refresh=True)


class Lines:
    """For programs: the operator's own lines, without its log."""

    def show(self, sight: Sight) -> None:
        for state in sight.in_order():
            _echo(state)
        for service, pods in sight.missing.items():
            _echo({"service": service, "unreached": pods, "problem": sight.problems.get(service, "")})

    async def follow(self, sight: Sight, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            if sight.learn(line):
                typer.echo(line.rstrip())


def _echo(line: dict[str, Any]) -> None:
    typer.echo(json.dumps(line, separators=(",", ":")))
