"""What every test relies on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from loadtest import postgresql
from tests.hosting.databases import Databases, Files, Servers
from tests.hosting.running import FakeClock

WHOLE_SERVICES = frozenset(
    ["cart", "catalog", "inventory", "orders", "payments", "recommendations", "storefront", "users"]
)
WHOLE_SERVERS = frozenset({"hosting", "seeder"})
WHOLE_MANIFESTS = frozenset({"image", "k8s", "manifests"})
BENCHES_AND_JOBS = frozenset({"errand", "loadtest"})
INTEGRATION = WHOLE_SERVICES | WHOLE_SERVERS | WHOLE_MANIFESTS | BENCHES_AND_JOBS
"""Folders whose tests take longer than a unit's may."""


def pytest_configure() -> None:
    # A runner that was started in the background ignores SIGINT, and so would every process a test starts to interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The machine may be busy: an example that takes long is no counterexample.
    hypothesis.settings.register_profile("patient", parent=hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Every worker imports every test; those of whole folders that -m leaves out would be half of the unit tests' time.
    left_out = "not integration" in config.getoption("markexpr")
    return True if left_out and _folder(collection_path) in INTEGRATION else None


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _folder(item.path) in INTEGRATION:
            item.add_marker("integration")


def _folder(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).parts[0]


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL server; one for all tests of a process."""
    if postgresql.programs() is None:
        pytest.skip(postgresql.MISSING)
    with postgresql.running() as cluster:
        yield cluster


@pytest.fixture
def servers(cluster: postgresql.Cluster) -> Iterator[Servers]:
    """Databases for a test, on PostgreSQL."""
    servers = Servers(cluster)
    yield servers
    servers.drop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Databases for a test, which runs once with each kind."""
    if request.param == "sqlite":
        return Files(tmp_path)
    servers: Servers = request.getfixturevalue("servers")
    return servers
