from __future__ import annotations

from mesh.canary.commands.ending import exit_code, what_now
from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import fold
from tests.canary.look.story import Story, promoted, rolled_back


def test_exit_codes_tell_how_it_ended() -> None:
    paused = Story().started().shifted(0, 5).add(Kind.PAUSED, reason="lunch")
    assert [exit_code(fold(story.entries)) for story in (promoted(), rolled_back(), paused)] == [0, 10, 11]


def test_a_promotion_says_how_to_go_back_and_how_to_let_the_old_version_go() -> None:
    said = what_now(fold(promoted().entries))
    assert "argosy canary rollback catalog" in said
    assert "scale deployment/catalog-v1 --replicas 0" in said


def test_a_pause_says_where_it_stands_and_both_ways_on() -> None:
    said = what_now(fold(Story().started().shifted(0, 5).add(Kind.PAUSED, reason="lunch").entries))
    assert "v1 95 %, v2 5 %: lunch" in said
    assert "argosy canary resume catalog" in said
    assert "argosy canary rollback catalog" in said


def test_a_rollback_says_why() -> None:
    assert "20 errors of 50" in what_now(fold(rolled_back().entries))
