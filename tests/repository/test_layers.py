"""Imports go one way, and calls between services go through mesh.resilience."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

SERVICES = tuple(f"services.{path.parent.name}" for path in sorted((CHECKOUT / "services").glob("*/__main__.py")))

FORBIDDEN = {
    "mesh/resilience": ("services", "shop", "protos", "mesh.local", "mesh.demo", "mesh.audit", "loadtest"),
    "mesh/local": ("services", "shop", "loadtest"),
    "mesh/demo": ("services",),
    "mesh/audit": ("services", "shop"),
    "mesh/cluster": ("services", "shop", "loadtest", "mesh.demo"),
    "mesh/commands": ("services", "shop", "loadtest", "mesh.demo"),
    "mesh/deploy": ("services", "shop", "loadtest", "mesh.demo"),
    "mesh/policy": ("services", "loadtest", "mesh.demo", "mesh.audit"),
    "mesh/objectives": ("services", "loadtest", "mesh.demo", "mesh.audit", "mesh.chaos"),
    "mesh/manifests": ("services", "shop", "loadtest", "mesh.demo", "mesh.audit", "mesh.policy"),
    "mesh/browser": ("services", "shop", "loadtest", "mesh.demo"),
    "mesh/breakers": ("services", "shop", "argosy"),
    "mesh/seed": ("services", "shop"),
    "mesh/backup": ("services", "shop"),
    "mesh/canary": ("services", "shop", "loadtest", "mesh.demo"),
    "mesh/canary/judge": ("lightkube", "httpx2", "mesh.canary.act", "mesh.canary.measure", "mesh.canary.run"),  # pure
    "mesh/chaos": ("services",),
    "loadtest": (*SERVICES, "mesh.demo", "mesh.chaos"),  # their hosting is what a bench measures
    "loadtest/bench": ("loadtest.compare",),
    "services": (
        "mesh.local",
        "mesh.demo",
        "mesh.audit",
        "mesh.policy",
        "mesh.breakers",
        "mesh.canary",
        "mesh.chaos",
        "mesh.cluster",
        "mesh.deploy",
        "mesh.manifests",
        "mesh.seed",
        "mesh.backup",
        "loadtest",
        "locust",
    ),
}


def python_files(folder: str) -> list[Path]:
    return sorted(path for path in (CHECKOUT / folder).rglob("*.py") if "migrations" not in path.parts)


def imported_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden_imports(source: str, forbidden: tuple[str, ...]) -> set[str]:
    return {
        module
        for module in imported_modules(source)
        for name in forbidden
        if module == name or module.startswith(f"{name}.")
    }


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_go_one_way(folder: str) -> None:
    found = {
        str(path.relative_to(CHECKOUT)): wrong
        for path in python_files(folder)
        if (wrong := forbidden_imports(path.read_text(), FORBIDDEN[folder]))
    }
    assert found == {}


def test_a_service_never_imports_another_service() -> None:
    services = {path.name for path in (CHECKOUT / "services").iterdir() if (path / "__main__.py").exists()}
    found = {
        str(path.relative_to(CHECKOUT)): wrong
        for service in services
        for path in python_files(f"services/{service}")
        if (wrong := forbidden_imports(path.read_text(), tuple(f"services.{other}" for other in services - {service})))
    }
    assert found == {}


def test_the_check_sees_a_forbidden_import() -> None:
    assert forbidden_imports("from services.orders import saga", ("services",)) == {
        "services.orders",
        "services.orders.saga",
    }
    assert forbidden_imports("import shop.orders.v1.orders_pb2 as o", ("shop",)) == {"shop.orders.v1.orders_pb2"}


def calls_round_the_policy(source: str) -> list[int]:
    """Lines where product code opens a channel, or makes a stub from one, by itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        opens_channel = name.endswith(("insecure_channel", "secure_channel"))
        makes_stub = name.split(".")[-1].endswith("Stub")
        if opens_channel or makes_stub:
            found.append(node.lineno)
    return found


def test_rule_01_every_call_between_services_goes_through_the_policy() -> None:
    found = {
        str(path.relative_to(CHECKOUT)): lines
        for path in python_files("services")
        if (lines := calls_round_the_policy(path.read_text()))
    }
    assert found == {}


def test_the_check_sees_a_stub_that_goes_round() -> None:
    naive = (
        "channel = grpc.aio.insecure_channel('catalog:50051')\nstub = catalog_pb2_grpc.CatalogServiceStub(channel)\n"
    )
    assert calls_round_the_policy(naive) == [1, 2]
    assert calls_round_the_policy("catalog = peer.stub(catalog_pb2_grpc.CatalogServiceStub)") == []
