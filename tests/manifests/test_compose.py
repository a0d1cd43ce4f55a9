"""compose.yaml is judged by the loader of the Compose specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh.manifests.checkers import Checkers
from mesh.manifests.compose import check_compose


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("services: {a: {image: 'a:1'}}", None),
        ("services: {a: {image: 'a:1', portz: []}}", "portz"),
        ("services: {a: {image: 'a:1', ports: ['x:80']}}", "Invalid hostPort: x"),
        ("services: {a: {image: 'a:1', depends_on: [b]}}", 'undefined service "b"'),
        ("services: {a: {image: 'a:1', volumes: ['data:/data']}}", "undefined volume data"),
        ("services: {a: {image: 'a:1', profiles: [later], networks: [out]}}", "undefined network out"),
        ("services: {a: {image: 'a:1'}, a: {image: 'a:2'}}", "already defined"),
        ("services: {a: {image: 'a:${TAG:?}'}}", "required variable TAG"),
    ],
)
def test_a_compose_file(checkers: Checkers, tmp_path: Path, text: str, complaint: str | None) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    problems = check_compose(checkers.compose, tmp_path / "compose.yaml")
    assert [complaint in problem.message for problem in problems if complaint] == [True] * bool(complaint)
    assert bool(problems) == bool(complaint)


def test_no_compose_file_is_a_problem(checkers: Checkers, tmp_path: Path) -> None:
    (problem,) = check_compose(checkers.compose, tmp_path / "compose.yaml")
    assert "no such file" in problem.message
