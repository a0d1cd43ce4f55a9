"""The client benches count what they say they count, and compare like with like."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest.bench import naive, paired, resilience, tracing
from loadtest.bench.paired import Block, Blocks, in_turn
from loadtest.bench.target import MUG, Catalog, another_process, asking, plain


def test_ratios_and_differences_are_taken_round_by_round() -> None:
    base = [Block(1000.0, 100.0, 10.0), Block(500.0, 200.0, 20.0), Block(100.0, 900.0, 90.0)]
    ours = [Block(900.0, 110.0, 11.0), Block(450.0, 215.0, 22.0), Block(99.0, 910.0, 92.0)]
    blocks = Blocks({"bare": base, "ours": ours})
    assert (blocks.kept("ours", "bare"), blocks.rate("bare")) == (0.9, 500.0)
    assert blocks.added("ours", "bare") == (10.0, 2.0)


async def test_ways_take_turns_and_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "CALLS", 4)
    order: list[str] = []

    async def note(way: str, request: object, **_: object) -> None:
        order.append(way)

    blocks = await in_turn({way: partial(note, way) for way in ("a", "b")}, rounds=2, in_flight=2)
    assert order == [*"bbbbaaaa", *"aaaabbbb", *"bbbbaaaa"]
    assert blocks.kept("a", "a") == 1.0


async def test_the_target_answers_as_asked_and_counts() -> None:
    async with another_process() as target, grpc.aio.insecure_channel(target.address) as channel:
        stub = CatalogServiceStub(channel)
        assert (await stub.GetProduct(asking())).product == MUG
        with pytest.raises(grpc.aio.AioRpcError, match="as asked"):
            await stub.GetProduct(asking("ABORTED"))
        calls, cpu = await target.usage()
    assert calls == 2
    assert cpu > 0


@pytest.mark.parametrize(("protected", "seen"), [(True, 0), (False, 20)])
async def test_the_server_itself_says_how_many_calls_of_an_open_circuit_it_saw(
    monkeypatch: pytest.MonkeyPatch, protected: bool, seen: int
) -> None:
    monkeypatch.setattr(resilience, "REJECTIONS", 20)
    monkeypatch.setattr(resilience, "open_catalog", partial(resilience.open_catalog, enabled=protected))
    async with another_process() as target:
        row = await resilience.rejections_that_leave(target)
    assert (row.value, row.holds) == (seen, protected)


EXPECTED: Mapping[object, tuple[float, float, float]] = {  # decorated, calling, ours
    naive.dead_server: (300, 5, 20),
    naive.failures: (1, 0, 0),
    naive.repeated_write: (2, 2, 0),
    naive.final_answers: (2, 2, 0),
    naive.wrong_answers: (0, 1, 0),
    naive.callers_who_leave: (0, 1, 0),
    naive.half_open: (150, 50, 1),
}


COUNTED = [trouble for trouble in naive.TROUBLES if trouble.meet in EXPECTED]


@pytest.mark.parametrize("trouble", COUNTED, ids=lambda trouble: trouble.meet.__name__)
async def test_what_the_naive_decoration_gets_wrong(trouble: naive.Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive, "PATIENCE", 1.0)
    found = await asyncio.gather(*(naive.met(trouble, make) for make in naive.MADE))
    assert tuple(found) == EXPECTED[trouble.meet]
    assert found[-1] <= trouble.most


SPANS = {  # of 200 calls
    "off": 0,
    "package, no SDK": 0,
    "package, sampler off": 0,
    "package, recorded": 200,
    "ours, recorded": 200,
    "ours, 1 %": 2,
    "ours, unsampled": 0,
}


@pytest.mark.parametrize(("rate", "holds"), [(80.0, True), (79.0, False)])
def test_sampled_tracing_is_held_to_its_target(rate: float, holds: bool) -> None:
    blocks = {name: [Block(100.0, 10.0, 10.0)] for name in tracing.WAYS} | {"ours, 1 %": [Block(rate, 10.0, 10.0)]}
    assert [row.holds for row in tracing.rows(Blocks(blocks)) if row.target] == [holds]


@pytest.mark.parametrize("name", tracing.WAYS)
async def test_each_way_records_the_spans_it_is_named_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[ReadableSpan] = []

    def export(_: object, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        recorded.extend(spans)
        return SpanExportResult.SUCCESS

    monkeypatch.setattr(tracing.NoExport, "export", export)
    monkeypatch.setattr(tracing, "BatchSpanProcessor", SimpleSpanProcessor)
    catalog = Catalog()  # type: ignore[abstract]  # one method is enough
    async with plain(catalog) as address, tracing.calling(tracing.WAYS[name], address) as call:
        for _ in range(200):
            await call(asking())
    assert catalog.calls >= 200
    assert SPANS[name] <= len(recorded) <= 1.1 * SPANS[name]  # on a slow machine a try may be repeated
