"""Is this a UUID, as every key in a form is? Whatever else a field holds is refused before anybody is asked."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Whether the text is the usual spelling of one."""
    return _UUID.fullmatch(text) is not None
