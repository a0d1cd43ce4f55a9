"""A canary's entries are had as they are printed, and its end is told with its last words."""

import json
import sys

import pytest

from loadtest.canary_run import EndedBefore, following
from mesh.canary.journal.entry import Entry, Kind

pytestmark = pytest.mark.processes

FIRST = Entry.after(None, at=1.0, run="r", kind=Kind.STARTED, by="somebody", facts={"service": "catalog"})
SECOND = Entry.after(FIRST, at=2.0, run="r", kind=Kind.OBSERVED, by="somebody", facts={"step": 0})


def printing(*entries: Entry, then: str) -> tuple[str, ...]:
    lines = "\n".join(entry.line() for entry in entries)
    return sys.executable, "-c", f"import sys, time; print({json.dumps(lines)}, flush=True); {then}"


async def test_an_entry_is_had_before_the_command_ends() -> None:
    async with following("start", program=printing(FIRST, SECOND, then="time.sleep(600)")) as run:
        assert await run.until(Kind.OBSERVED, step=0) == SECOND
        assert run.process.returncode is None
    assert run.process.returncode is not None  # it was killed


async def test_what_never_comes_is_an_error_with_the_last_words() -> None:
    said = "print('catalog is held by alice', file=sys.stderr); sys.exit(20)"
    async with following("start", program=printing(FIRST, then=said)) as run:
        with pytest.raises(EndedBefore, match=r"exit code 20 after started: catalog is held by alice"):
            await run.until(Kind.OBSERVED)
        assert await run.end() == 20
