from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from mesh.manifests.checkers import Checkers, ensure_checkers
from mesh.manifests.schemas import Schemas, schemas
from tests.manifests.objects import CHECKOUT


@pytest.fixture(scope="session")
def checkers() -> Checkers:
    return ensure_checkers(read_settings(os.environ), ConsoleProgress(Console(file=sys.stderr)))


@pytest.fixture(scope="session")
def known(checkers: Checkers) -> Schemas:
    return schemas(checkers.definitions)


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor() as opened:
        yield opened


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `check` reads of the checkout, to be broken."""
    shutil.copytree(CHECKOUT / "k8s", tmp_path / "k8s")
    shutil.copy(CHECKOUT / "compose.yaml", tmp_path)
    return tmp_path
