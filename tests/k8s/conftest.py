from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from mesh.local.programs import ensure
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from tests.k8s.manifests import K8S, Manifests, build, overlay_named

OVERLAYS = sorted(path.parent.name for path in (K8S / "overlays").glob("*/kustomization.yaml"))


def program(name: str) -> Path:
    """The cluster's own copy of `name`, built when it is missing."""
    return ensure(read_settings(os.environ), {name}, ConsoleProgress(Console(file=sys.stderr))).folder / name


@pytest.fixture(scope="session")
def kubectl() -> Path:
    return program("kubectl")


@pytest.fixture(scope="session")
def istioctl() -> Path:
    return program("istioctl")


@pytest.fixture(scope="session")
def envoy() -> Path:
    return program("envoy")


@pytest.fixture(scope="session")
def built(kubectl: Path) -> Callable[[str], Manifests]:
    """The overlay of this name, built once in a process, however its tests come in turn."""
    return cache(lambda name: build(kubectl, overlay_named(name)))


@pytest.fixture(scope="session")
def shop(built: Callable[[str], Manifests]) -> Manifests:
    """The overlay `local`: the shop, the mesh around it, both canaries."""
    return built("local")


@pytest.fixture(scope="session")
def kind(built: Callable[[str], Manifests]) -> Manifests:
    return built("kind")


@pytest.fixture(scope="session")
def production(built: Callable[[str], Manifests]) -> Manifests:
    return built("production")


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, built: Callable[[str], Manifests]) -> Manifests:
    """Each overlay in turn."""
    return built(request.param)


@pytest.fixture(scope="session", params=["kind", "production"])
def on_nodes(request: pytest.FixtureRequest, built: Callable[[str], Manifests]) -> Manifests:
    """Each overlay whose pods run on real nodes, in turn."""
    return built(request.param)
