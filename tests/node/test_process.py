from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from mesh.local.node import launcher, pod_record
from mesh.local.node.pod_record import ContainerRecord, PodRecord
from mesh.local.node.process import CannotStart, Process, spawn
from mesh.local.process_identity import identify
from tests.node.waiting import until

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def sh(script: str, output: Path | None = None) -> Process:
    path = output or Path(os.devnull)
    with path.open("ab") as file:
        return spawn(["sh", "-c", script], environment=ENVIRONMENT, working_directory=Path("/"), output=file)


def alive(pid: int) -> bool:
    return identify(pid) is not None


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
async def test_an_exit_is_reported_as_a_container_runtime_does(script: str, code: int) -> None:
    assert (await sh(script).wait()).code == code


async def test_output_and_errors_go_to_one_file(tmp_path: Path) -> None:
    await sh("echo out; echo err >&2", tmp_path / "log").wait()
    assert (tmp_path / "log").read_text() == "out\nerr\n"


async def test_what_the_program_started_ends_with_it(tmp_path: Path) -> None:
    await sh("sleep 1000 & echo $!", tmp_path / "log").wait()
    child = int((tmp_path / "log").read_text())
    await until(lambda: not alive(child))


async def test_a_signal_reaches_the_program_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = sh("trap 'echo told' TERM; (trap 'echo no >&2' TERM; sleep 0.2; wait) & echo up; wait; wait", log)
    await until(lambda: log.exists() and "up" in log.read_text())
    process.signal(signal.SIGTERM)
    await process.wait()
    assert log.read_text() == "up\ntold\n"


async def test_a_stopped_process_can_be_killed() -> None:
    process = sh("sleep 1000")
    process.signal(signal.SIGSTOP)
    process.signal_group(signal.SIGKILL)
    assert (await process.wait()).code == 137


async def test_signalling_what_has_ended_does_nothing() -> None:
    process = sh("exit 0")
    await process.wait()
    process.signal(signal.SIGTERM)
    process.signal_group(signal.SIGKILL)
    assert not process.running


@pytest.mark.parametrize(
    ("program", "words"),
    [("no-such-program", "not found in \\$PATH"), ("./nothing", "no such executable"), ("/", "no such")],
)
async def test_a_program_that_does_not_exist_is_an_error(program: str, words: str) -> None:
    with pytest.raises(CannotStart, match=words):
        spawn([program], environment=ENVIRONMENT, working_directory=Path("/"), output=-3)


async def test_a_working_directory_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="No such file"):
        spawn(["true"], environment=ENVIRONMENT, working_directory=tmp_path / "gone", output=-3)


NODE = """
import asyncio, sys
from pathlib import Path
from mesh.local.node.process import spawn
async def main():
    argv = sys.argv[1:]
    process = spawn(argv, environment={"PATH": "/usr/bin:/bin"}, working_directory=Path("/"), output=1)
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def pids_in(log: Path) -> list[int]:
    return [int(line.split()[-1]) for line in log.read_text().splitlines()]


def open_for_writing(path: Path) -> BinaryIO:
    return path.open("wb")


async def _pids_of_a_node(log: Path, *argv: str, count: int) -> tuple[asyncio.subprocess.Process, list[int]]:
    with open_for_writing(log) as output:
        node = await asyncio.create_subprocess_exec(sys.executable, "-c", NODE, *argv, stdout=output)
    await until(lambda: len(pids_in(log)) == count)
    return node, pids_in(log)


async def test_a_node_that_is_killed_takes_its_children_with_it(tmp_path: Path) -> None:
    node, [child] = await _pids_of_a_node(tmp_path / "log", "sleep", "1000", count=1)
    assert alive(child)
    node.kill()
    await node.wait()
    await until(lambda: not alive(child))


async def test_a_grandchild_behind_the_launcher_goes_too_and_one_without_it_does_not(tmp_path: Path) -> None:
    wrapped = f"{sys.executable} -I -S {launcher.__file__} - /bin/sleep 1000"
    script = f"sleep 1000 & echo bare $!; {wrapped} & echo behind $!; wait"
    node, _ = await _pids_of_a_node(tmp_path / "log", "sh", "-c", script, count=3)
    named = re.findall(r"(\w+) (\d+)", (tmp_path / "log").read_text())
    bare, behind = (int(dict(named)[name]) for name in ("bare", "behind"))
    # The launcher must have told the kernel before its parent dies.
    await until(lambda: command_line(behind).startswith("/bin/sleep"))
    node.kill()
    await node.wait()
    await until(lambda: not alive(behind))
    assert alive(bare)  # the negative control: this is what would be left behind
    os.kill(bare, signal.SIGKILL)


async def test_leftovers_are_killed_by_their_record_and_a_stranger_with_the_same_number_is_not(tmp_path: Path) -> None:
    left, stranger = sh("sleep 1000"), sh("sleep 1000")
    containers = {
        "left": ContainerRecord(left.pid, left.start_time, 0),
        "stranger": ContainerRecord(stranger.pid, stranger.start_time - 1, 0),
        "gone": ContainerRecord(2**22 - 1, 1, 0),
    }
    record = PodRecord("shop", "catalog", "uid", "127.10.0.1", "127.11.0.1", 15000, 15021, containers)
    pod_record.write(tmp_path, record)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "record.json").write_text('{"namespace"')
    assert list(pod_record.read_all(tmp_path)) == [record]
    assert pod_record.end_leftovers(tmp_path) == 1
    assert (await left.wait()).code == 137
    assert stranger.running
    stranger.signal(signal.SIGKILL)
    await stranger.wait()
