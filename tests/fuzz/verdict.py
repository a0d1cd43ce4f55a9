"""Which answers may a fuzzed service give? Any refusal that names a reason; no confession of a bug, and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from grpc import StatusCode

# Codes that say "we do not know what happened", or that a method is missing.
BUGS = frozenset({StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.DATA_LOSS, StatusCode.UNIMPLEMENTED})
# How our own code looks from inside: nobody outside is to see it.
INSIDE = re.compile(
    r"Traceback|sqlalchemy|sqlite|psycopg|alembic|jinja|pydantic|site-packages|\.py\b|line \d+"
    r"|\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE) [a-z_*]+|[A-Za-z]+Error\(|object at 0x|<class ",
)
SHORTEST_SECRET = 6  # what is shorter, or one sign again and again, may be in any sentence by chance


@dataclass(frozen=True)
class Answer:
    """How a call ended, and all that was said with it."""

    code: StatusCode
    said: str


def complaints(answer: Answer, request: Message | None) -> list[str]:
    """What is wrong with an answer to `request`, which is None where the bytes sent are no message.

    Private is what the contract calls so (debug_redact).
    """
    found = []
    if answer.code in BUGS:
        found.append(f"it answers {answer.code.name}: {answer.said[:200]}")
    texts = list(_texts(request))
    own = answer.said
    for _, text in texts:
        own = own.replace(text, "")  # ids that were asked for come back, whatever they say
    if leaked := INSIDE.search(own):
        found.append(f"it says {leaked[0]!r}: {own[:200]}")
    return found + [
        f"it repeats the private {field.name}"
        for field, text in texts
        if field.GetOptions().debug_redact
        and len(text) >= SHORTEST_SECRET
        and len(set(text)) > 1
        and text in answer.said
    ]


def _texts(message: Message | None) -> Iterator[tuple[FieldDescriptor, str]]:
    """Every text in a message, and the field it stands in."""
    for field, value in message.ListFields() if message else ():
        for one in value if field.is_repeated else [value]:
            if field.message_type:
                yield from _texts(one)
            elif isinstance(one, str):
                yield field, one


def parsed(kind: type[Message], content: bytes) -> Message | None:
    """The message that these bytes are, if they are one."""
    try:
        return kind.FromString(content)
    except DecodeError:
        return None
