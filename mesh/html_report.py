"""What is every HTML report made with? Templates in which all is text until it says otherwise, and dates alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def pages(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """The templates of a package, with these filters; what a template names and is not given is an error."""
    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment


def moment(at: float) -> str:
    """A unix time as reports say it, the same on every machine."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
