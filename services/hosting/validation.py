"""Does a request keep its contract? Every broken rule at once, from the rules in the .proto.

The rules are protovalidate's (buf/validate/validate.proto). At start they are compiled into plain
closures, once per message type; a rule that rules.py does not know stops the start with the field's
name, so no rule is ever skipped silently. docs/decisions/0001-validation.md says why the library
itself is only the oracle of our tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from services.hosting.errors import CannotStart, Violation
from services.hosting.rules import REQUIRED, Rule, UnknownRule, value_rules

Check = Callable[[Message], Sequence[Violation]]

# Checks one field of a message; the string is the path of that message, with its dot: "lines[0]."
_FieldCheck = Callable[[Any, str, list[Violation]], None]


class RequestRules:
    """The rules of every method of some services. Raises CannotStart when one is not known."""

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        compiler = _Compiler()
        self._checks = {
            f"/{service.full_name}/{method.name}": compiler.check(method.input_type)
            for service in services
            for method in service.methods
        }

    def check(self, method: str) -> Check:
        """What finds the violations in a request of `method`: "/shop.catalog.v1.CatalogService/GetProduct"."""
        return self._checks[method]


class _Compiler:
    def __init__(self) -> None:
        self._messages: dict[str, list[_FieldCheck]] = {}

    def check(self, kind: Descriptor) -> Check:
        fields = self.fields(kind)

        def violations(message: Message) -> list[Violation]:
            found: list[Violation] = []
            for check in fields:
                check(message, "", found)
            return found

        return violations

    def fields(self, kind: Descriptor) -> list[_FieldCheck]:
        """The checks of a message type; filled in later where a type contains itself."""
        known = self._messages.get(kind.full_name)
        if known is not None:
            return known
        checks = self._messages[kind.full_name] = []
        if kind.GetOptions().HasExtension(validate_pb2.message):
            raise CannotStart(f"{kind.full_name}: rules of a whole message are not supported")
        for oneof in kind.oneofs:
            if oneof.GetOptions().HasExtension(validate_pb2.oneof):
                raise CannotStart(f"{oneof.full_name}: rules of a oneof are not supported")
        for field in kind.fields:
            try:
                check = self._field(field)
            except UnknownRule as error:
                raise CannotStart(f"{field.full_name}: the rule {error} is not supported") from None
            if check is not None:
                checks.append(check)
        return checks

    def _field(self, field: FieldDescriptor) -> _FieldCheck | None:
        declared = field.GetOptions().Extensions[validate_pb2.field]
        if declared.ignore == validate_pb2.IGNORE_ALWAYS:
            return None
        rules = value_rules(field, declared)
        inside = field.message_type
        # Timestamp and its like have no rules. A type that contains itself is still empty here.
        nested = self.fields(inside) if inside and inside.file.package != "google.protobuf" else None
        if inside and inside.GetOptions().map_entry and (rules or nested):
            raise UnknownRule("map")
        if field.is_repeated:
            items = declared.repeated.items
            if items.ignore or items.required:
                raise UnknownRule("repeated.items.ignore or required")
            return _repeated(field, declared, rules, _value(value_rules(field, items), nested))
        if rules or declared.required or nested is not None:
            return _singular(field, declared, _value(rules, nested))
        return None


# Checks one value; the string is its full path: "lines[0].quantity".
_ValueCheck = Callable[[Any, str, list[Violation]], None]


def _value(rules: Sequence[Rule], nested: list[_FieldCheck] | None) -> _ValueCheck:
    def check(value: Any, path: str, found: list[Violation]) -> None:
        for rule in rules:
            if not rule.holds(value):
                found.append(Violation(path, rule.description, rule.id))  # noqa: PERF401  # a generator each time costs more
        if nested:
            inside = f"{path}."
            for check_field in nested:
                check_field(value, inside, found)

    return check


def _singular(field: FieldDescriptor, declared: validate_pb2.FieldRules, check: _ValueCheck) -> _FieldCheck:
    name, default = field.name, field.default_value
    has_presence, required = field.has_presence, declared.required
    skip_zero = declared.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE

    def check_field(message: Any, path: str, found: list[Violation]) -> None:
        value = getattr(message, name)
        absent = not message.HasField(name) if has_presence else value == default
        if absent and required:
            found.append(Violation(path + name, REQUIRED.description, REQUIRED.id))
        elif not (absent and (has_presence or skip_zero)):
            check(value, path + name, found)

    return check_field


def _repeated(
    field: FieldDescriptor, declared: validate_pb2.FieldRules, rules: Sequence[Rule], check_item: _ValueCheck
) -> _FieldCheck:
    name, required = field.name, declared.required
    skip_zero = declared.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE

    def check_field(message: Any, path: str, found: list[Violation]) -> None:
        items = getattr(message, name)
        here = path + name
        if not items and required:
            found.append(Violation(here, REQUIRED.description, REQUIRED.id))
        elif items or not skip_zero:
            found.extend(Violation(here, rule.description, rule.id) for rule in rules if not rule.holds(items))
            for place, item in enumerate(items):
                check_item(item, f"{here}[{place}]", found)

    return check_field


def message_check(kind: Descriptor) -> Check:
    """What finds the violations in any message of a type. Raises CannotStart when a rule is not known."""
    return _Compiler().check(kind)
