"""Does a test notice the mutant? Tests run in a process of their own, in which the mutant is what Python imports.

Nothing is written: an import hook hands out the mutant's source. Each process is forked from one that has
imported what our tests import of others, so that a trial costs tenths of a second.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from io import StringIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import coverage
import hypothesis
import pytest

from tests.mutation.mutant import CHECKOUT, JUDGED, Mutant

Seconds = dict[str, float]  # by test
Visits = dict[tuple[str, int], set[str]]  # which tests passed a line of a file

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.mutation.preloaded"])
_LONGEST = 180  # seconds for a trial; a mutant that waits for ever is noticed by then
# Only what our tests need, and nothing that costs more than a test.
_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin", "no:cacheprovider")
_PYTEST = (
    *("-q", "-x", "--assert=plain", "--tb=native", "-m", "not processes"),
    *("--timeout=30", "--timeout-method=thread"),
    *(word for plugin in _PLUGINS for word in ("-p", plugin)),
)


class Noticed(NamedTuple):
    """The test that failed; "" when all passed. `why` for whoever looks closer."""

    by: str
    why: str = ""


class Witness:
    """Hears how each test ends."""

    def __init__(self, measured: coverage.Coverage | None = None) -> None:
        self.seconds: Seconds = {}
        self.failed = ""
        self._measured = measured

    def pytest_sessionstart(self) -> None:
        # The same examples each time, and none smaller once one has failed.
        examples = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        settings = hypothesis.settings(derandomize=True, deadline=None, database=None, phases=examples)
        hypothesis.settings.register_profile("trial", parent=settings)
        hypothesis.settings.load_profile("trial")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.seconds[nodeid] = 0.0
        if self._measured is not None:
            self._measured.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed = report.nodeid


class _Instead(SourceFileLoader):
    """Loads the mutant as if it were the file."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._source = mutant.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != self._mutant.module:
            return None
        return spec_from_file_location(fullname, self._mutant.path, loader=_Instead(self._mutant))


def notice(mutant: Mutant, tests: Sequence[str]) -> Noticed:
    """Whether one of the tests fails with the mutant in the place of our file."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_try, args=(theirs, mutant, tests))
    process.start()
    theirs.close()
    try:
        noticed: Noticed = ours.recv()
    except EOFError:  # a test hung, and pytest-timeout or the alarm ended the process
        noticed = Noticed("(ended by the clock)")
    process.join()
    return noticed


def observe(folder_or_file: str) -> tuple[Seconds, Visits, str]:
    """What tests take, and which lines of ours each passes; and the one that fails with no mutant at all."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_observe, args=(theirs, folder_or_file))
    process.start()
    theirs.close()
    observed: tuple[Seconds, Visits, str] = ours.recv()
    process.join()
    return observed


def _try(answer: Connection, mutant: Mutant, tests: Sequence[str]) -> None:
    signal.alarm(_LONGEST)
    sys.meta_path.insert(0, _Finder(mutant))
    witness = Witness()
    code, said = _pytest(tests, witness)
    if code == pytest.ExitCode.OK:
        answer.send(Noticed(""))
    else:
        answer.send(Noticed(witness.failed or "(tests could not be loaded)", said[-2000:]))


def _observe(answer: Connection, folder_or_file: str) -> None:
    measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{CHECKOUT / JUDGED}/*"])
    witness = Witness(measured)
    measured.start()
    _, said = _pytest([folder_or_file], witness)
    measured.stop()
    data, visits = measured.get_data(), Visits()
    for path in data.measured_files():
        for line, tests in data.contexts_by_lineno(path).items():
            visits[Path(path).name, line] = {test for test in tests if test}
    answer.send((witness.seconds, visits, f"{witness.failed}\n{said[-3000:]}" if witness.failed else ""))


def _pytest(tests: Sequence[str], witness: Witness) -> tuple[int, str]:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*_PYTEST, *tests], plugins=[witness])
    return code, said.getvalue()
