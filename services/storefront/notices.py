"""What does a page say about what was done just before? A sentence by its name: addresses carry names, never text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "added": "It is in your cart.",
        "changed": "Your cart is as you want it.",
        "removed": "It is out of your cart.",
        "cart-kept": "Your order is placed. The cart could not be emptied just now: what you bought is still in it.",
        "welcome": "Welcome aboard. You are signed in.",
        "cart-waits": "You are signed in. What you chose as a guest could not be brought along: sign in again later.",
        "signed-out": "You are signed out.",
        "saved": "Saved.",
        "password": "Your password is changed. Please sign in with the new one.",
        "cancelled": "The order is cancelled. Money and pieces are on their way back.",
        "restocked": "The pieces are in the books.",
    }
)


def notice(name: str) -> str:
    """The sentence; nothing for a name that is none."""
    return NOTICES.get(name, "")
