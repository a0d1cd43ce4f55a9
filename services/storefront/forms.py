"""What came in a form? Its fields, once it has shown that it is one of ours, made for this visitor."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.requests import Request

from services.storefront.visitor import Visitor

MOST_FIELDS = 100
LONGEST_FIELD = 4096
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class FormRefused(Exception):
    """The form is not one that we made for this visitor."""


@dataclass(frozen=True)
class Form:
    """The fields of a form as they were typed, and what is wrong with them: sentences by field."""

    fields: Mapping[str, Sequence[str]]
    wrong: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """One field, without the blanks around it; empty when it is not there."""
        values = self.fields.get(name, ())
        return values[-1].strip() if values else ""

    def secret(self, name: str) -> str:
        """One field as it is: blanks belong to a password."""
        values = self.fields.get(name, ())
        return values[-1] if values else ""

    def number(self, name: str, default: int = 0) -> int:
        """One field as a whole number; the default when it is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default  # noqa: PLR2004

    def all(self, name: str) -> Sequence[str]:
        """Every field of this name, in the order of the page."""
        return self.fields.get(name, ())

    def blame(self, name: str, why: str) -> None:
        """Say what is wrong with a field; the first complaint stays."""
        self.wrong.setdefault(name, why)

    def blame_all(self, fields: Mapping[str, str], names: Mapping[str, str]) -> None:
        """Say what a service found wrong: `names` tells which of its fields was which of ours."""
        for path, why in fields.items():
            if path in names:
                self.blame(names[path], why)


async def form_of(request: Request) -> Form:
    """The form of a request. Raises FormRefused."""
    visitor: Visitor = request.state.visitor
    if not request.headers.get("content-type", "").startswith(FORM_TYPES):
        raise FormRefused
    sent = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD)
    fields = _fields(sent)
    token = fields.get("form", [""])[-1]
    if not hmac.compare_digest(token.encode(), visitor.form_token.encode()):
        raise FormRefused
    return Form(fields)


def _fields(sent: FormData) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(_readable(value)[:LONGEST_FIELD])
    return fields


def _readable(text: str) -> str:
    """The text without what no keyboard types and no database takes."""
    return "".join(sign for sign in text if sign >= " " or sign in "\n\t\r").encode("utf-8", "replace").decode()
