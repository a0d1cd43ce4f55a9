from __future__ import annotations

import os
import sys
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
def shop(kubectl: Path) -> Manifests:
    """The overlay `local`: the shop, the mesh around it, both canaries."""
    return build(kubectl, overlay_named("local"))


@pytest.fixture(scope="session")
def kind(kubectl: Path) -> Manifests:
    return build(kubectl, overlay_named("kind"))


@pytest.fixture(scope="session")
def production(kubectl: Path) -> Manifests:
    return build(kubectl, overlay_named("production"))


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, kubectl: Path) -> Manifests:
    """Each overlay in turn."""
    return build(kubectl, overlay_named(request.param))


@pytest.fixture(scope="session", params=["kind", "production"])
def on_nodes(request: pytest.FixtureRequest, kubectl: Path) -> Manifests:
    """Each overlay whose pods run on real nodes, in turn."""
    return build(kubectl, overlay_named(request.param))
