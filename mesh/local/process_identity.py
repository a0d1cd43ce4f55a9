"""Is this still the process we mean? A pid together with its start time: the kernel reuses pids, never the pair."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_STATE_FIELD, _START_TIME_FIELD = 3, 22


@dataclass(frozen=True)
class ProcessId:
    """One process, now and for ever. `started` is in clock ticks since boot, as /proc says."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return identify(self.pid) == self

    def age(self) -> float:
        """Seconds since it began, also when it has ended by now."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.started / os.sysconf("SC_CLK_TCK")

    def wait(self) -> None:
        """Block until it has ended, whoever's child it is."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                select.select([handle], [], [])
        finally:
            os.close(handle)

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to it and to nobody else; False when it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The handle pins the process, so looking after opening leaves no gap for a stranger with the same pid.
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


def this_process() -> ProcessId:
    """The process that asks."""
    own = identify(os.getpid())
    if own is None:
        raise ProcessLookupError("/proc does not show this process")
    return own


def identify(pid: int) -> ProcessId | None:
    """The living process that has `pid` now, or None."""
    fields = _fields(pid)
    if not fields or fields[_STATE_FIELD] in {"Z", "X"}:
        return None
    return ProcessId(pid, int(fields[_START_TIME_FIELD]))


def state_of(pid: int) -> str:
    """The state of the process as /proc has it (R, S, T, Z, ...); empty when there is none."""
    fields = _fields(pid)
    return fields[_STATE_FIELD] if fields else ""


def _fields(pid: int) -> dict[int, str]:
    """What /proc says of it, by the numbers of proc(5), from the third on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    # The program's name, field 2, is in brackets and may itself hold blanks and brackets.
    return dict(enumerate(text.rpartition(")")[2].split(), start=_STATE_FIELD))
