import subprocess
import sys
from pathlib import Path

import pytest

from mesh.local.file_lock import Held, hold, wait_and_hold
from mesh.local.lifecycle import at_work
from mesh.local.problems import AnotherAtWork
from mesh.local.state_folder import StateFolder

HOLDER = """
import sys
from pathlib import Path
from mesh.local.file_lock import hold
with hold(Path(sys.argv[1]), "somebody else"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_the_first_is(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with holder(lock) as first:
        with pytest.raises(Held, match=rf"somebody else \(pid {first.pid}\)"), hold(lock, "me"):
            pass
        first.communicate()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with holder(lock) as first:
        first.kill()
        first.communicate()
    with hold(lock, "me"):
        assert lock.read_text().startswith("me")


def test_who_waits_is_told_for_whom_and_gets_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    told: list[str] = []
    first = holder(lock)
    with wait_and_hold(lock, "me", told.append, sleep=lambda _seconds: first.communicate() and None):
        assert lock.read_text().startswith("me")
    assert told == [f"somebody else (pid {first.pid})"]


def test_a_second_command_on_the_same_cluster_is_refused_with_its_own_exit_code(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with at_work(folder, "up"), pytest.raises(AnotherAtWork, match="`argosy up`") as refused, at_work(folder, "up"):
        pass
    assert refused.value.exit_code == 3
    with at_work(folder, "up"):
        pass
