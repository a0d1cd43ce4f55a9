"""What does `$(NAME)` mean in a command, an argument or a variable's value?

The rules are those of Kubernetes ("dependent environment variables" in its documentation): a known name is
replaced, an unknown one stays as written, and `$$` is an escaped `$`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, known: Mapping[str, str]) -> str:
    """`text` with every reference to a known variable replaced, once: values are not expanded again."""
    return _REFERENCE.sub(lambda match: _replacement(match, known), text)


def _replacement(match: re.Match[str], known: Mapping[str, str]) -> str:
    name: str | None = match.group(1)
    if name is None:
        return "$"
    return known.get(name, match.group(0))
