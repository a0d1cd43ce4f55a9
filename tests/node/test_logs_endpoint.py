from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from mesh.local.node.log_files import LogFile, PodLogs
from mesh.local.node.logs_endpoint import LogsEndpoint
from mesh.local.pki import Credentials, issue_all
from tests.node.pods import config_in
from tests.node.waiting import PATIENCE


@dataclass
class Container:
    """One container's logs, and whether it still runs."""

    logs: PodLogs
    runs: bool = True

    def log(self, *, previous: bool) -> LogFile | None:
        return self.logs.run("app", previous=previous)

    def writing(self, file: LogFile) -> bool:
        return self.runs and file is self.logs.run("app")


@dataclass
class Served:
    """A log endpoint that is up, with one container behind it."""

    port: int
    container: Container
    credentials: Credentials

    async def get(self, path: str, *, client: str | None = "api-server-kubelet-client") -> tuple[int, str]:
        async with self.session(client) as session, session.get(self.url(path)) as response:
            return response.status, await response.text()

    def session(self, client: str | None) -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=self.credentials.ca)
        if client is not None:
            context.load_cert_chain(self.credentials.certificate(client), self.credentials.key(client))
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=timeout)

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def write(self, text: str, run: int = 0) -> None:
        file = self.container.logs.begin("app", run, time.time())
        with file.open_for_writing() as handle:
            handle.write(text.encode())


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    credentials = issue_all(tmp_path / "pki", dt.datetime.now(dt.UTC))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = config_in(
        tmp_path,
        log_address=f"127.0.0.1:{port}",
        log_certificate=credentials.certificate("node-server"),
        log_key=credentials.key("node-server"),
        log_client_ca=credentials.ca,
    )
    container = Container(PodLogs(tmp_path / "logs"))
    known = {("shop", "catalog", "app"): container}
    endpoint = LogsEndpoint(config, lambda *names: known.get(names))
    serving = asyncio.create_task(endpoint.serve())
    async with asyncio.timeout(PATIENCE):
        while not await _listening(port):
            await asyncio.sleep(0.01)
    yield Served(port, container, credentials)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def _listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


LOGS = "/containerLogs/shop/catalog/app"


async def test_the_api_server_gets_the_log(served: Served) -> None:
    served.write("one\ntwo\nunfinished")
    assert await served.get(LOGS) == (200, "one\ntwo\nunfinished")


async def test_the_last_lines_or_bytes_can_be_asked_for(served: Served) -> None:
    served.write("one\ntwo\nthree\n")
    assert await served.get(f"{LOGS}?tailLines=2") == (200, "two\nthree\n")
    assert await served.get(f"{LOGS}?limitBytes=5") == (200, "one\nt")


async def test_each_line_can_be_stamped(served: Served) -> None:
    served.write("one\ntwo\n")
    status, text = await served.get(f"{LOGS}?timestamps=true")
    stamps, words = zip(*(line.split(" ") for line in text.splitlines()), strict=True)
    assert (status, words) == (200, ("one", "two"))
    assert all(dt.datetime.fromisoformat(stamp).tzinfo is dt.UTC for stamp in stamps)


async def test_following_sees_what_comes_until_the_container_ends(served: Served) -> None:
    served.write("one\n")
    async with (
        served.session("api-server-kubelet-client") as session,
        session.get(served.url(f"{LOGS}?follow=true")) as response,
    ):
        assert await response.content.readline() == b"one\n"
        file = served.container.log(previous=False)
        assert file is not None
        with file.open_for_writing() as handle:
            handle.write(b"two\nlast words")
        assert await response.content.readline() == b"two\n"
        served.container.runs = False
        assert await response.content.read() == b"last words"


async def test_the_run_before_the_crash_can_be_read(served: Served) -> None:
    served.write("first\n", run=0)
    assert (await served.get(f"{LOGS}?previous=true"))[0] == 404
    served.write("second\n", run=1)
    assert await served.get(f"{LOGS}?previous=true") == (200, "first\n")


async def test_a_container_that_does_not_exist_is_not_found(served: Served) -> None:
    assert (await served.get("/containerLogs/shop/catalog/other"))[0] == 404


async def test_a_malformed_option_is_the_callers_fault(served: Served) -> None:
    served.write("one\n")
    assert (await served.get(f"{LOGS}?tailLines=x"))[0] == 400


async def test_exec_is_refused_in_words(served: Served) -> None:
    status, text = await served.get("/exec/shop/catalog/app")
    assert status == 501
    assert "does not offer /exec" in text


async def test_others_with_a_certificate_of_the_cluster_are_refused(served: Served) -> None:
    served.write("secret\n")
    status, text = await served.get(LOGS, client="admin")
    assert (status, "secret" in text) == (403, False)


async def test_nobody_without_a_certificate_gets_a_word(served: Served) -> None:
    with pytest.raises(aiohttp.ClientError):
        await served.get(LOGS, client=None)
