"""The bench of the generator: what it calls answers anything, and its rows say what they are asked to."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from shop.catalog.v1 import catalog_pb2

from loadtest.asking import asked
from loadtest.bench.generator import LOCUST_FILE, RATE, SECONDS, rows
from loadtest.bench.null_server import null
from loadtest.bench.target import MUG, Catalog
from loadtest.crowd import open_crowd
from loadtest.generator.seen import Seen
from loadtest.journeys import Call
from loadtest.profiles import PROFILES
from loadtest.timeline import Timeline

CALLS = 200


async def test_the_null_server_answers_whatever_the_catalog_is_asked_and_counts() -> None:
    catalog = Catalog()  # type: ignore[abstract]  # it only counts
    async with null(catalog) as address, open_crowd(address, PROFILES["catalog"].journeys, rate=1) as crowd:
        outcomes = [await crowd(number) for number in range(CALLS)]
    assert {outcome.code for outcome in outcomes} == {grpc.StatusCode.OK}
    assert len({outcome.label for outcome in outcomes}) == 3
    assert catalog.calls == CALLS


async def test_the_null_servers_answers_are_products() -> None:
    catalog = Catalog()  # type: ignore[abstract]  # it only counts
    async with null(catalog) as address, grpc.aio.insecure_channel(address) as channel:
        page, _ = await asked(channel, Call(catalog_pb2.ListProductsRequest()))
        one, _ = await asked(channel, Call(catalog_pb2.GetProductRequest()))
    assert list(page.products) == [one.product] == [MUG]


async def test_the_null_server_leaves_no_connection_open() -> None:
    async with null(Catalog()) as address:  # type: ignore[abstract]  # it only counts
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readexactly(9)  # the connection is made
    with suppress(ConnectionResetError):
        await reader.read()
    assert reader.at_eof()
    writer.close()


@pytest.mark.processes
async def test_locust_leaves_no_file_where_it_was_started(tmp_path: Path) -> None:
    async with null(Catalog()) as address:  # type: ignore[abstract]  # it only counts
        options = ("--headless", "--host", address, "--users", "1", "--run-time", "1s", "--only-summary")
        command = (sys.executable, "-m", "locust", "-f", str(LOCUST_FILE), *options)
        locust = await asyncio.create_subprocess_exec(*command, cwd=tmp_path)
        assert await locust.wait() == 0
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - an empty folder blocks nobody


@pytest.mark.parametrize(("late", "holds"), [(0, [True, True]), (199, [True, True]), (201, [True, False])])
def test_one_percent_of_the_sends_may_be_late(late: int, holds: list[bool]) -> None:
    seen = Seen(Timeline(SECONDS))
    for number in range(round(RATE * SECONDS)):
        due = number / RATE
        seen.punctuality.sent(due, due + (0.006 if number < late else 0.001))
    assert [row.holds for row in rows(seen) if row.target] == holds
