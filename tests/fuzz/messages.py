"""Which messages does the fuzz send? For every request type: valid ones, almost valid ones, wild ones, and noise.

All are made of the contract's descriptors and its rules, so a new RPC is fuzzed the day it is written. What a service
knows already (`known`, by field name) is asked for again and again: ids that were made up meet nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from services.hosting.rules import re2

Known = Mapping[str, Sequence[Any]]
Values = st.SearchStrategy[Any]

KNOWN_TO_NEW = 4  # values that are known already, for each that is not
LONGEST = 200  # characters of a text that has no limit of its own
WIDTHS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
LAST_SECOND = 253_402_300_799  # of the year 9999
HOSTILE = [
    "",
    " ",
    "\x00",
    "mug\x00",
    "'; DROP TABLE products; --",
    '" OR ""="',
    "1' OR '1'='1",
    "%' UNION SELECT null --",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}",
    "../../../../etc/passwd",
    "%s%n%x",
    "\r\nset-cookie: a=b",
    'NEAR("a" "b")',
    "AND OR NOT *",
    "name:^a*",
    "-",
    "a" * 64,
    "a" * 65,
    "é" * 128,
    "\U0001f6a2" * 100,
    "\u202emug",
    "\uffff",
    "00000000-0000-0000-0000-000000000000",
    "user-00000000-0000-0000-0000-000000000000",
    "-1",
    "1e309",
    "null",
]
# Made when drawn: Hypothesis shows what a strategy is made of.
GIANT = st.just(70_000).map("x".__mul__)


def requests(kind: Descriptor, known: Known) -> st.SearchStrategy[bytes]:
    """What may arrive where a request of this type is wanted, as it is on the wire."""
    maker = _Maker(known)
    good = maker.valid(kind)
    # Half of them keep the contract: what breaks it does not come far.
    messages = [good] * 4 + [maker.almost(kind)] * 2 + [maker.wild(kind)]
    return _drawn(_Unshown([*(each.map(_serialized) for each in messages), _noise(good)]))


@dataclasses.dataclass(frozen=True)
class _Unshown:
    """Strategies of which a failure does not show the pages that they are made of."""

    strategies: Sequence[st.SearchStrategy[bytes]] = dataclasses.field(repr=False)


@st.composite
def _drawn(draw: st.DrawFn, unshown: _Unshown) -> bytes:
    return draw(draw(st.sampled_from(unshown.strategies)))


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _noise(good: st.SearchStrategy[Message]) -> st.SearchStrategy[bytes]:
    """Bytes that are no message, or a message that was cut or changed on its way."""

    def damaged(message: Message, cut: int, put: bytes) -> bytes:
        content = message.SerializeToString()
        place = cut % (len(content) + 1)
        return content[:place] + put + content[place + len(put) :]

    changed = st.builds(damaged, good, st.integers(0, 500), st.binary(min_size=1, max_size=3))
    cut_off = st.builds(lambda m, n: m.SerializeToString()[: -1 - n], good, st.integers(0, 20))
    return st.binary(max_size=60) | changed | cut_off


class _Maker:
    def __init__(self, known: Known) -> None:
        self._known = known

    def valid(self, kind: Descriptor) -> st.SearchStrategy[Message]:
        required: dict[str, Values] = {}
        optional: dict[str, Values] = {}
        for field in kind.fields:
            declared = field.GetOptions().Extensions[validate_pb2.field]
            values = self._valid_field(field, declared)
            (required if declared.ListFields() else optional)[field.name] = values
        return _built(kind, st.fixed_dictionaries(required, optional=optional))

    def wild(self, kind: Descriptor) -> st.SearchStrategy[Message]:
        fields = {field.name: self._wild_field(field) for field in kind.fields}
        return _built(kind, st.fixed_dictionaries({}, optional=fields))

    def almost(self, kind: Descriptor) -> st.SearchStrategy[Message]:
        """Valid but for one field, which may be anything, or missing."""
        if not kind.fields:
            return self.valid(kind)

        def spoilt(message: Message, spoil: tuple[str, Any]) -> Message:
            name, value = spoil
            message.ClearField(name)
            return type(message)(**{field.name: got for field, got in message.ListFields()} | {name: value})

        spoils = st.one_of(
            [st.tuples(st.just(field.name), self._wild_field(field) | st.none()) for field in kind.fields]
        )
        return st.builds(spoilt, self.valid(kind), spoils)

    def _valid_field(self, field: FieldDescriptor, declared: Any) -> Values:
        if not field.is_repeated:
            return self._valid_value(field, declared)
        one = self._valid_value(field, declared.repeated.items)
        fewest, most = declared.repeated.min_items, declared.repeated.max_items or 3
        return st.lists(one, min_size=fewest, max_size=min(most, 4)) | st.lists(one, min_size=most, max_size=most)

    def _valid_value(self, field: FieldDescriptor, rules: Any) -> Values:
        if field.message_type:
            return self._valid_message(field.message_type, rules)
        if field.enum_type:
            return st.sampled_from(sorted(field.enum_type.values_by_number))
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return self._text(field.name, rules.string)
        if field.cpp_type in WIDTHS:
            return self._or_known(field.name, _numbers(field, rules))
        return _any(field)

    def _valid_message(self, kind: Descriptor, rules: Any) -> Values:
        match kind.full_name:
            case "google.protobuf.Timestamp":
                return _moments(kind, 0, LAST_SECOND)
            case "google.protobuf.Duration":
                return _moments(kind, rules.duration.gte.seconds, rules.duration.lte.seconds - 1)
            case "google.protobuf.FieldMask":
                paths = st.lists(st.sampled_from(self._known.get("paths", ("name",))), max_size=2)
                return paths.map(lambda names: message_factory.GetMessageClass(kind)(paths=names))
        return self.valid(kind)

    def _text(self, name: str, rules: Any) -> Values:
        if rules.uuid:
            made: Values = st.uuids().map(str)
        elif rules.email:
            made = st.from_regex(r"\A[a-z]{1,8}@[a-z]{1,8}\.[a-z]{2,3}\Z")
        elif rules.pattern:
            made = st.from_regex(re2(rules.pattern)).filter(lambda text: _fits(text, rules))
        else:
            made = st.text(min_size=rules.min_len, max_size=min(rules.max_len or LONGEST, LONGEST))
            made |= st.sampled_from([text for text in HOSTILE if _fits(text, rules)])
        return self._or_known(name.removesuffix("s"), made)

    def _or_known(self, name: str, made: Values) -> Values:
        if name not in self._known:
            return made
        known = st.sampled_from(self._known[name])
        return st.integers(0, KNOWN_TO_NEW).flatmap(lambda n: known if n else made)

    def _wild_field(self, field: FieldDescriptor) -> Values:
        one = self._wild_value(field)
        return st.lists(one, max_size=3) | st.builds(lambda value: [value] * 101, one) if field.is_repeated else one

    def _wild_value(self, field: FieldDescriptor) -> Values:
        if field.message_type:
            return self.wild(field.message_type)
        if field.enum_type:
            return st.integers(*WIDTHS[FieldDescriptor.CPPTYPE_INT32])
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            known = [value for values in self._known.values() for value in values if isinstance(value, str)]
            return st.sampled_from(HOSTILE + known) | st.text(max_size=20) | GIANT
        if field.cpp_type in WIDTHS:
            low, high = WIDTHS[field.cpp_type]
            return st.sampled_from([low, high, 0, high - 1]) | st.integers(low, high)
        return _any(field)


def _built(kind: Descriptor, fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Message]:
    made = message_factory.GetMessageClass(kind)
    return fields.map(lambda given: made(**given))


def _fits(text: str, rules: Any) -> bool:
    return len(text) >= rules.min_len and (not rules.HasField("max_len") or len(text) <= rules.max_len)


def _numbers(field: FieldDescriptor, rules: Any) -> Values:
    """Numbers within the field's bounds, and the bounds themselves."""
    bounds = getattr(rules, rules.WhichOneof("type")) if rules.WhichOneof("type") else None
    low, high = WIDTHS[field.cpp_type]
    if bounds is not None:
        low = bounds.gte if bounds.HasField("gte") else bounds.gt + 1 if bounds.HasField("gt") else low
        high = bounds.lte if bounds.HasField("lte") else bounds.lt - 1 if bounds.HasField("lt") else high
    return st.sampled_from([low, high]) | st.integers(low, min(high, low + 100)) | st.integers(low, high)


def _moments(kind: Descriptor, first: int, last: int) -> Values:
    made = message_factory.GetMessageClass(kind)
    return st.builds(lambda s, n: made(seconds=s, nanos=n), st.integers(first, last), st.integers(0, 999_999_999))


def _any(field: FieldDescriptor) -> Values:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return st.floats(width=32)
    raise NotImplementedError(f"the fuzz makes no values for {field.full_name}")
