"""The service as its process builds it: keys over plain HTTP, and nothing secret anywhere but in its answers."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting import Host, logs, tracing
from services.hosting.lifecycle import serving
from services.users.__main__ import UsersSettings, build
from services.users.jwks_page import PATH
from services.users.refresh_tokens import parsed
from tests.hosting.databases import Databases
from tests.users.asking import (
    EMAIL,
    PASSWORD,
    WRONG,
    bearer,
    login,
    profile,
    refresh,
    refusal,
    refused,
    register,
    signed_in,
)

NEW_PASSWORD = "staple correct horse"


@dataclass(frozen=True)
class Running:
    """The service in this process, and all that it has written down."""

    users: UsersServiceStub
    http: httpx2.AsyncClient
    spans: InMemorySpanExporter
    lines: io.StringIO


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The process's log, as a pod writes it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(UsersSettings(log_level="DEBUG"), written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def running(databases: Databases, tmp_path: Path, lines: io.StringIO) -> AsyncIterator[Running]:
    settings = UsersSettings(
        listen_address="127.0.0.1:0",
        jwks_address=f"unix:{tmp_path}/jwks",
        database_url=databases.url("users"),
        drain_delay_seconds=0,
        drain_seconds=0,
    )
    spans, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    host = Host(settings)
    over_socket = httpx2.AsyncHTTPTransport(uds=f"{tmp_path}/jwks")
    async with (
        build(settings, host) as hosted,
        serving(host, hosted, tracing.traced(provider)) as address,
        grpc.aio.insecure_channel(address) as channel,
        httpx2.AsyncClient(transport=over_socket, base_url="http://users") as http,
    ):
        yield Running(UsersServiceStub(channel), http, spans, lines)


async def test_the_keys_are_the_same_over_grpc_and_over_http(running: Running) -> None:
    answer = await running.http.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.text == (await running.users.GetJwks(pb.GetJwksRequest())).jwks
    (key,) = answer.json()["keys"]
    assert "d" not in key


async def test_there_is_one_page_and_no_other(running: Running) -> None:
    for method, path, status in [
        ("HEAD", PATH, 200),
        ("POST", PATH, 405),
        ("DELETE", PATH, 405),
        ("GET", "/", 404),
        ("GET", f"{PATH}/../../etc/passwd", 404),
        ("GET", "/.well-known/", 404),
    ]:
        content = b"x" * 100_000 if method == "POST" else None
        assert (await running.http.request(method, path, content=content)).status_code == status, (method, path)


async def use_it_all(users: UsersServiceStub) -> list[str]:
    """Call every method, rightly and wrongly; all that is secret of it."""
    tokens = await signed_in(users)
    mine = bearer(tokens.access_token)
    renewed = await refresh(users, tokens.refresh_token)
    await refused(refresh(users, tokens.refresh_token))
    await refused(login(users, password=WRONG))
    await refused(login(users, "nobody@example.com", WRONG))
    await refused(register(users, password=NEW_PASSWORD))
    await refused(register(users, "not an address", NEW_PASSWORD))
    account = await profile(users, tokens.access_token)
    account.address = "7 Secret Quay"
    await users.UpdateProfile(pb.UpdateProfileRequest(profile=account), metadata=mine)
    for old in (WRONG, PASSWORD):
        change = pb.ChangePasswordRequest(old_password=old, new_password=NEW_PASSWORD)
        await asyncio.gather(users.ChangePassword(change, metadata=mine), return_exceptions=True)
    await users.Logout(pb.LogoutRequest(refresh_token=renewed.refresh_token))
    given = (tokens.access_token, tokens.refresh_token, renewed.access_token, renewed.refresh_token)
    return [PASSWORD, WRONG, NEW_PASSWORD, *given, *(token.rsplit(".", 1)[-1] for token in given)]


async def test_nothing_secret_is_in_a_log_line_a_span_or_the_database(running: Running, databases: Databases) -> None:
    secrets = await use_it_all(running.users)
    told = running.lines.getvalue() + "".join(span.to_json() for span in running.spans.get_finished_spans())
    kept = databases.written()
    lines = [json.loads(line) for line in running.lines.getvalue().splitlines()]
    assert {line["method"].rpartition("/")[2] for line in lines if line["message"] == "rpc"} >= {"Login", "Refresh"}
    for secret in [*secrets, EMAIL, "7 Secret Quay", "PRIVATE KEY", "argon2"]:
        assert secret not in told
    for secret in secrets:
        assert secret.encode() not in kept
    assert EMAIL.encode() in kept  # negative control: the rows are there


async def test_no_part_of_a_refresh_token_is_in_the_database(running: Running, databases: Databases) -> None:
    token = parsed((await signed_in(running.users)).refresh_token)
    assert token
    kept = databases.written()
    for part in (token.family, token.secret):
        assert part not in kept
        assert part.hex().encode() not in kept
    assert token.secret_hash.encode() in kept


async def test_a_refusal_repeats_nothing_of_what_it_refuses(running: Running) -> None:
    for call in (login(running.users, password=WRONG), register(running.users, "not an address", WRONG)):
        error = await refusal(call)
        told = f"{error!r} {error.trailing_metadata()}"
        assert WRONG not in told
        assert "not an address" not in told
