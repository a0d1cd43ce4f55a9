"""A policy that cannot be meant is refused with file and line, all errors at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh.policy.reading import PoliciesInvalid, parse, read
from mesh.policy.schema import ServiceFile, seconds
from tests.policy.policies import CHECKOUT, REMOVED, committed, problems

PATH = "services/payments/policy.yaml"


def refusals(text: str) -> list[str]:
    with pytest.raises(PoliciesInvalid) as refused:
        parse(PATH, text)
    return refused.value.problems


def test_all_errors_are_told_at_once_each_with_its_line() -> None:
    wrong = (CHECKOUT / PATH).read_text()
    for right, mistake in {
        "replicas: 1..4": "replicas: 4..1",
        "ratio: 0.1": "ration: 0.1",
        "deadline: 3s": "deadline: 3",
        "idempotent: by idempotency_key": "idempotent: sometimes",
        "priority: high": "priority: urgent",
    }.items():
        wrong = wrong.replace(right, mistake, 1)
    lines = wrong.splitlines()
    found = {tuple(problem.split(":")[:2]) for problem in refusals(wrong)}
    assert {path for path, _ in found} == {PATH}
    told = {lines[int(line) - 1].split(":")[0].strip() for _, line in found}
    assert told == {"replicas", "retry_budget", "deadline", "idempotent", "priority"}


def test_a_key_written_twice_is_found() -> None:
    text = (CHECKOUT / PATH).read_text() + "service: another\n"
    (problem,) = refusals(text)
    assert problem == f"{PATH}:{len(text.splitlines())}: service is written twice"


def test_what_is_no_yaml_is_refused_with_its_line() -> None:
    (problem,) = refusals("service: a\nmethods: [\n")
    assert problem.startswith(f"{PATH}:3: ")
    assert refusals("- a") == [f"{PATH}:1: a policy is a mapping"]


def test_every_rpc_of_the_contract_stands_there_and_no_other() -> None:
    assert problems("payments", {"methods.Charge": REMOVED}) == [
        "Charge of shop.payments.v1.PaymentsService has no policy"
    ]
    added = problems("payments", {"methods.Chrage": {"deadline": "1s"}})
    assert added == ["shop.payments.v1.PaymentsService has no RPC Chrage"]
    unknown = problems("payments", {"service": "shop.payments.v2.PaymentsService"})
    assert unknown == ["no contract declares shop.payments.v2.PaymentsService (`make protos`)"]


def test_rule_01_a_unary_rpc_without_a_deadline_is_refused() -> None:
    said = ["GetOrder: only a stream to the outside may have no deadline"]
    assert problems("orders", {"methods.GetOrder.deadline": REMOVED}) == said
    watched = {"methods.WatchOrder.deadline": REMOVED}
    assert problems("orders", {**watched, "methods.WatchOrder.callers": ["gateway"]}) == []
    assert problems("orders", {**watched, "methods.WatchOrder.callers": ["auditor"]})[0].endswith("no deadline")


def test_rule_05_only_what_the_contract_calls_idempotent_is() -> None:
    said = ["UpdateProduct: the contract does not call it idempotent"]
    assert problems("catalog", {"methods.UpdateProduct.idempotent": True}) == said


def test_rule_05_a_key_is_one_that_the_server_sees() -> None:
    said = ["Charge: its request has no reservation_id that a server could know it by"]
    assert problems("payments", {"methods.Charge.idempotent": "by reservation_id"}) == said


def test_rule_05_who_says_nothing_about_a_method_makes_it_one_that_is_called_once() -> None:
    documents = committed().documents
    content = documents["catalog"].content
    assert isinstance(content, ServiceFile)
    policy = content.methods["UpdateProduct"]
    assert policy.idempotent is None
    assert policy.client().most_attempts == 1


def test_numbers_are_checked_by_those_who_use_them() -> None:
    assert "open_limit" in problems("payments", {"breakers.refund.open_limit": "1s"})[0]
    assert "ratio" in problems("payments", {"callers.orders.retry_budget.ratio": 2})[0]
    assert "per_try_timeout" in problems("payments", {"methods.Charge.per_try": "4s"})[0]
    assert "NOT_FOUND" in problems("payments", {"methods.Charge.retry_on": ["UNAVAILABLE", "NOT_FOUND"]})[0]
    assert "unknown: ration" in problems("payments", {"callers.orders.retry_budget": {"ration": 0.1}})[0]
    assert "not a number" in problems("payments", {"callers.orders.retry_budget": {"ratio": "much"}})[0]


def test_a_fallback_answers_with_the_right_message_and_no_stream() -> None:
    other = {"kind": "default", "default": '{"orders": []}'}
    said = problems("catalog", {"methods.BatchGetProducts.fallback": other})
    assert said == ['BatchGetProducts: fallback: {"orders": []} is no BatchGetProductsResponse']
    streamed = problems("orders", {"methods.WatchOrder.fallback": {"kind": "last_good"}})
    assert streamed == ["WatchOrder: a stream cannot be answered by a fallback"]
    misspelt = {"kind": "last_good", "parts": "product_ids=product.id"}
    said = problems("catalog", {"methods.BatchGetProducts.fallback": misspelt})
    assert said == ["BatchGetProducts: fallback: product_ids=product.id names no fields of its request and response"]
    written = problems("catalog", {"methods.UpdateProduct.fallback": {"kind": "last_good"}})
    assert "fallback" in written[0]


def test_a_stream_has_no_try_of_the_mesh_that_would_end_it() -> None:
    said = problems("orders", {"methods.WatchOrder.mesh_per_try": "1s"})
    assert said == ["WatchOrder: Envoy passes perTryTimeout on as the server's deadline, which would end the stream"]


def test_a_service_says_what_the_mesh_does_with_its_calls() -> None:
    assert problems("catalog", {"mesh": REMOVED}) == ["mesh.per_try: Field required"]


def test_only_pages_have_no_contract() -> None:
    assert problems("catalog", {"service": REMOVED}) == ["service: Field required"]
    assert problems("storefront", {"pages": REMOVED}) == ["service: Field required"]
    assert problems("storefront", {"methods": {"GetPage": {"deadline": "1s"}}}) == ["service: Field required"]


@pytest.mark.parametrize(
    ("service", "change"),
    [
        ("storefront", {"pages.port": 0}),
        ("users", {"published.port": 65536}),
        ("users", {"published.paths": []}),
        ("users", {"published.paths": ["jwks.json"]}),
        ("users", {"methods.GetProfile.token": "optional"}),
        ("catalog", {"methods.UpdateProduct.role": "king"}),
    ],
)
def test_a_door_or_a_key_that_cannot_be_is_refused(service: str, change: dict[str, object]) -> None:
    assert problems(service, change) != []


@pytest.mark.parametrize(("written", "read_as"), [("400ms", 0.4), ("1.5s", 1.5), ("10s", 10.0), ("2500ms", 2.5)])
def test_times_carry_their_unit(written: str, read_as: float) -> None:
    assert seconds(written) == read_as


@pytest.mark.parametrize("written", ["1", 1, "0s", "1m", "-1s", "s", None])
def test_a_time_without_unit_or_length_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a time above 0"):
        seconds(written)


def test_files_that_are_wrong_are_all_told(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / "services" / name
        folder.mkdir(parents=True)
        (folder / "policy.yaml").write_text("calls: [nobody]\n")
    with pytest.raises(PoliciesInvalid) as refused:
        read(tmp_path)
    assert [problem.split(": ")[0] for problem in refused.value.problems] == [
        "services/one/policy.yaml:1",
        "services/two/policy.yaml:1",
    ]


def test_a_checkout_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PoliciesInvalid, match="there is no services"):
        read(tmp_path)
