"""Our verdicts are protovalidate's: the library itself is asked about every message."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import protovalidate
import pytest
from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2
from shop.recommendations.v1 import recommendations_pb2
from shop.users.v1 import users_pb2

from services.hosting.errors import CannotStart
from services.hosting.validation import Check, RequestRules, message_check
from tests.hosting.contracts import Field, field, message_type, new

CONTRACTS = (cart_pb2, catalog_pb2, inventory_pb2, orders_pb2, payments_pb2, recommendations_pb2, users_pb2)
SERVICES = [service for contract in CONTRACTS for service in contract.DESCRIPTOR.services_by_name.values()]
REQUESTS = sorted({m.input_type for service in SERVICES for m in service.methods}, key=lambda kind: kind.full_name)

UUID = "0b7e54f2-3b1c-4a68-9d2e-5f1a6b0c7d8e"
STRINGS = [
    "",
    "a",
    UUID,
    UUID.upper(),
    f"{UUID}\n",
    UUID[:-1],
    "EUR",
    "EUR\n",
    "eur",
    "mug-blue",
    "-mug",
    "é",
    "\U0001f6a2",
]
STRINGS += [
    "4" * 12,
    "4" * 20,
    "٣" * 12,
    "123",
    "12345",
    "a" * 64,
    "a" * 65,
    "é" * 120,
    "é" * 121,
    "a" * 257,
    "a" * 2001,
]
EMAILS = [
    "ada@example.com",
    "ada@localhost",
    "a!#$%&'*+/=?^_`{|}~.-b@x.y",
    "ada@a.b.c-d.example",
    f"ada@{'a' * 63}.example",
    f"ada@{'a' * 64}.example",
    "ada@example.com\n",
    "ada@-example.com",
    "ada@example-.com",
    "ada@example..com",
    "ada@example.com.",
    "ada@ex_ample.com",
    "ada@@example.com",
    "ada@",
    "@example.com",
    "ada lovelace@example.com",
    "äda@example.com",
    "ada@exämple.com",
    f"{'a' * 242}@example.com",
    f"{'a' * 243}@example.com",
]


@cache
def oracle() -> protovalidate.Validator:
    return protovalidate.Validator()  # type: ignore[no-untyped-call]


def expected(message: Message) -> list[tuple[str, str]]:
    """What protovalidate finds: field path and rule id."""
    return sorted(
        (_path(violation.proto), violation.proto.rule_id) for violation in oracle().collect_violations(message)
    )


def found(message: Message) -> list[tuple[str, str]]:
    return sorted((violation.field, violation.rule) for violation in check_of(message)(message))


def check_of(message: Message) -> Check:
    return message_check(cast("Descriptor", message.DESCRIPTOR))


def _path(violation: validate_pb2.Violation) -> str:
    return ".".join(
        f"{element.field_name}[{element.index}]" if element.HasField("index") else element.field_name
        for element in violation.field.elements
    )


def messages(kind: Descriptor) -> st.SearchStrategy[Any]:
    """Messages of a type, near the edges of rules; any field may be missing."""
    if kind.full_name == Duration.DESCRIPTOR.full_name:
        # In whole microseconds: the oracle reads durations as timedelta and loses what is below, we do not.
        edges = [Duration(seconds=s, nanos=n) for s in (-1, 0, 1, 3600) for n in (0, 1000) if s >= 0 or n == 0]
        return st.sampled_from([*edges, Duration(nanos=999_999_000), Duration(seconds=3601)])
    given_fields = st.fixed_dictionaries({}, optional={f.name: _values(f) for f in kind.fields})
    return given_fields.map(lambda values: message_factory.GetMessageClass(kind)(**values))


def _values(of: FieldDescriptor) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any]
    if of.message_type:
        one = messages(of.message_type)
    elif of.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        one = st.sampled_from(STRINGS + EMAILS) | st.text(max_size=3)
    elif of.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        one = st.integers(0, 9)
    else:
        one = st.sampled_from(
            [0, 1, -1, 2, 12, 13, 20, 99, 100, 101, 999, 1000, 1001, 2000, 2101, 10**6, 10**6 + 1, 10**9]
        )
    return st.lists(one, max_size=3) if of.is_repeated else one


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.name)
def test_every_request_is_judged_as_protovalidate_judges_it(kind: Descriptor) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(messages(kind))
    def agree(message: Message) -> None:
        assert found(message) == expected(message)

    agree()


def test_long_lists_are_judged_as_protovalidate_judges_them() -> None:
    for length in (0, 1, 100, 101):
        request = catalog_pb2.BatchGetProductsRequest(product_ids=["mug"] * length)
        assert found(request) == expected(request)


@pytest.mark.parametrize(
    ("of", "values"),
    [
        (field(Field.TYPE_INT32, int32={"gt": 1, "lt": 5}), [0, 1, 2, 4, 5]),
        (field(Field.TYPE_INT64, int64={"gt": 1}), [0, 1, 2]),
        (field(Field.TYPE_UINT32, uint32={"lt": 3}), [0, 2, 3]),
        (field(Field.TYPE_UINT64, uint64={"lte": 3}), [3, 4]),
        (field(Field.TYPE_INT32, int32={"gte": 2}, ignore=validate_pb2.IGNORE_IF_ZERO_VALUE), [0, 1, 2]),
        (field(Field.TYPE_INT32, int32={"gte": 2}, ignore=validate_pb2.IGNORE_ALWAYS), [0, 1, 2]),
        (field(Field.TYPE_INT32, optional=True, int32={"gte": 2}), [None, 0, 2]),
        (field(Field.TYPE_INT32, optional=True, required=True), [None, 0]),
        (field(Field.TYPE_STRING, required=True), ["", "a"]),
        (field(Field.TYPE_STRING, string={"email": True}), ["", *EMAILS]),
        (field(Field.TYPE_STRING, string={"pattern": r"^a\$[$]b$"}), ["a$$b", "a$$b\n", "a$b"]),
        (field(Field.TYPE_STRING, string={"pattern": r"^\d\w$"}), ["1a", "٣a", "1é"]),
        (field(Field.TYPE_STRING, repeated=True, required=True), [[], ["a"]]),
        (
            field(Field.TYPE_STRING, repeated=True, of_list={"min_items": 2, "items": {"string": {"min_len": 1}}}),
            [[], [""], ["a", ""]],
        ),
        (field(Field.TYPE_ENUM, enum={"defined_only": True}), [0, 2, 3]),
        (
            field(Field.TYPE_MESSAGE, duration={"gt": {"seconds": 1}}),
            [None, Duration(seconds=1), Duration(seconds=1, nanos=1000)],
        ),
    ],
    ids=str,
)
def test_rules_our_contracts_do_not_use_yet_are_judged_alike_too(of: Field, values: list[Any]) -> None:
    kind = message_type(of)
    for value in values:
        message = new(kind) if value is None else new(kind, it=value)
        assert found(message) == expected(message), value


@pytest.mark.parametrize(
    ("of", "rule"),
    [
        (field(Field.TYPE_STRING, string={"hostname": True}), "string.hostname"),
        (field(Field.TYPE_STRING, string={"prefix": "a"}), "string.prefix"),
        (field(Field.TYPE_INT32, int32={"in": [1]}), "int32.in"),
        (field(Field.TYPE_BOOL, bool={"const": True}), "bool"),
        (field(Field.TYPE_STRING, cel=[{"id": "x", "expression": "this != ''"}]), "cel"),
        (field(Field.TYPE_STRING, cel_expression=["this != ''"]), "cel_expression"),
        (field(Field.TYPE_INT32, int32={"gte": 5, "lte": 1}), "int32.gte_lte_exclusive"),
    ],
    ids=str,
)
def test_a_rule_that_is_not_known_stops_the_start_and_is_named(of: Field, rule: str) -> None:
    with pytest.raises(CannotStart, match=rf"Made\.it: the rule {rule} is not supported"):
        message_check(message_type(of))


def test_rules_of_a_whole_message_stop_the_start() -> None:
    rules = validate_pb2.MessageRules(cel_expression=["this.it > 0"])
    with pytest.raises(CannotStart, match="whole message"):
        message_check(message_type(field(Field.TYPE_INT32), rules=rules))


def test_every_contract_of_the_shop_compiles() -> None:
    rules = RequestRules(SERVICES)
    assert all(rules.check(f"/{s.full_name}/{m.name}") for s in SERVICES for m in s.methods)


def test_a_description_never_repeats_the_value() -> None:
    request = payments_pb2.ChargeRequest(card=payments_pb2.Card(number="4242x", security_code="9x9"))
    told = [violation.description for violation in check_of(request)(request)]
    assert len(told) > 3
    assert not any("4242x" in text or "9x9" in text for text in told)
