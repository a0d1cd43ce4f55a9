"""Where does the next page begin? After the last key of this one, told in a token nobody needs to read.

A token belongs to one list: the digest in front binds it to `kind`, which names the list and
whatever it is filtered by. It guards against mix-ups, not against forgery: a page after any key may
be asked for anyway.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b

from services.hosting.errors import InvalidRequest

_DIGEST_BYTES = 9  # a multiple of 3, so that base64 needs no padding between the parts


def page_size(asked: int, *, default: int) -> int:
    """How many entries a page has; 0 asks for the default."""
    return asked or default


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
        raise _refused() from None
    if raw[:_DIGEST_BYTES] != _digest(kind, key):
        raise _refused()
    return key


def _digest(kind: str, key: str) -> bytes:
    of_list = blake2b(kind.encode(), digest_size=32).digest()
    return blake2b(key.encode(), digest_size=_DIGEST_BYTES, key=of_list).digest()


def _refused() -> InvalidRequest:
    return InvalidRequest("PAGE_TOKEN_INVALID", "is not a token of this list; begin without one", field="page_token")
