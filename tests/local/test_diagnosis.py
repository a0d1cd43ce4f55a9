import os
import socket
from pathlib import Path

from mesh.local.addresses import addresses_of
from mesh.local.diagnosis import GIB, Verdict, disk, examine, memory
from mesh.local.settings import Settings

INSTANCE = 8


def findings(tmp_path: Path, programs: Path | None = None) -> dict[str, tuple[Verdict, str]]:
    settings = Settings(state=tmp_path / "state", cache=tmp_path / "cache", programs=programs, instance=INSTANCE)
    return {finding.subject: (finding.verdict, finding.text) for finding in examine(settings)}


def test_a_taken_port_prevents_a_start_and_its_taker_is_named(tmp_path: Path) -> None:
    assert findings(tmp_path)["ports"][0] is Verdict.GOOD
    port = addresses_of(INSTANCE).etcd
    with socket.create_server(("127.0.0.1", port)):
        verdict, text = findings(tmp_path)["ports"]
    assert verdict is Verdict.BAD
    assert str(port) in text
    assert f"pid {os.getpid()}" in text


def test_missing_programs_are_a_note_because_they_will_be_built(tmp_path: Path) -> None:
    verdict, text = findings(tmp_path)["programs"]
    assert verdict is Verdict.NOTE
    assert "kube-apiserver" in text


def test_more_memory_and_disk_are_needed_while_programs_have_to_be_built(tmp_path: Path) -> None:
    building = findings(tmp_path)
    assert building["memory"][1].endswith("4 needed")
    assert building["disk for the cache"][1].endswith("7 needed")
    given = findings(tmp_path, programs=tmp_path)
    assert given["memory"][1].endswith("3 needed")
    assert "needed" not in given["disk for the cache"][1]
    assert given["disk for the state"][1].endswith("1 needed")


def test_too_little_memory_is_a_note_and_too_little_disk_prevents() -> None:
    assert memory(4 * GIB, needed=4 * GIB).verdict is Verdict.GOOD
    assert memory(2 * GIB, needed=3 * GIB).verdict is Verdict.NOTE
    assert disk("disk", free=GIB, needed=7 * GIB).verdict is Verdict.BAD
