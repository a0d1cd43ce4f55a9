from __future__ import annotations

from pathlib import Path

import pytest

from mesh.local.node import log_files
from mesh.local.node.log_files import LogFile, PodLogs
from mesh.local.node.log_requests import BadLogRequest, LogRequest, tail_offset


def written(path: Path, text: str) -> LogFile:
    file = LogFile(path, now=0.0)
    with file.open_for_writing() as handle:
        handle.write(text.encode())
    return file


@pytest.mark.parametrize(
    ("text", "lines", "tail"),
    [
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc\n", 3, "a\nb\nc\n"),
        ("a\nb\nc\n", 9, "a\nb\nc\n"),
        ("a\nb\nc\n", 0, ""),
        ("a\nb\nunfinished", 1, "unfinished"),
        ("a\nb\nunfinished", 2, "b\nunfinished"),
        ("", 5, ""),
        ("x" * 200_000 + "\nlast\n", 1, "last\n"),
    ],
)
def test_the_tail_begins_at_a_line(tmp_path: Path, text: str, lines: int, tail: str) -> None:
    file = written(tmp_path / "0.log", text)
    assert text[tail_offset(file.path, lines) :] == tail


def test_a_lines_time_is_when_it_was_first_seen(tmp_path: Path) -> None:
    file = written(tmp_path / "0.log", "one\n")
    file.note(10.0)
    with file.open_for_writing() as handle:
        handle.write(b"two\n")
    file.note(11.0)
    assert [file.time_of(offset, now=99.0) for offset in (0, 3, 4, 8)] == [10.0, 10.0, 11.0, 99.0]
    assert [file.offset_at(when) for when in (-1.0, 10.0, 10.5, 11.5)] == [0, 0, 4, 8]


def test_a_log_that_grows_too_long_is_cut_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "SIZE_LIMIT", 10)
    file = LogFile(tmp_path / "0.log", now=0.0)
    with file.open_for_writing() as handle:
        handle.write(b"more than ten bytes\n")
        file.note(1.0)
        handle.write(b"new\n")
    assert file.path.read_text() == "new\n"
    assert (tmp_path / "0.log.1").read_text() == "more than ten bytes\n"
    assert file.offset_at(0.5) == 0


def test_logs_are_private_and_two_runs_are_kept(tmp_path: Path) -> None:
    logs = PodLogs(tmp_path / "pod")
    for run in range(4):
        with logs.begin("app", run, now=0.0).open_for_writing() as handle:
            handle.write(b"%d\n" % run)
    assert sorted(path.name for path in (tmp_path / "pod" / "app").iterdir()) == ["2.log", "3.log"]
    assert (tmp_path / "pod" / "app" / "3.log").stat().st_mode & 0o777 == 0o600
    current, previous = logs.run("app"), logs.run("app", previous=True)
    assert current is not None
    assert previous is not None
    assert (current.path.name, previous.path.name) == ("3.log", "2.log")
    assert logs.run("other") is None


def test_the_next_node_finds_what_was_logged(tmp_path: Path) -> None:
    logs = PodLogs(tmp_path / "pod")
    for run in (9, 10):
        with logs.begin("app", run, now=0.0).open_for_writing() as handle:
            handle.write(b"%d\n" % run)
    found = PodLogs(tmp_path / "pod").run("app")
    assert found is not None
    assert found.path.read_text() == "10\n"


def test_the_query_of_kubectl_logs_is_understood() -> None:
    query = {"follow": "true", "tailLines": "5", "limitBytes": "100", "sinceSeconds": "60", "timestamps": "true"}
    assert LogRequest.of(query, now=1000.0) == LogRequest(
        follow=True, timestamps=True, tail_lines=5, limit_bytes=100, since=940.0
    )
    assert LogRequest.of({"sinceTime": "1970-01-01T00:01:00Z", "previous": "true"}, now=0.0) == LogRequest(
        previous=True, since=60.0
    )


@pytest.mark.parametrize("query", [{"tailLines": "many"}, {"sinceTime": "yesterday"}, {"sinceSeconds": "1.5"}])
def test_an_option_without_a_usable_value_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadLogRequest):
        LogRequest.of(query, now=0.0)
