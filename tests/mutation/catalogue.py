"""Which mutants has a file? Each line deleted, and where it decides, each expression wrong."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.mutation.deletions import deletions
from tests.mutation.mutant import CHECKOUT, JUDGED, Mutant
from tests.mutation.operators import mutations

# They only wire what the others decide, or tell it: every line must be missed, not every expression.
EDGES = frozenset({"peer.py", "sampled.py", "stub.py", "telemetry.py"})


def files() -> list[str]:
    """Everything that is judged."""
    return sorted(path.name for path in (CHECKOUT / JUDGED).glob("*.py"))


def mutants(file: str) -> list[Mutant]:
    """Of one file."""
    source = (CHECKOUT / JUDGED / file).read_text()
    return [*deletions(file, source), *(() if file in EDGES else mutations(file, source))]


def mutants_of_all(files: Iterable[str], workers: int) -> list[Mutant]:
    """Of several, found side by side: it takes a second of computing for each hundred."""
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        return [mutant for found in pool.map(mutants, files) for mutant in found]
