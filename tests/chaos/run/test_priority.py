"""Whoever measures is first in line while it does, and nobody is kept from measuring who may not be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mesh.chaos.run.priority import PREFERRED, first_in_line

MEASURE = """
import os
from mesh.chaos.run.priority import first_in_line
with first_in_line():
    print(os.getpriority(os.PRIO_PROCESS, 0))
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be preferred")
def test_root_is_preferred_meanwhile_and_not_afterwards() -> None:
    before = niceness()
    with first_in_line():
        assert niceness() == PREFERRED
    assert niceness() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="drops what only root has")
def test_who_may_not_measures_all_the_same() -> None:
    command = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", sys.executable, "-c", MEASURE]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert len(set(said)) == 1
