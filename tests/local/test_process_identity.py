import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mesh.local.process_identity import ProcessId, identify, this_process


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_itself(sleeper: subprocess.Popen[bytes]) -> None:
    found = identify(sleeper.pid)
    assert found is not None
    assert found.alive()
    assert identify(os.getpid()) != found


def test_a_recycled_pid_gets_no_signal(sleeper: subprocess.Popen[bytes]) -> None:
    found = identify(sleeper.pid)
    assert found is not None
    one_that_had_this_pid_before = replace(found, started=found.started - 1)
    assert not one_that_had_this_pid_before.alive()
    assert one_that_had_this_pid_before.send(signal.SIGKILL) is False
    assert sleeper.poll() is None
    assert found.send(signal.SIGKILL) is True  # the negative control: the right one does get it
    assert sleeper.wait() == -signal.SIGKILL


def test_the_dead_and_the_undead_are_nobody(sleeper: subprocess.Popen[bytes]) -> None:
    found = identify(sleeper.pid)
    assert found is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # now a zombie
    assert identify(sleeper.pid) is None
    assert found.send(signal.SIGTERM) is False
    sleeper.wait()
    assert ProcessId(sleeper.pid, found.started).alive() is False


def test_waiting_for_a_strangers_end_returns_with_it(sleeper: subprocess.Popen[bytes]) -> None:
    found = identify(sleeper.pid)
    assert found is not None
    asking = (
        f"from mesh.local.process_identity import ProcessId; print('asks', flush=True); {found}.wait(); print('ended')"
    )
    with subprocess.Popen([sys.executable, "-c", asking], stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "asks\n"
        assert waiting.poll() is None
        sleeper.kill()
        assert waiting.stdout.readline() == "ended\n"
    replace(found, started=found.started - 1).wait()  # of one that is gone already, at once
    found.wait()


def test_an_age_is_counted_from_the_start(sleeper: subprocess.Popen[bytes]) -> None:
    found = identify(sleeper.pid)
    assert found is not None
    assert 0 <= found.age() <= this_process().age() + 1


def test_a_name_with_brackets_and_blanks_does_not_confuse(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("odd") / "a) S 1 ("
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        found = identify(process.pid)
        assert found is not None
        assert found.started > 0
    finally:
        process.kill()
        process.wait()
