"""Where does the next page begin? After the last key of this one, told in a token nobody needs to read.

A token belongs to one list: the digest in front binds it to `kind`, which names the list and
whatever it is filtered by. It guards against mix-ups, not against forgery: a page after any key may
be asked for anyway. A list whose keys have a form checks it, and answers `refusal()`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from services.hosting.errors import InvalidRequest

T = TypeVar("T")

_DIGEST_BYTES = 9  # a multiple of 3, so that base64 needs no padding between the parts


def page(kind: str, found: Sequence[T], size: int, key: Callable[[T], str]) -> tuple[Sequence[T], str]:
    """The first `size` entries of `found`, and the token of the page after them.

    Ask the list for `size` + 1: only the entry too many tells that there is another page.
    """
    return found[:size], encode(kind, key(found[size - 1])) if len(found) > size else ""


def encode(kind: str, key: str) -> str:
    """The token of the page after `key` in the list `kind`."""
    return base64.urlsafe_b64encode(_digest(kind, key) + key.encode()).decode().rstrip("=")


def decode(kind: str, token: str) -> str:
    """The key after which the page begins; empty for the first page, whose token is empty.

    Raises InvalidRequest, naming `page_token`, for a token that this list never gave.
    """
    if not token:
        return ""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        key = raw[_DIGEST_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise refusal() from None
    if raw[:_DIGEST_BYTES] != _digest(kind, key):
        raise refusal()
    return key


def refusal() -> InvalidRequest:
    """What is raised for a token that the list never gave."""
    return InvalidRequest("PAGE_TOKEN_INVALID", "is not a token of this list; begin without one", field="page_token")


def _digest(kind: str, key: str) -> bytes:
    of_list = blake2b(kind.encode(), digest_size=32).digest()
    return blake2b(key.encode(), digest_size=_DIGEST_BYTES, key=of_list).digest()
