"""What a machine can check of CONTRIBUTING.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FORBIDDEN_NAMES = {"utils.py", "util.py", "common.py", "helpers.py", "helper.py", "manager.py", "misc.py"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for name in listed.stdout.splitlines() if (path := CHECKOUT / name).exists()]


def test_no_file_has_two_subjects() -> None:
    long = {
        str(path.relative_to(CHECKOUT)): lines
        for path in tracked("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


def test_no_file_is_a_drawer() -> None:
    assert [path for path in tracked("*.py") if path.name in FORBIDDEN_NAMES] == []


def test_every_make_target_has_a_line_of_help() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert phony - explained == {"ready"}


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        (str(path.relative_to(CHECKOUT)), target)
        for path in tracked("*.md")
        for target in re.findall(r"(?:^    |`)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE)
    }
    assert {pair for pair in named if pair[1] not in targets} == set()


def test_no_registry_is_named_by_its_host() -> None:
    host = re.compile(r"://[a-z0-9.-]*(pypi|pythonhosted|npmjs|crates\.io|maven\.org|deb\.debian|proxy\.golang)[a-z.]*")
    files = [path for path in tracked() if path.is_file()]
    assert [str(path) for path in files if host.search(path.read_text(errors="ignore"))] == []
