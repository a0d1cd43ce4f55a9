"""A batch is kept part by part: what was asked for together need not be asked for together again. No wire."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from shop.catalog.v1 import catalog_pb2

from mesh.resilience import FallbackPolicy, MethodPolicy, PolicyInvalid
from mesh.resilience.fallback import LastGoodParts, covered
from tests.resilience.scripted import Bench

BATCH = FallbackPolicy(kind="last_good", max_age=30.0, entries=3, parts="product_ids=products.id")


def answer(*ids: str, name: str = "") -> catalog_pb2.BatchGetProductsResponse:
    return catalog_pb2.BatchGetProductsResponse(products=[catalog_pb2.Product(id=each, name=name) for each in ids])


def test_another_batch_of_the_same_things_is_answered_in_its_own_order() -> None:
    kept = LastGoodParts(BATCH)
    kept.remember(["mug", "rope"], answer("mug", "rope"), 0.0)
    kept.remember(["tea"], answer("tea"), 1.0)
    assert kept.recall(["tea", "mug"], 2.0) == answer("tea", "mug")


def test_a_batch_with_one_thing_never_asked_for_is_not_answered_in_part() -> None:
    kept = LastGoodParts(BATCH)
    assert kept.recall([], 0.0) is None
    kept.remember(["mug"], answer("mug"), 0.0)
    assert kept.recall(["mug", "rope"], 1.0) is None


def test_a_batch_is_as_old_as_its_oldest_part() -> None:
    kept = LastGoodParts(BATCH)
    kept.remember(["mug"], answer("mug"), 0.0)
    kept.remember(["rope"], answer("rope"), 20.0)
    assert kept.recall(["rope", "mug"], 30.0) == answer("rope", "mug")
    assert kept.recall(["rope", "mug"], 30.1) is None
    assert kept.recall(["rope"], 30.1) == answer("rope")


def test_the_last_answer_about_a_thing_is_the_one_that_counts() -> None:
    kept = LastGoodParts(BATCH)
    kept.remember(["mug"], answer("mug", name="old"), 0.0)
    kept.remember(["rope", "mug"], answer("rope", "mug", name="new"), 1.0)
    assert kept.recall(["mug"], 2.0) == answer("mug", name="new")


def test_entries_bounds_the_parts() -> None:
    kept = LastGoodParts(BATCH)
    kept.remember([], answer("a", "b", "c", "d"), 0.0)
    assert [each for each in "abcd" if kept.recall([each], 1.0)] == ["b", "c", "d"]


@pytest.mark.parametrize("parts", ["products", "product_ids=products", "=products.id"])
def test_parts_that_name_no_key_are_refused(parts: str) -> None:
    with pytest.raises(PolicyInvalid, match="parts="):
        FallbackPolicy(kind="last_good", parts=parts)


def test_a_declared_answer_has_no_parts() -> None:
    with pytest.raises(PolicyInvalid, match="of last_good"):
        FallbackPolicy(kind="default", parts="product_ids=products.id")


async def test_a_call_for_another_batch_is_answered_from_its_parts() -> None:
    it = Bench(policy=MethodPolicy(idempotent=True, attempts=1, fallback=BATCH))
    wire = it.wire(answer("mug", "rope"), StatusCode.UNAVAILABLE)
    call = covered(lambda _: it.call(wire), it.method.guard)
    await call(catalog_pb2.BatchGetProductsRequest(product_ids=["mug", "rope"]))
    assert await call(catalog_pb2.BatchGetProductsRequest(product_ids=["rope"])) == answer("rope")
