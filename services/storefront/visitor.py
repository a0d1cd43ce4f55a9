"""Who is looking at a page? What the cookies say, and what of it is believed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from services.hosting.customer import REGISTERED

GUEST, ACCESS, REFRESH, NAME, FORM, DEBUG = (
    f"argosy_{name}" for name in ("guest", "access", "refresh", "name", "form", "debug")
)
"""The cookies there are."""

_GUEST = re.compile(r"guest-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Visitor:
    """Somebody at the other end of a connection."""

    guest_id: str
    form_token: str  # what every form of theirs carries
    customer_id: str = ""  # of an account; empty for a guest
    name: str = ""
    admin: bool = False
    token: str = ""
    unsure: bool = False  # there is a token, and nobody who could say whether it is right
    debug: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether they have shown that they have an account."""
        return bool(self.customer_id)

    @property
    def id(self) -> str:
        """Whose cart and orders these are."""
        return self.customer_id or self.guest_id

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call made for them: the token is passed on to those it is for."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def may_see(self, customer_id: str) -> bool:
        """Whether something of this customer is theirs to see; a guest's is for whoever knows where it is."""
        return self.admin or customer_id == self.customer_id or not customer_id.startswith(REGISTERED)


def guest_id(cookies: Mapping[str, str]) -> str:
    """The guest's id; a new one for whoever has none."""
    found = cookies.get(GUEST, "")
    return found if _GUEST.fullmatch(found) else f"guest-{uuid.uuid4()}"


def form_token(cookies: Mapping[str, str]) -> str:
    """What their forms carry; a new one for whoever has none."""
    found = cookies.get(FORM, "")
    return found if _FORM.fullmatch(found) else uuid.uuid4().hex
