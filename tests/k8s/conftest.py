from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from mesh.local.programs import ensure
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from tests.k8s.manifests import K8S, Manifests, build


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
    """The overlay that holds everything: the shop, the mesh around it, both canaries."""
    return build(kubectl, K8S / "overlays" / "local")
