"""compose.yaml starts the same services as the base, as locked up as there, and they sell."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import grpc
import httpx2
import pytest
import yaml

from loadtest.outcome import Kind
from loadtest.shopper import Shopper
from services.hosting.settings import HostSettings
from tests.hosting.processes import Process, started

CHECKOUT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, dict[str, Any]] = COMPOSE["services"]
BOUGHT_FROM = {"catalog", "orders", "storefront"}
ANY_PORT = "127.0.0.1:0"


def not_locked_up(service: Mapping[str, Any]) -> set[str]:
    """What a container of `service` may do that a pod may not."""
    wanted = {
        "user": "10001:10001",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - a folder of the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pull_policy": "never",
        "privileged": None,
    }
    return {key for key, value in wanted.items() if service.get(key) != value}


def settings_of(service: str) -> set[str]:
    """The variables `service` reads."""
    module = import_module(f"services.{service}.__main__")
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, HostSettings)]
    return {field.name.upper() for kind in kinds for field in fields(kind)}


def test_every_service_of_the_base_is_in_it() -> None:
    deployments = (CHECKOUT / "k8s" / "base").glob("*/deployment/deployment.yaml")
    assert {path.parts[-3] for path in deployments} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_locked_up_as_in_a_pod(service: str) -> None:
    assert not_locked_up(SERVICES[service]) == set()


def test_a_service_that_is_not_locked_up_is_seen() -> None:
    loose = {**SERVICES["orders"], "read_only": False, "privileged": True}
    del loose["cap_drop"]
    assert not_locked_up(loose) == {"read_only", "privileged", "cap_drop"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting_of_that_service(service: str) -> None:
    assert set(SERVICES[service]["environment"]) <= settings_of(service)


def test_a_misspelt_variable_is_seen() -> None:
    assert "SEED_FIEL" not in settings_of("catalog")
    assert "SEED_FILE" not in settings_of("payments")


def test_only_loopback_is_published_and_only_what_one_buys_from() -> None:
    published = {name: ports for name, service in SERVICES.items() if (ports := service.get("ports"))}
    assert set(published) == BOUGHT_FROM
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["shop"]["internal"]


def test_the_grace_period_is_longer_than_the_drain() -> None:
    settings = HostSettings()
    for service in SERVICES.values():
        assert int(service["stop_grace_period"].rstrip("s")) > settings.drain_delay_seconds + 2 * settings.drain_seconds


@asynccontextmanager
async def running(compose: Mapping[str, Any], folder: Path, page: str = ANY_PORT) -> AsyncIterator[dict[str, Process]]:
    """The commands of `compose` as processes, with its environment; paths and names are this machine's."""
    ports = {name: _free_port() for name in compose["services"]}
    async with AsyncExitStack() as stack:
        shop: dict[str, Process] = {}
        for name, service in compose["services"].items():
            (module,) = service["command"]
            environment = {key: _here(value, compose, folder, ports) for key, value in service["environment"].items()}
            environment["LISTEN_ADDRESS"] = f"127.0.0.1:{ports[name]}"
            environment |= {"HTTP_ADDRESS": page, "JWKS_ADDRESS": ANY_PORT}
            shop[name] = await stack.enter_async_context(started(module, **environment))
        for process in shop.values():
            await process.said("serving")
        yield shop


def _here(value: str, compose: Mapping[str, Any], folder: Path, ports: Mapping[str, int]) -> str:
    (seed,) = {one["target"] for service in compose["services"].values() for one in service.get("configs", [])}
    value = value.replace(seed, str(CHECKOUT / compose["configs"]["products"]["file"])).replace("/data/", f"{folder}/")
    return re.sub(r"^(\w+):50051$", lambda found: f"127.0.0.1:{ports[found[1]]}", value)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def address(process: Process) -> str:
    return str(process.lines[-1]["address"])


def health_check(service: str, listen_address: str) -> int:
    """The exit code of the health check of `service`, as Docker runs it in the container."""
    word, *command = SERVICES[service]["healthcheck"]["test"]
    assert word == "CMD"
    done = subprocess.run(
        [sys.executable, *command[1:]], env={"LISTEN_ADDRESS": listen_address}, check=False, capture_output=True
    )
    return done.returncode


@pytest.mark.processes
async def test_its_commands_and_environments_make_a_shop_that_sells(tmp_path: Path) -> None:
    page = f"127.0.0.1:{_free_port()}"
    async with running(COMPOSE, tmp_path, page) as shop:
        assert {name: health_check(name, address(process)) for name, process in shop.items()} == dict.fromkeys(shop, 0)
        assert await _sold(shop) == [Kind.OK] * 5
        async with httpx2.AsyncClient(trust_env=False) as browser:
            found = await browser.get(f"http://{page}/search", params={"q": "rope"})
        assert (found.status_code, "manila-rope" in found.text) == (200, True)


@pytest.mark.processes
def test_a_health_check_fails_where_nobody_serves() -> None:
    assert health_check("orders", f"127.0.0.1:{_free_port()}") == 1
    assert health_check("orders", "nowhere") == 2


@pytest.mark.processes
async def test_the_sale_fails_when_an_address_in_it_is_wrong(tmp_path: Path) -> None:
    wrong = deepcopy(COMPOSE)
    wrong["services"]["orders"]["environment"]["PAYMENTS_SERVICE_ADDR"] = "catalog:50051"
    async with running(wrong, tmp_path) as shop:
        assert Kind.OK not in await _sold(shop)


async def _sold(shop: Mapping[str, Process]) -> list[Kind]:
    """What became of five orders."""
    async with (
        grpc.aio.insecure_channel(address(shop["catalog"])) as catalog,
        grpc.aio.insecure_channel(address(shop["orders"])) as orders,
    ):
        random = Random(1)  # noqa: S311 - what is bought
        customer = Shopper(orders, random=random)
        customer.product_ids = await Shopper(catalog, random=random).learn_products()
        return [(await customer.place_order()).kind for _ in range(5)]
