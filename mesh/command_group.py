"""How does a command line of several commands behave? The same everywhere: -h helps, errors are not decorated."""

from __future__ import annotations

import typer


def command_group(purpose: str, *, epilog: str) -> typer.Typer:
    """A group without commands yet; typed alone it prints its help, with `epilog` at the end."""
    return typer.Typer(
        help=purpose,
        epilog=epilog,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
