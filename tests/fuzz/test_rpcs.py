"""Whatever is sent to whichever RPC, by whomever: a refusal that is one, never a confession."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest
from argosy.resilience.v1 import resilience_admin_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from grpc import StatusCode
from hypothesis import strategies as st

from tests.fuzz.acquaintance import Acquaintance
from tests.fuzz.budget import LONGEST, fuzzed
from tests.fuzz.messages import requests
from tests.fuzz.shop_inside import Metadata, Target
from tests.fuzz.verdict import complaints, parsed

pytestmark = [pytest.mark.processes, pytest.mark.timeout(LONGEST)]

CONTRACTS = [
    import_module(f"shop.{path.parts[-3]}.v1.{path.stem}_pb2").DESCRIPTOR
    for path in sorted((Path(__file__).parents[2] / "protos" / "shop").glob("*/v1/*.proto"))
]
METHODS: list[MethodDescriptor] = [
    method
    for contract in [*CONTRACTS, resilience_admin_pb2.DESCRIPTOR]
    for service in contract.services_by_name.values()
    for method in service.methods
]


def named(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}.{method.name}"


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_no_request_makes_a_service_confess_a_bug(
    method: MethodDescriptor, target: Target, acquaintance: Acquaintance
) -> None:
    codes = Counter[StatusCode]()
    kind = message_factory.GetMessageClass(method.input_type)

    @fuzzed
    @hypothesis.given(requests(method.input_type, acquaintance.known), st.sampled_from(acquaintance.callers))
    def refused_or_answered(content: bytes, caller: Metadata) -> None:
        answer = target.call(method, content, caller)
        codes[answer.code] += 1
        assert complaints(answer, parsed(kind, content)) == []

    refused_or_answered()
    assert set(codes) - {StatusCode.INVALID_ARGUMENT}, "nothing came past the contract's rules"
