"""What does one declared rule of a field demand? The standard rules of protovalidate that our contracts use.

Pure: a rule's declaration in, a predicate of a value out. Ids and meaning are protovalidate's
(https://protovalidate.com/reference/rules/standard_rules). A rule not in the table below is an
UnknownRule, never ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

NANOS = 10**9

# Rules of a field that are not about its value; validation.py obeys them.
_OF_THE_FIELD = frozenset({"required", "ignore"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What HTML takes for an address: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_DOMAIN_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*")


class UnknownRule(Exception):
    """A rule that is not in the table; the message is its name."""


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    description: str  # for people, after the field's name; does not repeat the value
    holds: Callable[[Any], bool]


REQUIRED = Rule("required", "is required", bool)


def value_rules(field: FieldDescriptor, declared: validate_pb2.FieldRules) -> list[Rule]:
    """The rules about the value of `field`; of a repeated one, about the list. Raises UnknownRule."""
    rules: list[Rule] = []
    for kind, value in declared.ListFields():
        if kind.name in _OF_THE_FIELD:
            continue
        compile_kind = _KINDS.get(kind.name)
        if compile_kind is None:
            raise UnknownRule(kind.name)
        rules.extend(compile_kind(kind.name, _declared(kind.name, value), field))
    return rules


def _declared(kind: str, rules: Message) -> Mapping[str, Any]:
    declared = {rule.name: value for rule, value in rules.ListFields()}
    if unknown := sorted(declared.keys() - _KNOWN[kind]):
        raise UnknownRule(f"{kind}.{unknown[0]}")
    return declared


def _string(kind: str, declared: Mapping[str, Any], _: FieldDescriptor) -> Iterator[Rule]:
    if shortest := declared.get("min_len"):
        description = "must not be empty" if shortest == 1 else f"must have at least {shortest} characters"
        yield Rule(f"{kind}.min_len", description, lambda value: len(value) >= shortest)
    if (longest := declared.get("max_len")) is not None:
        yield Rule(f"{kind}.max_len", f"must have at most {longest} characters", lambda value: len(value) <= longest)
    if pattern := declared.get("pattern"):
        matches = re2(pattern).search
        yield Rule(f"{kind}.pattern", f"must match {pattern}", lambda value: matches(value) is not None)
    if declared.get("uuid"):
        yield Rule(f"{kind}.uuid_empty", "must be a UUID, not empty", bool)
        yield Rule(f"{kind}.uuid", "must be a UUID", lambda value: not value or _UUID.fullmatch(value) is not None)
    if declared.get("email"):
        yield Rule(f"{kind}.email_empty", "must be an e-mail address, not empty", bool)
        yield Rule(f"{kind}.email", "must be an e-mail address", lambda v: not v or _EMAIL.fullmatch(v) is not None)


def _number(kind: str, declared: Mapping[str, Any], _: FieldDescriptor) -> Iterator[Rule]:
    if bounds := _bounds(kind, declared, str):
        yield Rule(bounds.id, bounds.description, lambda value: bounds.low <= value <= bounds.high)


def _duration(kind: str, declared: Mapping[str, Any], _: FieldDescriptor) -> Iterator[Rule]:
    limits = {bound: _nanos(duration) for bound, duration in declared.items()}
    if bounds := _bounds(kind, limits, lambda nanos: f"{nanos / NANOS:g}s"):
        yield Rule(bounds.id, bounds.description, lambda value: bounds.low <= _nanos(value) <= bounds.high)


def _enum(kind: str, declared: Mapping[str, Any], field: FieldDescriptor) -> Iterator[Rule]:
    if declared.get("defined_only") and field.enum_type:
        defined = frozenset(field.enum_type.values_by_number)
        yield Rule(f"{kind}.defined_only", "must be one of the values in the contract", defined.__contains__)


def _repeated(kind: str, declared: Mapping[str, Any], _: FieldDescriptor) -> Iterator[Rule]:
    if fewest := declared.get("min_items"):
        yield Rule(f"{kind}.min_items", f"must have at least {fewest}", lambda items: len(items) >= fewest)
    if (most := declared.get("max_items")) is not None:
        yield Rule(f"{kind}.max_items", f"must have at most {most}", lambda items: len(items) <= most)


@dataclass(frozen=True, slots=True)
class _Bounds:
    id: str
    description: str
    low: float  # inclusive, both
    high: float


def _bounds(kind: str, declared: Mapping[str, int], shown: Callable[[int], str]) -> _Bounds | None:
    """Both bounds of a whole number as one rule, as protovalidate names it: `int32.gte_lte`."""
    names = [bound for bound in ("gt", "gte", "lt", "lte") if bound in declared]
    if not names:
        return None
    low = max(declared.get("gte", -math.inf), declared.get("gt", -math.inf) + 1)
    high = min(declared.get("lte", math.inf), declared.get("lt", math.inf) - 1)
    if low > high:  # protovalidate reads such bounds the other way round, as a gap
        raise UnknownRule(f"{kind}.{'_'.join(names)}_exclusive")
    words = " and ".join(f"{_WORDS[bound]} {shown(declared[bound])}" for bound in names)
    return _Bounds(f"{kind}.{'_'.join(names)}", f"must be {words}", low, high)


def re2(pattern: str) -> re.Pattern[str]:
    r"""`pattern`, in RE2 syntax, as Python reads it: `$` only at the very end, \d and \w only ASCII."""
    parts = re.split(r"(\\.|\[(?:\\.|[^\]\\])*\])", pattern, flags=re.DOTALL)
    parts[::2] = [plain.replace("$", r"\Z") for plain in parts[::2]]
    return re.compile("".join(parts), re.ASCII)


def _nanos(duration: Any) -> int:
    return int(duration.seconds) * NANOS + int(duration.nanos)


_WORDS = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}
_LIMITS = frozenset({"gt", "gte", "lt", "lte"})
_KINDS: Mapping[str, Callable[[str, Mapping[str, Any], FieldDescriptor], Iterator[Rule]]] = {
    "string": _string,
    "int32": _number,
    "int64": _number,
    "uint32": _number,
    "uint64": _number,
    "duration": _duration,
    "enum": _enum,
    "repeated": _repeated,
}
_KNOWN: Mapping[str, frozenset[str]] = {
    "string": frozenset({"min_len", "max_len", "pattern", "uuid", "email"}),
    "int32": _LIMITS,
    "int64": _LIMITS,
    "uint32": _LIMITS,
    "uint64": _LIMITS,
    "duration": _LIMITS,
    "enum": frozenset({"defined_only"}),
    "repeated": frozenset({"min_items", "max_items", "items"}),
}
